/** A node's side of the bus: replies, the commands in flight, the workers. Design §5. */
import type { CommandRecord } from "./commands.ts";
import type { RecordedEvent } from "./envelope.ts";

/** A reply that is waited for. It is listened to from the moment it exists, so before the command is sent. */
export interface PendingReply {
  /** `{channel}.response.{guid}`, for the command's `replyChannel`. */
  readonly replyChannel: string;
  /** The event that ended the command. Never rejects; stays open when the reply is lost: the log is the truth. */
  readonly ended: Promise<RecordedEvent>;
  /** Stops listening. */
  close(): void;
}

/** A worker as the bus knows it. Times are epoch milliseconds by the log's clock. */
export interface WorkerRecord {
  workerId: string;
  platform: string;
  site: string;
  incarnation: string;
  slots: number;
  busy: number;
  version: string;
  registeredAt: number;
  lastHeartbeatAt: number;
  draining: boolean;
}

/** A question to the site that has an instance: not a command, never in the log. Design §5. */
export type Query = { type: "logs"; instanceId: string; tailLines: number };

export interface CommandBus {
  /** Begins to listen on a new reply channel of `platform`. */
  expectReply(platform: string): Promise<PendingReply>;
  /** The commands that nobody has ended yet, oldest first. */
  inFlight(): Promise<CommandRecord[]>;
  /** Moves an unaccepted command to a site (null: to any). False when it was accepted or ended meanwhile. */
  retarget(commandId: string, site: string | null, fence: number): Promise<boolean>;
  /** Every worker that has registered and has not been forgotten. */
  workers(): Promise<WorkerRecord[]>;
  /** Whether a worker takes new commands. False when there is no such worker. */
  drain(workerId: string, draining: boolean): Promise<boolean>;
  /**
   * Gives a worker up: one step ends the commands that it accepted (`CommandForgotten`) and frees its runs (`Lost`).
   * Its incarnation is refused from then on. Gives the events written.
   */
  forget(workerId: string, fence: number): Promise<RecordedEvent[]>;
  /**
   * Asks the site; gives lines.
   * @throws {OperationalError} `site_unreachable` when no worker of the site answers in time; `query_failed` when it
   *   could not
   */
  query(site: string, query: Query, timeoutMs: number): Promise<string[]>;
}
