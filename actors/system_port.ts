/** The one door to the fleet: what HTTP, the terminal UI and the CLI see of it. Design §3, §6. */
import type { Position, RecordedEvent } from "../events/envelope.ts";
import type {
  AvailabilityChange,
  Durability,
  EventPlace,
  Subscription,
} from "../events/event_log.ts";
import type { WorkerRecord } from "../events/command_bus.ts";
import type { RunMetrics } from "../events/metrics.ts";
import type { LogPage, LogReading, OutputLine } from "../events/server_output.ts";
import type { LabelSelector } from "../events/label_selector.ts";
import type { CommandFailure } from "../machines/command_end.ts";
import type { StatusChange } from "../machines/facts.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { InstanceRequest, InstanceStatus, Rejection } from "../machines/requests.ts";

/** Who asks, for how long, and what makes a retry safe. */
export interface AskOptions {
  /** How long the caller waits for the end of its command; the command expires with it while nobody accepted it. */
  timeoutMs: number;
  /** False: answer when the fact is in the log (`accepted`); the command then expires after the queue's limit. */
  wait: boolean;
  requestedBy: string;
  correlationId?: string;
  idempotency?: { key: string; digest: string };
  /** The version of the specification that the caller has seen (`If-Match`). */
  ifMatch?: number;
  /** Answers with what would be appended, and appends nothing. */
  dryRun?: boolean;
}

/** What became of a request. `state` is the instance after the event that the answer stands on. */
export type AskOutcome =
  /** It is so. `changed` is false when it was so before. `event` ended the command, or is the fact itself. */
  | {
    kind: "done";
    changed: boolean;
    state: InstanceState;
    position: Position;
    event: RecordedEvent | null;
  }
  /** It is in the log, and nobody waits for the rest. */
  | { kind: "accepted"; commandId: string | null; state: InstanceState; position: Position }
  /** Its command ended otherwise: the worker said no, it expired, another request replaced it. */
  | { kind: "failed"; failure: CommandFailure; state: InstanceState; position: Position }
  | { kind: "rejected"; rejection: Rejection; state: InstanceState | null }
  /** The caller's time is over and a worker has the command: how it ends will be in the log. */
  | { kind: "unknown"; commandId: string; state: InstanceState; position: Position }
  /** For `dryRun`: the events that would be appended. */
  | { kind: "plan"; events: { type: string; data: unknown }[]; state: InstanceState | null };

