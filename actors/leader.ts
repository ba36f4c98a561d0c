/** The leader's part: it pays what time owes to each state, through the instance's own actor. Design §3, §4. */
import type { Clock } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { CommandBus } from "../events/command_bus.ts";
import type { Ids, Randomness } from "../events/ids.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { type Fleet, hasLabels, isHeard, wantedBy, whyNoWorker } from "../machines/placement.ts";
import { type Owed, owedTo, react, type Reacting } from "../machines/reconcile.ts";
import type { Turn, TurnOutcome } from "./instance_actor.ts";

/** What could not be paid (busy, the log away) is tried again after this. */
const RETRY_MS = 250;
/** What failed for a lasting reason is told, and looked at again this much later. */
const LASTING_RETRY_MS = 60_000;
/** At most this many reactions are under way at once, so that a recovery does not flood the log. */
const CONCURRENT_MAX = 64;

export interface LeaderParts {
  clock: Clock;
  ids: Ids;
  randomness: Randomness;
  bus: CommandBus;
  /** How long a start by the policy waits for a worker. */
  queueTimeoutMs: number;
  takeTurn(instanceId: string, turn: Turn): Promise<TurnOutcome>;
  /** The workers as they were last seen (`WorkerWatch.fleet`). */
  fleet(): Fleet | undefined;
  /** A reaction that failed for another reason than a lost race or the log being away: a bug. */
  onBug(error: unknown): void;
}

/** Keeps, for each instance, when something is next owed; one timer for all of them. */
export class Leader {
  /** By instance, by the monotonic clock. */
  private readonly due = new Map<string, number>();
  /** When the newest event of a state that is owed something was written, by the monotonic clock, as far as is known. */
  private readonly written = new Map<string, { version: number; at: number }>();
  private readonly reacting = new Set<string>();
  /** How far this node's clock is behind the log's, at least: by an event that came from its future. */
  private behindMs = 0;
  private cancelTimer: (() => void) | null = null;
  private timerAt = Infinity;
  private leading = false;

  constructor(
    private readonly parts: LeaderParts,
    private readonly stateOf: (id: string) => InstanceState | undefined,
  ) {}

  /** Begins to lead: looks at every state once, then at each change. */
  lead(states: Iterable<InstanceState>): void {
    this.leading = true;
    const { clock } = this.parts;
    const all = [...states];
    for (const state of all) this.setClock(state);
    const now = clock.now() + this.behindMs;
    for (const state of all) {
      this.look(state, clock.monotonic() - Math.max(0, now - state.context.lastModifiedAt));
    }
  }

  /** Looks at a state that has just changed. */
  consider(state: InstanceState): void {
    if (!this.leading) return;
    this.setClock(state);
    this.look(state, this.parts.clock.monotonic());
  }

  /**
   * Learns of the log's clock. What was due by a clock that turns out to be behind is due so much earlier: a node that
   * has just begun to lead knows of no other how old the events are that it has recovered.
   */
  private setClock({ context }: InstanceState): void {
    const behindMs = context.lastModifiedAt - this.parts.clock.now();
    if (behindMs <= this.behindMs) return;
    const moreMs = behindMs - this.behindMs;
    this.behindMs = behindMs;
    for (const [instanceId, dueAt] of this.due) this.schedule(instanceId, dueAt - moreMs);
  }

  private look(state: InstanceState, writtenAt: number): void {
    const { instanceId, version } = state.context;
    const owed = owedTo(state);
    if (owed.length === 0) {
      this.due.delete(instanceId);
      this.written.delete(instanceId);
      return;
    }
    if (this.written.get(instanceId)?.version !== version) {
      this.written.set(instanceId, { version, at: writtenAt });
    }
    this.schedule(instanceId, Math.min(this.dueAt(state, owed[0]!), this.askAt(owed[0]!)));
  }

  /**
   * When this node's clock says that something is due: earlier than `dueAt` for an event that was heard late, after an
   * outage. If it is this clock that is ahead, the log says how long to wait.
   */
  private askAt({ dueAt }: Owed): number {
    const { clock } = this.parts;
    return clock.monotonic() + Math.max(0, dueAt - clock.now() - this.behindMs);
  }

  /**
   * When something is due, by the monotonic clock. The log's clock wrote both the time that it is due at and the
   * newest event, so the time between them holds whatever this node's clock says, and wherever the log's was set.
   */
  private dueAt({ context }: InstanceState, owed: Owed): number {
    const { instanceId, lastModifiedAt } = context;
    const writtenAt = this.written.get(instanceId)?.at ?? -Infinity;
    return owed.dueAt === 0 ? -Infinity : writtenAt + Math.max(0, owed.dueAt - lastModifiedAt);
  }

  /** Stops reacting; `lead` begins anew. */
  stop(): void {
    this.leading = false;
    this.cancelTimer?.();
    this.cancelTimer = null;
    this.timerAt = Infinity;
    this.behindMs = 0;
    this.due.clear();
    this.written.clear();
  }

