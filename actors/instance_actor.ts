/** One instance's decisions, one at a time: fold, decide, append; a lost race is folded and decided again. Design §3. */
import { OperationalError } from "../events/errors.ts";
import type { EventMeta, RecordedEvent } from "../events/envelope.ts";
import type { AppendBatch, AppendOutcome, EventLog, KeyRecord } from "../events/event_log.ts";
import { evolve, initialState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { Decision } from "../machines/requests.ts";
import { isForked, type LostHistory } from "./forks.ts";
import type { Freshness } from "./freshness.ts";
import type { InstanceTable } from "./instance_table.ts";
import { Mailbox } from "./mailbox.ts";
import type { Reads } from "./reads.ts";

/** A decision to be made when its turn comes, on the state as it is then. */
export interface Turn {
  decide(state: InstanceState): Decision | null;
  meta: EventMeta;
  /** How long an idempotency key in `meta` is kept. */
  keepKeyMs?: number;
  /** See `AppendBatch.notBefore`. */
  notBefore?: number;
  /** When the caller's time is over, by the monotonic clock: what may be repeated is repeated until then. */
  deadline?: number;
}

/** What a turn came to. `state` has everything folded that is in `events`. */
export type TurnOutcome =
  | {
    kind: "appended";
    decision: Decision & { kind: "accepted" };
    events: RecordedEvent[];
    state: InstanceState;
  }
  | {
    kind: "decided";
    decision: Exclude<Decision, { kind: "accepted" }> | null;
    state: InstanceState;
  }
  | { kind: "duplicate"; record: KeyRecord }
  | { kind: "notDue"; dueInMs: number }
  | { kind: "busy" };

/** How many of an instance's newest events are looked through for a request whose answer was lost. */
const SETTLED_WITHIN = 64;
/** How often a lost race is decided again before the asker hears "busy". */
const RACES_MAX = 16;
const MAILBOX_CAPACITY = 64;

/** What actors share. */
export interface ActorParts {
  log: EventLog;
  table: InstanceTable;
  freshness: Freshness;
  reads: Reads;
  /** See `FreshnessParts.onHistoryLost`. */
  onHistoryLost(lost: LostHistory): Promise<void>;
  /** See `SystemParts`. */
  inContext<T>(work: () => Promise<T>): () => Promise<T>;
}

/** The actor of one instance. It lives while it has messages; what it knows is in the table and the log. */
export class InstanceActor {
  private readonly mailbox: Mailbox;

  constructor(
    private readonly instanceId: string,
    private readonly parts: ActorParts,
    onIdle: () => void,
  ) {
    this.mailbox = new Mailbox(MAILBOX_CAPACITY, onIdle);
  }

  /** Takes a turn; a message ends with its append. Turns of the system itself are `urgent`: never "busy". */
  async take(turn: Turn, urgent = false): Promise<TurnOutcome> {
    const run = this.parts.inContext(() => this.run(turn));
    return await this.mailbox.post(run, urgent) ?? { kind: "busy" };
  }

  private async run(turn: Turn): Promise<TurnOutcome> {
    const { table, freshness } = this.parts;
    for (let race = 0; race < RACES_MAX; race++) {
      const { foldings } = table;
      const state = table.state(this.instanceId) ?? initialState(this.instanceId);
      const decision = turn.decide(state);
      if (decision?.kind !== "accepted") {
        // No append compares the version for this one: another node may have gone on from what is folded here.
        const isStale = decision !== null &&
          await freshness.catchUp(this.instanceId, turn.deadline);
        if (isStale) continue;
        return { kind: "decided", decision, state };
      }
      const outcome = await this.append(batchOf(state, decision, turn), turn.deadline);
      switch (outcome.kind) {
        case "appended":
          return this.appended(outcome.events, decision, state);
        case "conflict":
        case "forked":
          await this.catchUp(state, outcome, foldings);
          break;
        default:
          return outcome;
      }
    }
    return { kind: "busy" };
  }

  private appended(
    events: RecordedEvent[],
    decision: Decision & { kind: "accepted" },
    before: InstanceState,
  ): TurnOutcome {
    const { table } = this.parts;
    for (const event of events) table.apply(event);
    // The table may have begun anew since it was decided; the append itself says what came before it.
    const isFolded = table.versionOf(this.instanceId) >= events.at(-1)!.version;
    const state = isFolded ? table.state(this.instanceId)! : events.reduce(evolve, before);
    return { kind: "appended", events, decision, state };
  }

  private async catchUp(
    state: InstanceState,
    outcome: AppendOutcome & { kind: "conflict" | "forked" },
    foldings: number,
  ): Promise<void> {
    const { table, onHistoryLost } = this.parts;
    const missed = outcome.kind === "conflict" ? outcome.missed : [];
    const { context: seen } = state;
    if (outcome.kind === "forked" || outcome.version < seen.version || isForked(state, missed)) {
      return await onHistoryLost({ seen, found: outcome.version, foldings });
    }
    for (const event of missed) table.apply(event);
  }

  /** A lost answer is settled by the request's id: it is in the history, or it never was done. Design §4 rule 11. */
  private async append(batch: AppendBatch, deadline?: number): Promise<AppendOutcome> {
    const { log, reads } = this.parts;
    const isOurs = (event: RecordedEvent) =>
      event.version > batch.expectedVersion && event.meta.requestId === batch.meta.requestId;
    try {
      const outcome = await log.append(batch);
      if (outcome.kind !== "conflict" || batch.meta.requestId === undefined) return outcome;
      // It was sent twice, and the first one is what it lost to.
      const events = outcome.missed.filter(isOurs);
      return events.length > 0 ? { kind: "appended", events } : outcome;
    } catch (error) {
      if (!(error instanceof OperationalError) || error.code !== "log_indeterminate") throw error;
      const since = await reads.settle(() => log.history(this.instanceId, SETTLED_WITHIN), deadline)
        .catch(() => []);
      const events = since.filter(isOurs);
      if (events.length > 0) return { kind: "appended", events };
      throw error;
    }
  }
}

function batchOf(
  state: InstanceState,
  decision: Decision & { kind: "accepted" },
  turn: Turn,
): AppendBatch {
  const forgetsRun = decision.events.some((event) =>
    event.type === "DeleteRequested" && event.data.force ||
    event.type === "MoveRequested" && event.data.commandId === null
  );
  return {
    instanceId: state.context.instanceId,
    expectedVersion: state.context.version,
    expectedPosition: state.context.position,
    events: decision.events,
    meta: turn.meta,
    commands: decision.commands,
    ends: decision.ends,
    generation: decision.generation,
    ...(turn.keepKeyMs === undefined ? {} : { keepKeyMs: turn.keepKeyMs }),
    ...(turn.notBefore === undefined ? {} : { notBefore: turn.notBefore }),
    ...(forgetsRun ? { forgetsRun } : {}),
  };
}
