/**
 * What the protocol steps read and write: rows, inside one transaction. Two technologies implement it (memory,
 * SQLite), so that both run the very same steps. All calls are synchronous; design §4.
 */
import type { Command } from "../../events/commands.ts";
import type { Durability, KeyRecord } from "../../events/event_log.ts";
import type { OperationalError } from "../../events/errors.ts";
import type { Registration } from "../../events/worker_channel.ts";

/** The hot record of an instance: what the steps decide by, without reading its events. */
export interface InstanceRow {
  instanceId: string;
  version: number;
  generation: number;
  /** The sequence of its newest event; its history is a walk back from there. */
  lastSequence: number;
  /** The sequence from which its state can be folded: its first event, or its newest `Baseline`. */
  originSequence: number;
  /** The run that the log takes for live. */
  runId: string | null;
  /** The newest run that is known to have ended: a late report never revives it. */
  endedRunId: string | null;
  /** The last `RuntimeInfo` of `runId`, as JSON; what `forget` reports as lost. */
  runtimeInfo: string | null;
  /** The command that a worker ended last, so that a repeated `complete` gets the same answer. */
  completed: { commandId: string; attempt: number; sequence: number } | null;
}

/** One event as it is stored: numbers for positions, JSON texts for data and metadata. */
export interface EventRow {
  /** Counts from 1 without gaps; the position is `${sequence}-0`. */
  sequence: number;
  /** The sequence of the instance's event before; 0 for none. */
  previous: number;
  instanceId: string;
  version: number;
  type: string;
  schema: number;
  at: number;
  data: string;
  meta: string;
}

/** A live command. Rows are replaced, never changed in place. */
export interface CommandRow {
  /** Frozen; `site` is where it must be done now. */
  command: Command;
  /** Grows with each command: the oldest is delivered first. */
  order: number;
  enqueuedAt: number;
  acceptBy: number;
  /** Deliveries that an earlier life of this process made, or that were repeated. See `delivery.ts`. */
  deliveries: number;
  accepted: Accepted | null;
}

/** Who has the right to work on a command. `settle` is kept so that a repeated accept gets the same answer. */
export interface Accepted {
  workerId: string;
  incarnation: string;
  site: string;
  attempt: number;
  settle: boolean;
}

/** A worker that has registered; kept as a tombstone after `forget`, so that it stays refused. */
export interface WorkerRow extends Registration {
  registeredAt: number;
  draining: boolean;
  left: boolean;
  forgotten: boolean;
  /** `incarnation` was given up by the leader; a new one makes it present again. */
  lost: boolean;
  /** Its newest former incarnations: they are superseded and cannot register again. */
  retired: readonly string[];
}

/** An answer under an idempotency key, until `expiresAt`. */
export interface KeyRow extends KeyRecord {
  expiresAt: number;
}

/** What a snapshot consists of; its texts are the chunks 0 to `chunks - 1` of `id`. */
export interface SnapshotRow {
  id: number;
  sequence: number;
  schema: number;
  chunks: number;
  checksum: string;
}

export interface InstanceTable {
  get(instanceId: string): InstanceRow | undefined;
  put(row: InstanceRow): void;
  /** The instances whose live run is at `site`. Reads them all: for rare steps. */
  standingAt(site: string): InstanceRow[];
  /** The first instance that could not be folded any more if all events before `sequence` were cut. */
  originBefore(sequence: number): InstanceRow | undefined;
}

export interface EventTable {
  add(row: EventRow): void;
  get(sequence: number): EventRow | undefined;
  /** The first `limit` events after `sequence`, in order. */
  after(sequence: number, limit: number): EventRow[];
  /** The first event that there is and the newest one's number and time; `first` is `last + 1` when there is none. */
  bounds(): { first: number; last: number; lastAt: number };
  /** Cuts the oldest events before `sequence`, at most `limit`; gives how many. Never cuts the newest one. */
  cut(sequence: number, limit: number): number;
}

/** The live commands are few and always in memory; a durable technology writes them through. */
export interface CommandTable {
  readonly size: number;
  get(commandId: string): CommandRow | undefined;
  of(instanceId: string): readonly CommandRow[];
  all(): Iterable<CommandRow>;
  /** `text` is the command as JSON: made once, by the caller. */
  add(row: CommandRow, text: string): void;
  /** Replaces a row: its acceptance, its site, its deliveries. */
  change(row: CommandRow): void;
  remove(commandId: string): void;
}

export interface KeyTable {
  get(key: string): KeyRow | undefined;
  put(row: KeyRow): void;
  /** Removes a few keys whose time was over at `now`; called with each new key, so the table stays bounded. */
  expire(now: number): void;
}

/** The workers are few and always in memory, as the live commands. */
export interface WorkerTable {
  get(workerId: string): WorkerRow | undefined;
  all(): Iterable<WorkerRow>;
  put(row: WorkerRow): void;
}

export interface SnapshotTable {
  get(): SnapshotRow | undefined;
  /** Replaces the snapshot and removes the chunks of all others. */
  put(row: SnapshotRow): void;
  drop(): void;
  chunk(id: number, index: number): string | undefined;
  putChunk(id: number, index: number, text: string): void;
}

/** A storage that failed: what to say, and whether the process can go on with it. */
export interface StorageFailure {
  error: OperationalError;
  fatal: boolean;
}

/** All rows, and the transaction around them. */
export interface Tables {
  readonly instances: InstanceTable;
  readonly events: EventTable;
  readonly commands: CommandTable;
  readonly keys: KeyTable;
  readonly workers: WorkerTable;
  readonly snapshots: SnapshotTable;
  begin(): void;
  /** After it returns, what was written since `begin` has `durability`. When it throws nothing was written. */
  commit(): void;
  /** Undoes everything since `begin`; harmless when there is nothing to undo. */
  rollback(): void;
  /** Null when `error` is not the storage's fault but the step's. */
  diagnose(error: unknown): StorageFailure | null;
  /** The next fencing token: one an opening. To be called inside a transaction. */
  nextFence(): number;
  durability(): Durability;
  close(): void;
}
