/** A copy of a log outside of any store: what it consists of, and the ports that give one and take one. */
import type { Command } from "./commands.ts";
import type { Position } from "./envelope.ts";
import { OperationalError } from "./errors.ts";
import type { KeyRecord } from "./event_log.ts";
import type { RuntimeInfo } from "./runtime_info.ts";
import type { Registration } from "./worker_channel.ts";

/** An event as it is stored: its data and metadata are texts, so that they stay as they are to the last byte. */
export interface CopiedEvent {
  position: Position;
  previous: Position | null;
  instanceId: string;
  version: number;
  type: string;
  schema: number;
  /** Epoch milliseconds by the clock of the log that wrote it. */
  at: number;
  /** A release that does not know the type may pass it over. */
  ignorable: boolean;
  /** JSON. */
  meta: string;
  /** JSON. */
  data: string;
}

/** The hot record of an instance: what a log's steps decide by, without reading its events. */
export interface CopiedInstance {
  instanceId: string;
  version: number;
  generation: number;
  /** Of its newest event. */
  last: Position;
  /** From where its state can be folded: its first event, or its newest `Baseline`. */
  origin: Position;
  /** The run that the log takes for live, as it was last told of. */
  run: RuntimeInfo | null;
  /** The newest run that is known to have ended. */
  endedRunId: string | null;
  /** What a worker ended last, so that a repeated `complete` gets the same answer. */
  completed: { commandId: string; attempt: number; position: Position } | null;
}

/** A command that nobody had ended when the copy was made. */
export interface CopiedCommand {
  command: Command;
  /** Where it must be done. */
  site: string | null;
  /** The position of the event that caused it, and its number in that append, from 1: `57-0:1`. */
  order: string;
  enqueuedAt: number;
  acceptBy: number;
  deliveries: number;
  accepted: {
    workerId: string;
    incarnation: string;
    site: string;
    attempt: number;
    settle: boolean;
  } | null;
}

/** A worker that has registered, with its standing. */
export interface CopiedWorker extends Registration {
  registeredAt: number;
  draining: boolean;
  left: boolean;
  forgotten: boolean;
  lost: boolean;
  /** Its newest former incarnations. */
  retired: readonly string[];
}

/** An answer under an idempotency key; it follows from the events. */
export interface CopiedKey extends KeyRecord {
  expiresAt: number;
}

/** What a log held at one moment. */
export interface CopyFrame {
  kind: "embedded" | "redis";
  /** Null for an embedded log, which has none. */
  namespace: string | null;
  /** Reading begins after it: the last position that was cut; `START` for a log that never was. */
  begins: Position;
  /** Of the newest event. */
  head: Position;
  events: number;
  instances: number;
  commands: CopiedCommand[];
  workers: CopiedWorker[];
}

/** A log to be copied, held still at one moment, however much is written to it meanwhile. */
export interface LogCopySource {
  readonly frame: CopyFrame;
  /**
   * The first `limit` events after a position, none after the frame's head.
   * @throws {OperationalError} `log_truncated` when some of them were cut meanwhile
   */
  events(after: Position, limit: number): Promise<CopiedEvent[]>;
  /** By id, in order. */
  instances(): Iterable<CopiedInstance>;
  close(): Promise<void>;
}

/**
 * An empty log that takes a copy. What it is given nobody sees before `publish`, which shows all of it at once; without
 * that there is nothing.
 */
export interface LogCopyTarget {
  /**
   * Makes room for a copy that begins after this position.
   * @throws {OperationalError} `target_not_empty`, `target_in_use`
   */
  begin(begins: Position): Promise<void>;
  /** @throws {OperationalError} `copy_unfit` for positions that this log cannot hold */
  addEvents(events: readonly CopiedEvent[]): Promise<void>;
  /** Once all events are there; `commands` are the live ones of these instances, oldest first. */
  addInstances(
    instances: readonly CopiedInstance[],
    commandsOf: (instanceId: string) => readonly CopiedCommand[],
  ): Promise<void>;
  addCommands(commands: readonly CopiedCommand[]): Promise<void>;
  addWorkers(workers: readonly CopiedWorker[]): Promise<void>;
  /** The first `limit` events after a position, as they are held now. */
  readBack(after: Position, limit: number): Promise<CopiedEvent[]>;
  /**
   * Shows everything.
   * @throws {OperationalError} `target_not_empty`, `target_in_use`, `import_overtaken`; nothing is shown then
   */
  publish(keys: readonly CopiedKey[]): Promise<void>;
  /** Takes away what was not published. */
  discard(): Promise<void>;
  close(): Promise<void>;
}

/** Types that a node of a release which does not know them may pass over. The functions in Redis mark them so. */
export const IGNORABLE_TYPES: ReadonlySet<string> = new Set(["HealthObserved"]);

/** A text as one line: JSON may have line ends between its values. */
export function oneLine(json: string): string {
  return /[\r\n]/.test(json) ? JSON.stringify(JSON.parse(json)) : json;
}

/** The log that is to take a copy has a history of its own. */
export function targetNotEmpty(where: string, hint: string): OperationalError {
  return new OperationalError(
    "target_not_empty",
    `${where} is not empty: it has a log already. Nothing was changed.`,
    false,
    hint,
  );
}
