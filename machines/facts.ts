/** What the log says of one instance, as plain data: the context of the lifecycle machine. Design §4. */
import type { Position } from "../events/envelope.ts";
import type { ExternalStatus } from "../events/external_status.ts";
import type { ComponentProblem, StartStep } from "../events/health.ts";
import type { JsonObject } from "../events/json.ts";
import { isUnlimited, type Limits } from "../events/limits.ts";
import type { Exit, RuntimeInfo } from "../events/runtime_info.ts";
import type { Destination, Specification } from "../events/specification.ts";

/** What a server was or will be started with. */
export interface Launch {
  configuration: JsonObject;
  /** Null when a start's body overrode the configuration. */
  configurationRevision: number | null;
  /** Absent: it may use all of its host. */
  limits?: Limits;
}

/** The part of a launch that says its limits. */
export function limitsOf(limits: Limits | undefined): Pick<Launch, "limits"> {
  return isUnlimited(limits) ? {} : { limits: limits! };
}

/** A command that is in the log and has not ended. */
export interface PendingCommand {
  commandId: string;
  kind: "start" | "stop" | "restart" | "delete" | "move";
  generation: number;
  requestedAt: number;
  /** Epoch milliseconds by the log's clock; only for as long as nobody has accepted it. */
  acceptBy: number;
  cause: "user" | "restart-policy" | "queue";
  /** Where it must be done; null: anywhere. */
  site: string | null;
  launch: Launch | null;
  /** What a run that it starts may live for without its worker; null: for ever. */
  leaseMs: number | null;
  accepted: { workerId: string; site: string; attempt: number; at: number } | null;
  /** Of a move: where it goes once that is done. */
  to?: Destination;
}

/** A start that waits for a stop to end. */
export interface QueuedStart {
  commandId: string;
  requestedAt: number;
  expiresAt: number;
  launch: Launch;
}

/** What is known of the server's present or last run. */
export interface Run {
  /** Null between the accept of a start and the first report of what it started. */
  runId: string | null;
  site: string;
  workerId: string;
  since: number;
  launch: Launch | null;
  /** The worker's last report. */
  runtimeInfo: RuntimeInfo | null;
}

/** Why the instance is, or last was, not as it should be. */
export interface LastError {
  code: string;
  message: string;
  retryable: boolean;
  at: number;
}

/** An ended run that the restart policy has not yet judged. */
export interface Unjudged {
  runId: string;
  exit: Exit | null;
  /** How long it ran, milliseconds; 0 when it never did. */
  ranForMs: number;
  /** It ended with its worker: given up, or out of reach of the log for longer than its lease. */
  isLost: boolean;
}

/** How the present run is, by its worker's last word. */
export interface Health {
  runId: string;
  status: "healthy" | "unhealthy";
  /** Null for a healthy one. See `HealthReport`. */
  cause: "liveness" | "components" | null;
  reason: string | null;
  components: ComponentProblem[];
  /** Since when it has been so, by the log's clock. */
  since: number;
  /** The restart policy has given it up, unhealthy as it is. */
  isGivenUp: boolean;
}

/** How far the start in hand has come, by its worker's last word. */
export interface Progress {
  generation: number;
  step: StartStep;
  /** By the host's clock. */
  since: number;
  /** What it waits for. */
  problem: string | null;
}

/** The last run that ended badly, as its worker told of it. */
export interface LastFailure {
  at: number;
  runtimeInfo: RuntimeInfo;
}

/** A change of the status, in the predecessor's words. */
export interface StatusChange {
  from: string;
  to: string;
  at: number;
  /** Of the event that made it. */
  position: Position;
  /** Who was behind it: who asked, the worker, or who reports from outside. */
  source: string;
  /** It was only reported from outside. */
  isReported?: true;
}

/** The last report from outside, when it came, and from whom. */
export interface ReportedStatus extends ExternalStatus {
  at: number;
  by: string;
}

export interface Facts {
  instanceId: string;
  version: number;
  position: Position;
  generation: number;
  /** Null until `InstanceCreated`. */
  specification: Specification | null;
  /** Counts configurations, from 1. */
  revision: number;
  /** The event version of the last change of specification or desired state: the `ETag`. */
  specificationVersion: number;
  desired: "stopped" | "running" | "deleted";
  /** When a stop was done at once, since nothing was known to run; null when anything was asked for since. */
  stoppedAsOf: number | null;
  run: Run | null;
  /** Null while nobody has said how the present run is. */
  health: Health | null;
  progress: Progress | null;
  /** Kept after it was mended, with its last output and its capsule. */
  lastFailure: LastFailure | null;
  /** Oldest first; the last one is what the status shows. At most a handful: start, stop, delete. */
  commands: PendingCommand[];
  queuedStart: QueuedStart | null;
  /** A start at its present place was taken over, or given up: what its first attempt was at may spawn until its deadline. */
  mayComeLate: boolean;
  /** The last runs that ended, newest first: a late report about them changes nothing. */
  endedRuns: string[];
  /** Set while the ended run counts as failed; the status is then Failed. */
  failure: LastError | null;
  /** The last thing that went wrong, kept for display after it was mended. */
  lastError: LastError | null;
  unjudged: Unjudged | null;
  /** When the restart policy starts it again. */
  nextStart: { at: number; attempt: number; runId: string } | null;
  /** Tries of the policy since the last steady run. */
  attempts: number;
  /** When the policy started it, within its window. */
  recentStarts: number[];
  /** Automatic restarts in all. */
  restarts: number;
  /** Null while nobody outside has said anything. */
  externalStatus: ReportedStatus | null;
  /** The last few, oldest first. For display. */
  statusChanges: StatusChange[];
  createdAt: number;
  lastModifiedAt: number;
  deletedAt: number | null;
  deletedBy: string | null;
}

/** The facts of an instance of which nothing is known. */
export function noFacts(instanceId: string): Facts {
  return {
    instanceId,
    version: 0,
    position: "0-0",
    generation: 0,
    specification: null,
    revision: 0,
    specificationVersion: 0,
    desired: "stopped",
    stoppedAsOf: null,
    run: null,
    health: null,
    progress: null,
    lastFailure: null,
    commands: [],
    queuedStart: null,
    mayComeLate: false,
    endedRuns: [],
    failure: null,
    lastError: null,
    unjudged: null,
    nextStart: null,
    attempts: 0,
    recentStarts: [],
    restarts: 0,
    externalStatus: null,
    statusChanges: [],
    createdAt: 0,
    lastModifiedAt: 0,
    deletedAt: null,
    deletedBy: null,
  };
}
