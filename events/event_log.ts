/** Where facts live. One implementation a technology; all pass `tests/contracts/event_log_contract.ts`. */
import type { Command } from "./commands.ts";
import type { EventMeta, Position, RecordedEvent } from "./envelope.ts";
import type { OperationalError } from "./errors.ts";
import type { NewEvent } from "./instance_events.ts";

/** What an acknowledged fact survives. Design §1, promise 1. */
export type Durability = "memory" | "process" | "disk" | "replicated";

/** A live command that an append ends together with its event. */
export interface CommandEnd {
  commandId: string;
  /** Which event of the batch ends it: an index into `events`. It is what the reply channel carries. */
  eventIndex: number;
  /**
   * `unaccepted`: only if nobody has accepted it. `due`: that, and its time to be accepted is over by the log's
   * clock. `always`: also an accepted one (forced delete, forget).
   */
  condition: "unaccepted" | "due" | "always";
}

/** One decision, to be written as a whole or not at all. */
export interface AppendBatch {
  instanceId: string;
  /** The version that was decided upon; 0 for an instance that does not exist. */
  expectedVersion: number;
  /**
   * Where the event of that version is (`START` for version 0). In a log that lost its end and went on it is elsewhere:
   * `forked`. Left out where it is not known: only the version is compared.
   */
  expectedPosition?: Position;
  /** 1 to 64 events. */
  events: NewEvent[];
  meta: EventMeta;
  commands: Command[];
  ends: CommandEnd[];
  /** The instance's generation from here on; fences the accept of older commands. */
  generation: number;
  /** Keeps the answer under this key. A key that exists gives `duplicate`. */
  keepKeyMs?: number;
  /** Refused with `notDue` before this time, epoch milliseconds by the log's clock. */
  notBefore?: number;
  /** The instance's run is given up (forced delete): `standing` no longer names it. */
  forgetsRun?: boolean;
}

/** Where the answer to an idempotency key is. */
export interface KeyRecord {
  key: string;
  digest: string;
  instanceId: string;
  /** The version of the last event of the batch that answered. */
  version: number;
}

export type AppendOutcome =
  | { kind: "appended"; events: RecordedEvent[] }
  /** Someone else was first; `missed` are the instance's events after `expectedVersion`. */
  | { kind: "conflict"; version: number; missed: RecordedEvent[] }
  /** The version is the same, and the history that leads to it is another one: the log lost its end and went on. */
  | { kind: "forked"; version: number }
  | { kind: "duplicate"; record: KeyRecord }
  | { kind: "notDue"; dueInMs: number };

/** Where the newest event of an instance is, and which version it gave it. */
export interface Latest {
  version: number;
  position: Position;
}

/** The most events that one look into a history gives. */
export const HISTORY_MAX = 1_000;

/** An event of an instance, as far as it says what came before it. In a log that was put back it says nothing. */
export type EventPlace = Pick<RecordedEvent, "version" | "previous">;

/** A subscription; closing it twice is the same as once. */
export interface Subscription {
  close(): void;
}

export interface EventLog {
  /**
   * Compares the version, adds the events, ends and enqueues commands, keeps the key: one atomic step. It resolves
   * only when the events have the log's durability.
   * @throws {OperationalError} `log_indeterminate` when the answer was lost (settle by `meta.requestId` in the
   *   history after `expectedVersion`), `log_closed`, `log_unwritable`, `batch_too_large`
   */
  append(batch: AppendBatch): Promise<AppendOutcome>;
  /**
   * The first `limit` events after a position, in order.
   * @throws {OperationalError} `log_truncated` when some of them were cut (see `LogRetention.trim`)
   */
  read(after: Position, limit: number): Promise<RecordedEvent[]>;
  /**
   * Calls `listener` with every event after `after`, in order, without gaps or repeats, in batches; resolves when it
   * has caught up. An abort of `signal` closes the subscription, also before it is there: the log reads no further.
   */
  tail(
    after: Position,
    listener: (events: RecordedEvent[]) => void,
    signal?: AbortSignal,
  ): Promise<Subscription>;
  /**
   * The last `limit` events (at most `HISTORY_MAX`) of one instance, oldest first: of all, of those below a version, or
   * of those before an event that was read. The log is walked back: for a version from the newest event on, for an
   * event from where that one is, so that page after page costs what the pages hold.
   */
  history(
    instanceId: string,
    limit: number,
    before?: number | EventPlace,
  ): Promise<RecordedEvent[]>;
  /** The answer kept under an idempotency key; null when there is none or its time is over. */
  findKey(key: string): Promise<KeyRecord | null>;
  /** The newest event of one instance, as the log has it now; version 0 at `START` when it does not know it. */
  latest(instanceId: string): Promise<Latest>;
  /** The position of the newest event; `START` for an empty log. */
  head(): Promise<Position>;
  /** What an acknowledged append survives, as probed; never claimed higher. */
  durability(): Promise<Durability>;
  /** Finishes what was asked for, then refuses everything with `log_closed`. */
  close(): Promise<void>;
}

/** A fold of the log up to a position: a cache, dropped when its checksum or schema does not fit. */
export interface Snapshot {
  position: Position;
  /** Of the folded states, not of the events. */
  schema: number;
  /** JSON, one text an instance. */
  states: string[];
}

/**
 * Snapshots and cuts: what keeps recovery short and the log bounded. A fencing token that is not the leader's fails
 * with `not_leader`.
 */
export interface LogRetention {
  /** Replaces the snapshot; an older position than the present one's is ignored. */
  saveSnapshot(snapshot: Snapshot, fence: number): Promise<void>;
  /** The newest snapshot; null when there is none or it is damaged. */
  loadSnapshot(): Promise<Snapshot | null>;
  /** Forgets the snapshot; the next recovery folds the log. */
  dropSnapshot(): Promise<void>;
  /** Cuts all events before `before`; every instance needs a `Baseline` at or after it. Gives how many were cut. */
  trim(before: Position, fence: number): Promise<number>;
}

/** The lease that makes one node the leader. Design §3. */
export interface Leadership {
  /**
   * A fencing token, growing with each holder; null while someone else leads. Also renews: the same holder keeps its
   * token for as long as its lease has not lapsed.
   */
  acquire(nodeId: string, ttlMs: number): Promise<number | null>;
  release(nodeId: string): Promise<void>;
}

/** Events that this process has seen and that the log has no more: it was put back, or lost its end. Design §5. */
export interface Rollback {
  /** How many are known to be gone; a lower bound when there are more than are remembered. */
  lostEvents: number;
  /** Whose they were. */
  instanceIds: string[];
  /** The newest position that is still there. */
  head: Position;
}

/** A change of what can be asked of the log. */
export type AvailabilityChange =
  /** Nothing can be asked: every call fails at once with `log_unavailable`. */
  | { kind: "away"; reason: string }
  | { kind: "back" }
  /** What was folded is no longer true: fold the log anew. */
  | { kind: "rollback"; rollback: Rollback }
  /** The log was cut beyond what the tails had told, so they passed events over: fold the log anew. Nothing is lost. */
  | { kind: "gap"; head: Position }
  /** An event came that this release cannot read, so every tail has ended before it; a rollback may undo that. */
  | { kind: "unreadable"; error: OperationalError };

/** Whether the log can be reached. Embedded: always. */
export interface LogAvailability {
  /** Why nothing can be asked now, in words; null when it can. */
  away(): string | null;
  /** Calls `listener` with each change. */
  watch(listener: (change: AvailabilityChange) => void): Subscription;
}
