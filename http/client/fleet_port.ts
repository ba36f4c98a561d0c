/**
 * The fleet as those who show and drive it see it: one door, whether the control plane is in this process or at a URL.
 * What comes back is what the API answers. Everything throws `OperationalError`: `RemoteProblem` when it is refused,
 * `NoAnswer` when no answer came. Design §6.
 */
import type { JsonObject } from "../../events/json.ts";
import type { OperationalError } from "../../events/errors.ts";
import type {
  ApplyLine,
  ConfigurationAnswer,
  DifferenceAnswer,
  EventAnswer,
  ExplanationAnswer,
  HistoryPage,
  InstanceAnswer,
  InstanceList,
  LifeAnswer,
  LogLineAnswer,
  MutationAnswer,
  PastAnswer,
  PlanAnswer,
  ReadinessAnswer,
  RevisionAnswer,
  RevisionList,
  WaitAnswer,
  WorkerAnswer,
} from "./answers.ts";
import type { ApplyWish } from "./fleet_calls.ts";
import type {
  ChangeWish,
  InstanceFilter,
  InstanceVerb,
  LogWish,
  MutationWish,
  PastMoment,
  WorkerVerb,
} from "./wishes.ts";

/** The door. Production: `RemoteSystem`, over the network or over the app in this process. */
export interface FleetPort {
  /** Where it is, for people. */
  readonly url: string;
  readonly instances: FleetInstances;
  readonly configurations: FleetConfigurations;
  readonly past: FleetPast;
  readonly output: FleetOutput;
  readonly workers: FleetWorkers;
  readonly files: FleetFiles;
  readonly node: FleetNode;
  /**
   * Tells `listener` what happens in the fleet, from now on or from after a position, each event once and in order, and
   * whether it hears the fleet at all; over broken connections and new lives of the control plane, until it is closed.
   * Who reads the list once it is live misses nothing. A listener does not throw.
   */
  watch(listener: (news: FleetNews) => void, after?: string): FleetWatch;
}

/** A `key` makes a repeated request safe: it is done once, and answered again. */
export interface FleetInstances {
  /** All of them, over all pages. */
  list(filter?: InstanceFilter): Promise<InstanceList>;
  /**
   * With more than a list tells.
   * @param atLeast a position in the log, such as an event's: what it says up to there is in the answer
   */
  get(id: string, atLeast?: string): Promise<InstanceAnswer>;
  create(specification: JsonObject, key: string): Promise<InstanceAnswer>;
  /** Changes what its user has decided. */
  change(id: string, changes: JsonObject, wish: ChangeWish): Promise<InstanceAnswer>;
  /** @param extra `body` of a start: what overrides its configuration; of a move: where to */
  ask(
    id: string,
    verb: InstanceVerb,
    wish: MutationWish,
    extra?: { body?: JsonObject; force?: boolean },
  ): Promise<MutationAnswer>;
  /** Until it is in one of `statuses`, or cannot come there any more, or the time is over. */
  wait(id: string, statuses: readonly string[], timeoutMs: number): Promise<WaitAnswer>;
}

export interface FleetConfigurations {
  get(id: string): Promise<ConfigurationAnswer>;
  replace(id: string, configuration: JsonObject, wish: ChangeWish): Promise<ConfigurationAnswer>;
  /** By a JSON Patch (RFC 6902), all of it or nothing. */
  patch(
    id: string,
    operations: readonly JsonObject[],
    wish: ChangeWish,
  ): Promise<ConfigurationAnswer>;
  /** The last `limit`, newest first; below the number `before`. */
  revisions(id: string, limit?: number, before?: number): Promise<RevisionList>;
  revision(id: string, number: number): Promise<RevisionAnswer>;
  /** From what runs to what is configured; or between two revisions. */
  difference(id: string, from?: number, to?: number): Promise<DifferenceAnswer>;
  rollBack(id: string, revision: number, wish: ChangeWish): Promise<ConfigurationAnswer>;
}

/** Of deleted instances, too. */
export interface FleetPast {
  /** The last `limit` events of an instance, oldest first; `cursor`: before those of the page that has it. */
  events(id: string, limit: number, cursor?: string): Promise<HistoryPage>;
  stateAt(id: string, moment: PastMoment): Promise<PastAnswer>;
  why(id: string): Promise<ExplanationAnswer>;
}

export interface FleetOutput {
  lines(id: string, wish: LogWish): Promise<LogLineAnswer[]>;
  /** Until `signal` is aborted, or `end`; gone on with where a connection broke, for a minute and a half. */
  follow(id: string, wish: LogWish, signal: AbortSignal): AsyncIterable<FollowedOutput>;
}

/** What came of an output. `end`: its instance was deleted, or its worker cannot tell what comes after what. */
export type FollowedOutput =
  | { kind: "lines"; lines: LogLineAnswer[] }
  | { kind: "end"; reason: "deleted" | "not_followed" };

export interface FleetWorkers {
  list(): Promise<WorkerAnswer[]>;
  ask(id: string, verb: WorkerVerb, key: string): Promise<JsonObject>;
}

/** Fleets as files: docs/fleet.md. */
export interface FleetFiles {
  /** What a file would change; nothing is done. */
  diff(file: JsonObject, prune: boolean): Promise<PlanAnswer>;
  /** Lines as it goes, the last one of the type `end`. An abort of `signal` begins nothing more. */
  apply(file: JsonObject, wish: ApplyWish, signal: AbortSignal): AsyncIterable<ApplyLine>;
  /** The fleet as files: those of one fleet, or of all, and of what no fleet has made. */
  files(fleet?: string): Promise<JsonObject[]>;
}

/** The control plane that answers. */
export interface FleetNode {
  life(): Promise<LifeAnswer>;
  readiness(): Promise<ReadinessAnswer>;
}

/** What a watcher is told. */
export type FleetNews =
  | { kind: "availability"; availability: Availability }
  | { kind: "event"; event: EventAnswer }
  /** What was told or read is not the log's any more, or events were passed over: read the fleet anew. */
  | { kind: "gap"; code: string; detail: string };

/** Whether the fleet is heard. `since` is epoch milliseconds by this machine's clock; `error` says why it is not. */
export type Availability =
  | { kind: "connecting"; since: number; error: OperationalError | null }
  | { kind: "live"; since: number }
  | { kind: "reconnecting"; since: number; error: OperationalError };

/** A watch under way. */
export interface FleetWatch {
  readonly availability: Availability;
  /** Nothing is told any more. */
  close(): void;
}
