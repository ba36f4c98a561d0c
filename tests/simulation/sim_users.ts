/** Users who ask as the plan says, and what each of them was told. */
import type { AskOutcome } from "../../actors/system_port.ts";
import { OperationalError } from "../../events/errors.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { statusOf } from "../../machines/status.ts";
import { type Operation, outcomeOf, placeOf, type Read } from "../history/operations.ts";
import type { Cluster, SimNode } from "./cluster.ts";
import type { ReadStep, RequestStep } from "./plan.ts";
import type { Life } from "./virtual_time.ts";

/** A user whose nodes are all down tries again so often. */
const AGAIN_MS = 500;

/** Told of what users ask and hear. */
export interface Witness {
  onAsked(operation: Operation): void;
  onTold(operation: Operation): void;
  onRead(read: Read): void;
}

export class SimUsers {
  asked = 0;
  /** Asked of a node, and not answered yet. */
  private readonly pending = new Map<Operation, Life>();
  /** By the number of its create. */
  private readonly instances = new Map<number, string>();
  /** What was asked for, by the same number. */
  private readonly creates = new Map<number, InstanceRequest>();

  /** @param untilMs whoever found no node by then gives up */
  constructor(
    private readonly cluster: Cluster,
    private readonly witness: Witness,
    private readonly untilMs: number,
  ) {}

  /** Does what the plan says: through another node where the user's is down, and later where all are. */
  act(step: RequestStep | ReadStep): void {
    const { nodes, time } = this.cluster;
    const up = nodes.filter((node) => node.system !== null);
    const first = nodes[step.node % nodes.length]!;
    const node = first.system ? first : up[step.node % up.length];
    if (!node) {
      if (time.elapsed < this.untilMs) time.after(AGAIN_MS, () => this.act(step));
      return;
    }
    if (step.kind === "read") return this.read(node, step);
    if (step.request.type === "create") this.creates.set(step.instance, step.request);
    const instanceId = step.request.type === "create"
      ? null
      : this.instances.get(step.instance) ?? null;
    // Whoever never heard of the instance that was asked for asks for it once more.
    const request = instanceId === null ? this.creates.get(step.instance) : step.request;
    if (request) this.ask(node, request === step.request ? step : { ...step, request, key: null });
  }

  /** Whoever asked a node that is dead by now sees a broken connection: it may have been done, or not. */
  hangUp(): void {
    for (const [operation, life] of this.pending) {
      if (life.isAlive) continue;
      this.pending.delete(operation);
      operation.outcome = { kind: "info", code: "connection_lost" };
      operation.returnedAt = this.cluster.time.elapsed;
      this.witness.onTold(operation);
    }
  }

  private ask(node: SimNode, step: RequestStep): void {
    const { cluster } = this;
    const { user, key, request, timeoutMs, wait } = step;
    const instanceId = request.type === "create" ? null : this.instances.get(step.instance)!;
    const number = ++this.asked;
    const idempotency = key === null
      ? null
      : { key: `key-${key}`, digest: JSON.stringify(request) };
    const operation: Operation = {
      number,
      session: `user-${user}`,
      instanceId,
      request,
      requestId: `op-${number}`,
      idempotency,
      invokedAt: cluster.time.elapsed,
      returnedAt: null,
      outcome: null,
    };
    cluster.say(
      `#${number} user ${user} asks ${node.program.name}: ${request.type} ` +
        `${instanceId ?? `instance ${step.instance}`}${key === null ? "" : ` with key ${key}`}`,
    );
    this.witness.onAsked(operation);
    this.pending.set(operation, node.program.life!);
    const asking = node.system!.ask(instanceId, request, {
      timeoutMs,
      wait,
      requestedBy: operation.session,
      correlationId: operation.requestId,
      ...(idempotency ? { idempotency } : {}),
    });
    this.hear(node, asking, (outcome, code) => {
      this.pending.delete(operation);
      operation.outcome = outcome ? outcomeOf(outcome) : { kind: "info", code };
      operation.returnedAt = cluster.time.elapsed;
      if (outcome && request.type === "create") this.remember(step.instance, outcome);
      cluster.say(`#${number} is told ${outcome ? tell(outcome) : code}`);
      this.witness.onTold(operation);
    });
  }

  private read(node: SimNode, { user, instance }: ReadStep): void {
    const { time } = this.cluster;
    const instanceId = this.instances.get(instance);
    if (instanceId === undefined) return;
    const askedAt = time.elapsed;
    this.hear(node, node.system!.get(instanceId), (state) => {
      if (!state) return;
      this.witness.onRead({
        ...placeOf(state),
        session: `user-${user}`,
        askedAt,
        returnedAt: time.elapsed,
        status: statusOf(state),
        atLeast: null,
      });
    });
  }

  /** An answer reaches nobody from a process that is dead by then. Errors are told by their code. */
  private hear<T>(
    { program: { life } }: SimNode,
    answer: Promise<T>,
    told: (answer: T | undefined, code: string) => void,
  ): void {
    answer.then((value) => life?.isAlive && told(value, ""), (error) => {
      if (!life?.isAlive) return;
      if (!(error instanceof OperationalError)) this.cluster.bugs.push(error);
      told(undefined, error instanceof OperationalError ? error.code : "bug");
    });
  }

  /** A user who was told of a new instance knows it from now on, and so does everybody else. */
  private remember(instance: number, outcome: AskOutcome): void {
    if (outcome.kind === "done" || outcome.kind === "accepted") {
      this.instances.set(instance, outcome.state.context.instanceId);
    }
  }
}

function tell(outcome: AskOutcome): string {
  switch (outcome.kind) {
    case "done":
      return `done at ${outcome.position}${outcome.changed ? "" : ", unchanged"}`;
    case "failed":
      return `failed (${outcome.failure.code}) at ${outcome.position}`;
    case "rejected":
      return `rejected (${outcome.rejection.code})`;
    case "accepted":
    case "unknown":
      return `${outcome.kind} ${outcome.commandId}`;
    case "plan":
      return "a plan";
  }
}