  private schedule(instanceId: string, dueAt: number): void {
    this.due.set(instanceId, dueAt);
    if (dueAt < this.timerAt) this.arm(dueAt);
  }

  private arm(dueAt: number): void {
    this.cancelTimer?.();
    this.timerAt = dueAt;
    this.cancelTimer = this.parts.clock.after(
      Math.max(0, dueAt - this.parts.clock.monotonic()),
      () => this.fire(),
    );
  }

  private fire(): void {
    this.timerAt = Infinity;
    this.cancelTimer = null;
    const now = this.parts.clock.monotonic();
    let next = Infinity;
    for (const [instanceId, dueAt] of this.due) {
      if (dueAt > now || this.reacting.size >= CONCURRENT_MAX) {
        next = Math.min(next, Math.max(dueAt, now + 10));
      } else if (!this.reacting.has(instanceId)) void this.pay(instanceId);
    }
    if (next < this.timerAt) this.arm(next);
  }

  private async pay(instanceId: string): Promise<void> {
    this.due.delete(instanceId);
    this.reacting.add(instanceId);
    let retryInMs: number | null = null;
    try {
      retryInMs = await this.reactOnce(instanceId);
    } catch (error) {
      const isPassing = error instanceof OperationalError && error.retryable;
      retryInMs = isPassing ? RETRY_MS : LASTING_RETRY_MS;
      if (this.leading && !isPassing) this.parts.onBug(error);
    }
    this.reacting.delete(instanceId);
    if (!this.leading) return;
    if (retryInMs !== null) {
      return this.schedule(instanceId, this.parts.clock.monotonic() + retryInMs);
    }
    const state = this.stateOf(instanceId);
    if (state) this.consider(state);
  }

  /** Pays the first thing owed; gives the time after which to look again, null for "at the next change". */
  private async reactOnce(instanceId: string): Promise<number | null> {
    const state = this.stateOf(instanceId);
    // The log was put back to before it was made.
    if (!state) return null;
    const all = owedTo(state);
    const isOver = (one: Owed) =>
      one.kind === "expire-queued" && this.dueAt(state, one) <= this.parts.clock.monotonic();
    const owed = all.find(isOver) ?? all[0];
    if (!owed) return null;
    const given = await this.given(instanceId, owed);
    const outcome = await this.parts.takeTurn(instanceId, {
      decide: (state) => react(state, owed, given),
      meta: {
        requestId: given.correlationId,
        requestedBy: "leader",
        correlationId: given.correlationId,
      },
      notBefore: owed.dueAt,
    });
    if (outcome.kind === "notDue") return Math.max(1, outcome.dueInMs);
    // "decided": it was paid meanwhile, or cannot be: then looking again at once would spin.
    return outcome.kind === "appended" ? null : RETRY_MS;
  }

  private async given(instanceId: string, owed: Owed): Promise<Reacting> {
    const { ids, randomness, queueTimeoutMs } = this.parts;
    const { queuedStart: queued, lastModifiedAt } = this.stateOf(instanceId)?.context ?? {};
    const fleet = this.parts.fleet();
    return {
      commandId: ids.next("command"),
      correlationId: ids.next("request"),
      acceptWithinMs: owed.kind === "release" && queued
        // By the log's clock alone, which wrote both.
        ? Math.max(1, queued.expiresAt - lastModifiedAt!)
        : queueTimeoutMs,
      keepsAnswer: false,
      ...(fleet ? { fleet } : {}),
      fraction: randomness.fraction(),
      ...(owed.kind === "expire"
        ? await this.reasonFor(instanceId, owed.commandId)
        : { expiryReason: "NoWorker" as const }),
    };
  }

  private async reasonFor(
    instanceId: string,
    commandId: string,
  ): Promise<Pick<Reacting, "expiryReason" | "expiryDetail">> {
    const state = this.stateOf(instanceId);
    const command = state?.context.commands.find((one) => one.commandId === commandId);
    if (!state || !command) return { expiryReason: "NoWorker" };
    const fleet = this.parts.fleet() ??
      { workers: await this.parts.bus.workers(), at: this.parts.clock.now() };
    const wanted = wantedBy(state);
    const isStart = command.kind === "start";
    const fitting = fleet.workers.filter((worker) =>
      worker.platform === wanted.platform && !worker.lost &&
      (isStart ? hasLabels(worker, wanted) : command.site === null || worker.site === command.site)
    );
    if (fitting.length === 0) {
      return {
        expiryReason: "NoWorker",
        ...(isStart ? { expiryDetail: whyNoWorker(wanted, fleet.workers) } : {}),
      };
    }
    const isHeardOf = fitting.some((worker) => isHeard(worker, fleet.at));
    return { expiryReason: isHeardOf ? "WorkersBusy" : "WorkersUnreachable" };
  }
}