/** What a list can be sorted by. */
export const SORT_KEYS = ["name", "status", "createdAt", "lastModifiedAt", "restarts"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface ListSort {
  key: SortKey;
  descending: boolean;
}

/** Where a page has ended: the key that its last instance had then, and which one that was. */
export interface ListPlace {
  key: string | number;
  id: string;
}

export interface ListFilter {
  /** Any of these; without them all but the deleted ones. */
  statuses?: readonly InstanceStatus[];
  platform?: string;
  template?: string;
  worker?: string;
  labels?: LabelSelector;
  /** Part of the name or the id, any case. */
  q?: string;
  /** By default by creation. */
  sort?: ListSort;
  limit: number;
  /** The `next` of the page before, which was sorted alike. */
  after?: ListPlace;
}

export interface InstancePage {
  items: InstanceState[];
  /** Null for the last page. */
  next: ListPlace | null;
  /** The log position that the page is true for. */
  position: Position;
}

export interface ChangeFilter {
  /** Epoch milliseconds. */
  since: number;
  /** Changes to one of these, in the predecessor's words. */
  statuses?: readonly string[];
  limit: number;
  /** The `next` of the page before. */
  after?: Position;
}

/** A change of an instance's status. */
export interface RecentChange extends StatusChange {
  instanceId: string;
  /** Of the last report from outside. */
  metadata?: Record<string, string>;
}

/** Something that happened to the log, which a person should know of also when it is over. */
export interface Incident {
  /** `HISTORY_ROLLBACK`: the log lost its newest events; `BASELINE_MISMATCH`: a state is not what its events make. */
  code: "HISTORY_ROLLBACK" | "BASELINE_MISMATCH";
  /** Epoch milliseconds. */
  at: number;
  /** How many are known to be gone; a lower bound. */
  lostEvents: number;
  instanceIds: string[];
}

/** How the system is: for `/readyz` and the first line of the screen. */
export interface SystemStatus {
  ready: boolean;
  /** Why it is not ready, in words; empty when it is. */
  reasons: string[];
  durability: Durability;
  position: Position;
  /** As many as `list` shows: deleted ones are not counted. */
  instances: number;
  commandsInFlight: number;
  /** The last 20, oldest first; a node is ready again after them. */
  incidents: Incident[];
}

/** Why a log can be followed no further as it was: it was put back, cut, or holds what this release cannot read. */
export type HistoryBreak = Extract<AvailabilityChange, { kind: "rollback" | "gap" | "unreadable" }>;

/** After the event of a version, or at a time: epoch milliseconds by the log's clock. */
export type Moment = { version: number } | { at: number };

/** What an instance was at a moment, or why nobody can say. */
export type PastState =
  /** `event` led to it. */
  | { kind: "found"; state: InstanceState; event: RecordedEvent }
  /** The log knows no instance of this id. */
  | { kind: "unknown" }
  /** It has not come that far; `newest` is its last event. */
  | { kind: "ahead"; newest: RecordedEvent }
  /** That was before its first event. */
  | { kind: "before"; first: RecordedEvent }
  /** That was cut from the log; what there is begins with the baseline `first`. */
  | { kind: "cut"; first: RecordedEvent };

/** How runs do, by their ids; `sampledAt` is epoch milliseconds by the log's clock. */
export type MetricsOfRuns = Map<string, RunMetrics & { sampledAt: number }>;
/** Where to begin to follow: like a reading, or after a page that was told before. */
export interface FollowBegin extends Pick<LogReading, "tail" | "since" | "stream"> {
  /** The `position` of a page. */
  after?: string;
}

/** What came of an output, in order. */
export interface FollowedPage {
  lines: OutputLine[];
  /** Where to go on, on any node; null where that is not known (yet). */
  position: string | null;
  /** Set on the last one: the instance is deleted, or its worker cannot tell what comes after what. */
  end: "deleted" | "not_followed" | null;
}

/** What an instance's server prints. */
export interface ServerOutput {
  /** @throws {OperationalError} `site_unreachable`, `query_failed` */
  read(instanceId: string, reading: LogReading): Promise<LogPage>;
  /**
   * Pages as they come, until `signal` is aborted. The first comes at once, also when it is empty.
   * @throws {OperationalError} as `read`, from the first page only: later, a marker tells that nobody answers
   */
  follow(
    instanceId: string,
    begin: FollowBegin,
    signal: AbortSignal,
  ): AsyncIterableIterator<FollowedPage>;
}

export interface InstanceSystem {
  /** One request to one instance; for `create` the id is made by the system (`null`). */
  ask(
    instanceId: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): Promise<AskOutcome>;
  /** `ask` without waiting for the command's end. */
  tell(instanceId: string, request: InstanceRequest, requestedBy: string): Promise<AskOutcome>;
  /**
   * The state of one instance; undefined when there never was one of this id. Deleted ones are told by their status.
   * @param atLeast what the log says up to this position must be in it
   * @throws {OperationalError} `behind` when this node does not get there in time; `log_unavailable`, `recovering`
   */
  get(instanceId: string, atLeast?: Position): Promise<InstanceState | undefined>;
  /**
   * A page of the fleet.
   * @param atLeast as for `get`
   * @throws {OperationalError} as `get`
   */
  list(filter: ListFilter, atLeast?: Position): Promise<InstancePage>;
  /** The last few changes of each instance's status, oldest first; of a deleted one none. */
  recentChanges(
    filter: ChangeFilter,
  ): { items: RecentChange[]; next: Position | null; position: Position };
  /** Up to where this node has folded the log. */
  readonly position: Position;
  /** Why `get` and `list` may tell of the past only, in words: the log cannot be asked. Null when it can. */
  away(): string | null;
  /** The instance's last events, oldest first; as `EventLog.history`. */
  history(
    instanceId: string,
    limit: number,
    before?: number | EventPlace,
  ): Promise<RecordedEvent[]>;
  /** What an instance was, folded from the log itself; deleted ones too. A time to come shows the present. */
  past(instanceId: string, moment: Moment): Promise<PastState>;
  /**
   * The last lines of an instance's output.
   * @throws {OperationalError} `site_unreachable`
   */
  logs(instanceId: string, tailLines: number): Promise<string[]>;
  /** What its server prints, with times, streams and markers. */
  readonly output: ServerOutput;
  /**
   * The first events after a position, in the log's order.
   * @throws {OperationalError} `log_truncated` when some of them were cut; `log_unavailable`
   */
  read(after: Position, limit: number): Promise<RecordedEvent[]>;
  /** Every event after a position (default: from now on), in order; an abort of `signal` ends it, as in `EventLog.tail`. */
  observe(
    listener: (events: RecordedEvent[]) => void,
    after?: Position,
    signal?: AbortSignal,
  ): Promise<Subscription>;
  /** Calls `listener` whenever what `observe` has told is not the log's any more, or the rest cannot be told. */
  watchHistory(listener: (broken: HistoryBreak) => void): Subscription;
  workers(): Promise<WorkerRecord[]>;
  /** How the runs of these workers do, as far as they have told: for display, a few seconds old. Never fails for a log that is away. */
  metrics(workerIds: readonly string[]): Promise<MetricsOfRuns>;
  /** Whether nobody knows how this worker's servers are: it was not heard for 5 s, or given up. */
  isSilent(workerId: string): boolean;
  /** Keeps new work from a worker, or lets it come again; what it has goes on. False when there is no such worker. */
  drainWorker(workerId: string, draining: boolean): Promise<boolean>;
  /**
   * Gives up a worker whose host does not come back: its commands end, its servers count as lost. Any node may do it.
   * Gives the events written; null when there is no such worker.
   * @param requestedBy who asked, as the events tell it
   * @throws {OperationalError} `worker_alive` when it is still heard
   */
  forgetWorker(workerId: string, requestedBy?: string): Promise<RecordedEvent[] | null>;
  status(): Promise<SystemStatus>;
  /** Finishes what is being decided, saves a snapshot, and lets go; running servers run on. */
  shutdown(): Promise<void>;
}
