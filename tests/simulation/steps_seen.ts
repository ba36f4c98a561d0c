/** What the functions of the modelled Redis were seen to do: when each worker was heard, who leads, what was done under which token. */
import type { FencedStep, Registration } from "./invariants/evidence.ts";
import type { Reply } from "./redis/reply.ts";

/** Told of what a function's call has shown. */
export interface StepListener {
  onRegistered(registration: Registration): void;
  onFenced(step: FencedStep): void;
  onLeaderChanged(): void;
  reach(state: string): void;
}

export class StepsSeen {
  /** By worker: when the log last took a beat or an accept of it. */
  readonly heardAt = new Map<string, number>();
  /** By command: when it was last accepted, also again by the same worker. */
  readonly acceptedAt = new Map<string, number>();
  /** The token that was given out last. */
  private fence = 0;
  private leader = "";
  /** When the newest lease is over, unless Redis forgets it or its clock is set. */
  private leadsUntil = 0;

  constructor(private readonly now: () => number, private readonly listener: StepListener) {}

  /** To be called with each function that Redis has executed. */
  see(step: string, args: readonly string[], reply: Reply): void {
    const kind = Array.isArray(reply) ? reply[0] : reply;
    switch (step) {
      case "register":
        if (kind === "registered") this.register(args);
        break;
      case "heartbeat":
        if (kind === "ok") this.heardAt.set(args[0]!, this.now());
        break;
      case "accept":
        this.accept(args, reply as string[]);
        break;
      case "append":
      case "append_ending":
        if (kind === "conflict") this.listener.reach("lost append race");
        break;
      case "lead":
        this.lead(args, reply);
        break;
      case "keep_snapshot":
        if (kind === "kept") this.fenced("snapshot", args[0]!);
        break;
      case "trim":
        if (kind === "cut") this.fenced("trim", args[0]!, args[2]);
        break;
      case "retarget":
        if (kind === "moved") this.fenced("retarget", args[0]!);
        break;
      case "lose":
        this.fenced("lose", args[1]!);
        break;
    }
  }

  /** Redis was put back, or its clock was set: its leases may be over at any time. */
  forgetLease(): void {
    this.leadsUntil = 0;
  }

  private register([workerId, incarnation, host, , site, , , labels]: readonly string[]): void {
    this.heardAt.set(workerId!, this.now());
    this.listener.onRegistered({
      at: this.now(),
      workerId: workerId!,
      incarnation: incarnation!,
      host: host!,
      site: site!,
      labels: JSON.parse(labels!),
    });
  }

  private accept([workerId, , commandId]: readonly string[], [kind]: string[]): void {
    if (kind !== "accepted") return;
    this.heardAt.set(workerId!, this.now());
    this.acceptedAt.set(commandId!, this.now());
  }

  private lead([node, ttl]: readonly string[], reply: Reply): void {
    if (ttl === "0") {
      if (this.leader === node) this.leadsUntil = 0;
      return;
    }
    if (typeof reply !== "string") return;
    const rivalUntil = this.leader === node ? 0 : this.leadsUntil;
    this.leadsUntil = this.now() + Number(ttl);
    this.fence = Number(reply);
    this.listener.onFenced({
      kind: "lead",
      at: this.now(),
      fence: this.fence,
      newestFence: this.fence,
      rivalUntil,
    });
    if (this.leader === node) return;
    if (this.leader !== "") this.listener.reach("leader changed");
    this.leader = node!;
    this.listener.onLeaderChanged();
  }

  private fenced(kind: FencedStep["kind"], fence: string, before?: string): void {
    this.listener.onFenced({
      kind,
      at: this.now(),
      fence: Number(fence),
      newestFence: this.fence,
      ...(before === undefined ? {} : { before }),
    });
  }
}
