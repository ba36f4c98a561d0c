/** A node's side of the bus: replies, the commands in flight, the workers. Design §5. */
import type { CommandRecord } from "./commands.ts";
import type { RecordedEvent } from "./envelope.ts";
import type { WorkerMetrics } from "./metrics.ts";
import type { LogPage, LogReading } from "./server_output.ts";
import type { Query } from "./site_query.ts";

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
  machineId: string;
  slots: number;
  busy: number;
  version: string;
  labels: Readonly<Record<string, string>>;
  registeredAt: number;
  lastHeartbeatAt: number;
  draining: boolean;
  /** Its present incarnation was given up (`lose`); a new one has not registered yet. */
  lost: boolean;
}

/** The most instances in one `Loss`: a longer step would hold up everybody else's. */
export const LOSSES_MAX = 256;

/** A silent incarnation of a worker, and what of its own may go on elsewhere. Design §4 rule 8. */
export interface Loss {
  workerId: string;
  incarnation: string;
  /** Not lost if it was heard within this time, by the log's clock inside the step. */
  silentMs: number;
  /** Instances whose runs have a lease that is over by now; at most `LOSSES_MAX`. */
  instanceIds: readonly string[];
}

export interface CommandBus {
  /** Begins to listen on a new reply channel of `platform`. */
  expectReply(platform: string): Promise<PendingReply>;
  /** The commands that nobody has ended yet, oldest first. */
  inFlight(): Promise<CommandRecord[]>;
  /** How many `inFlight` would give. */
  countInFlight(): Promise<number>;
  /** Moves an unaccepted command to a site (null: to any). False when it was accepted or ended meanwhile. */
  retarget(commandId: string, site: string | null, fence: number): Promise<boolean>;
  /** Every worker that has registered and has not been forgotten. */
  workers(): Promise<WorkerRecord[]>;
  /** What these workers told last of how their runs do; those that never told are left out. */
  metrics(workerIds: readonly string[]): Promise<WorkerMetrics[]>;
  /** Whether a worker takes new commands. False when there is no such worker. */
  drain(workerId: string, draining: boolean): Promise<boolean>;
  /**
   * Gives a worker up: one step ends the commands that it accepted (`CommandForgotten`) and frees its runs (`Lost`).
   * Its incarnation is refused from then on. Gives the events written.
   * @param fence the leader's token, so that a former leader does no harm; null for an admin's act, on any node
   * @param requestedBy who asked, for the events; `forget` where nobody is named
   */
  forget(workerId: string, fence: number | null, requestedBy?: string): Promise<RecordedEvent[]>;
  /**
   * Gives up one silent incarnation of a worker; one step. Nothing happens when another one is present, or when it was
   * heard within `silentMs`. One that is lost can be lost again for more instances. Of each listed instance it ends (`CommandForgotten`) what
   * the worker had accepted; and, unless another live worker reads the same site, the stop or restart that waits for
   * that site (nobody is left to do it) and the live run there (`Lost`). A start that waits can be moved, and a delete
   * waits for the only place where something is to be removed: both stay. So does everything of other instances: the
   * worker's next incarnation inherits it. Gives the events written.
   */
  lose(loss: Loss, fence: number): Promise<RecordedEvent[]>;
  /**
   * Asks the site; gives lines.
   * @throws {OperationalError} `site_unreachable` when no worker of the site answers in time; `query_failed` when it
   *   could not
   */
  query(site: string, query: Query, timeoutMs: number): Promise<string[]>;
  /**
   * One page of an instance's output; where `reading` waits, as soon as there is something. Whoever wants more asks
   * again, with the page's cursor: so a reader is never sent more than it asks for, and one that is gone is forgotten.
   * @param signal ends the wait; the answer is then an empty page
   * @throws {OperationalError} as `query`
   */
  readLogs(
    site: string,
    instanceId: string,
    reading: LogReading,
    signal?: AbortSignal,
  ): Promise<LogPage>;
}
