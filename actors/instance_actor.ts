/** One instance's decisions, one at a time: fold, decide, append; a lost race is folded and decided again. Design §3. */
import { OperationalError } from "../events/errors.ts";
import type { EventMeta, RecordedEvent } from "../events/envelope.ts";
import type { AppendBatch, AppendOutcome, EventLog, KeyRecord } from "../events/event_log.ts";
import { initialState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { Decision } from "../machines/requests.ts";
import type { InstanceTable } from "./instance_table.ts";
import { Mailbox } from "./mailbox.ts";

/** A decision to be made when its turn comes, on the state as it is then. */
export interface Turn {
  decide(state: InstanceState): Decision | null;
  meta: EventMeta;
  /** How long an idempotency key in `meta` is kept. */
  keepKeyMs?: number;
  /** See `AppendBatch.notBefore`. */
  notBefore?: number;
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

/** How often a lost race is decided again before the asker hears "busy". */
const RACES_MAX = 16;
const MAILBOX_CAPACITY = 64;

/** The actor of one instance. It lives while it has messages; what it knows is in the table and the log. */
export class InstanceActor {
  private readonly mailbox: Mailbox;

  constructor(
    private readonly instanceId: string,
    private readonly log: EventLog,
    private readonly table: InstanceTable,
    onIdle: () => void,
  ) {
    this.mailbox = new Mailbox(MAILBOX_CAPACITY, onIdle);
  }

  /** Takes a turn; a message ends with its append. Turns of the system itself are `urgent`: never "busy". */
  async take(turn: Turn, urgent = false): Promise<TurnOutcome> {
    return await this.mailbox.post(() => this.run(turn), urgent) ?? { kind: "busy" };
  }

  private async run(turn: Turn): Promise<TurnOutcome> {
    for (let race = 0; race < RACES_MAX; race++) {
      const state = this.table.state(this.instanceId) ?? initialState(this.instanceId);
      const decision = turn.decide(state);
      if (decision?.kind !== "accepted") return { kind: "decided", decision, state };
      const outcome = await this.append(batchOf(state, decision, turn));
      switch (outcome.kind) {
        case "appended":
          outcome.events.forEach((event) => this.table.apply(event));
          return { ...outcome, decision, state: this.table.state(this.instanceId)! };
        case "conflict":
          this.catchUp(state, outcome);
          break;
        default:
          return outcome;
      }
    }
    return { kind: "busy" };
  }

  private catchUp(state: InstanceState, outcome: AppendOutcome & { kind: "conflict" }): void {
    if (outcome.version < state.context.version) {
      throw new OperationalError(
        "history_rollback",
        `The log holds version ${outcome.version} of ${this.instanceId}, but version ${state.context.version} was seen.`,
        false,
        "The log has lost its newest events; restart this node to fold what is there.",
      );
    }
    outcome.missed.forEach((event) => this.table.apply(event));
  }

  /** A lost answer is settled by the request's id: it is in the history, or it never was done. Design §4 rule 11. */
  private async append(batch: AppendBatch): Promise<AppendOutcome> {
    try {
      return await this.log.append(batch);
    } catch (error) {
      if (!(error instanceof OperationalError) || error.code !== "log_indeterminate") throw error;
      const since = await this.log.history(this.instanceId, 64);
      const events = since.filter((event) =>
        event.version > batch.expectedVersion && event.meta.requestId === batch.meta.requestId
      );
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
  const deletes = decision.events.some((event) =>
    event.type === "DeleteRequested" && event.data.force
  );
  return {
    instanceId: state.context.instanceId,
    expectedVersion: state.context.version,
    events: decision.events,
    meta: turn.meta,
    commands: decision.commands,
    ends: decision.ends,
    generation: decision.generation,
    ...(turn.keepKeyMs === undefined ? {} : { keepKeyMs: turn.keepKeyMs }),
    ...(turn.notBefore === undefined ? {} : { notBefore: turn.notBefore }),
    ...(deletes ? { forgetsRun: true } : {}),
  };
}
