/** The platform port: what a worker asks of the technology that runs servers. Design §3, §4. */
import type { Template } from "../events/configuration.ts";
import type { JsonObject } from "../events/json.ts";
import type { HealthReport } from "../events/health.ts";
import type { Limits } from "../events/limits.ts";
import type { RunMetrics } from "../events/metrics.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { LogPage, LogReading } from "../events/server_output.ts";

/**
 * What keeps a late spawn from coming to life: a command's generation, then its attempt, compared in this order.
 * Nothing below the highest fence that an instance has seen is ever spawned. Design §4 rule 6.
 */
export interface Fence {
  generation: number;
  attempt: number;
}

/** Below every other: keeps nothing from coming to life. */
export const NO_FENCE: Readonly<Fence> = { generation: 0, attempt: 0 };

/** Negative where `a` is below `b`. */
export function compareFences(a: Fence, b: Fence): number {
  return a.generation - b.generation || a.attempt - b.attempt;
}

/** How long a run may live without word of its worker. Design §4 rule 8. */
export interface Lease {
  leaseMs: number;
  /** It counts from here, or from when the log last heard the worker: milliseconds on the host's boot clock. */
  fromMs: number;
}

/**
 * The leases of a site's runs. The site enforces them, not the worker, which may be frozen: once the log has not heard
 * the worker for a run's lease, that run is ended within a second, and its exit says why (`LeaseLapsed`).
 */
export interface Leases {
  /** Whether any run here may have a lease: else nobody needs to say that the worker was heard. */
  areHeld(): boolean;
  /** Milliseconds on the host's boot clock, which counts while the host sleeps. */
  now(): Promise<number>;
  /** The log has heard what the worker said after `asOfMs` (of `now`): every lease counts anew from there. */
  heard(asOfMs: number): Promise<void>;
}

/** Of a platform whose runs nobody ends: for what needs no host. */
export const NO_LEASES: Leases = Object.freeze({
  areHeld: () => false,
  now: () => Promise.resolve(0),
  heard: () => Promise.resolve(),
});

/** One run to be started. */
export interface StartSpec {
  instanceId: string;
  /** New for each try; in the server's environment as `DRAAS_RUN_ID`, in files and in every report. */
  runId: string;
  fence: Fence;
  template: Template;
  configuration: JsonObject;
  /** Null: a start's body overrode the configuration; absent: not known. */
  configurationRevision?: number | null;
  /** Nothing is spawned later than this, counted from the call on the host's boot clock. Design §4 rule 6. */
  spawnWithinMs: number;
  /**
   * Asks the log whether the start is still ours: then `spawnWithinMs` counts anew. For what has to be brought to a host
   * first, which may take minutes.
   */
  renew?(): Promise<boolean>;
  /** Absent: it lives on without its worker. */
  lease?: Lease;
  /** Absent: it may use all of its host. */
  limits?: Limits;
}

/** What came of a start. A failed one leaves no process behind. */
export type StartOutcome =
  | { kind: "running"; runtimeInfo: RuntimeInfo }
  | { kind: "failed"; failure: Failure; runtimeInfo: RuntimeInfo | null };

/** What came of a stop. `runtimeInfo` is the last run, ended; null when there never was one here. */
export type StopOutcome =
  | { kind: "stopped"; runtimeInfo: RuntimeInfo | null }
  | { kind: "failed"; failure: Failure; runtimeInfo: RuntimeInfo | null };

/** Why something did not work, for programs (`code`, `retryable`) and for people (`message`). */
export interface Failure {
  /** `configuration_invalid`, `host_refused`, `secret_missing`, `binary_missing`, `port_in_use`, `ports_exhausted`, `exited_at_once`, `not_ready`, `aborted`,
   * `spawn_too_late`, `locked`, `stale_generation`, `disk_full`, `still_running`, … */
  code: string;
  message: string;
  /** False when the same try would fail again: configuration, missing binary, refused by the host. */
  retryable: boolean;
}

/** One technology on one site. All implementations pass `tests/contracts/platform_contract.ts`. */
export interface Platform {
  /** `process`, `docker`, `kubernetes`. */
  readonly name: string;
  /** What can reach the same runtime: here the id of the data folder. */
  readonly site: string;
  readonly leases: Leases;
  /**
   * Every run that this site knows of: the latest of each instance, live or ended. Adopts the live ones. One that the
   * host does not let us look at is left out and left alone; its `inspect` says why.
   * @param which `live`: those that have ended may be left out, where that is cheaper
   */
  inventory(which?: "all" | "live"): Promise<RuntimeInfo[]>;
  /**
   * The latest run of one instance as it is now; null when there is none.
   * @throws {OperationalError} what the host does not allow, as `fence` and `logs` do
   */
  inspect(instanceId: string): Promise<RuntimeInfo | null>;
  /**
   * Starts one run and waits until it counts as started (settle time, readiness). `signal` aborts it:
   * the process is ended and the outcome is `aborted`. Never throws for what the world does wrong.
   */
  start(spec: StartSpec, signal: AbortSignal): Promise<StartOutcome>;
  /**
   * Raises the fence: when it resolves, no start below it that was under way (begun by a worker that is gone, and
   * slow) can bring anything to life any more. Gives the latest run as it is then; a live one is left alone.
   */
  fence(instanceId: string, fence: Fence): Promise<RuntimeInfo | null>;
  /** Fences, and ends the run, gently and then by force, with its whole process tree; a stopped one is a success. */
  stop(instanceId: string, fence: Fence): Promise<StopOutcome>;
  /** Stops, then removes everything that the site keeps of the instance. */
  remove(instanceId: string, fence: Fence): Promise<StopOutcome>;
  /** Reports each run that ends without `stop` or `remove` having been asked, once, also adopted ones. */
  onExit(listener: (runtimeInfo: RuntimeInfo) => void): void;
  /**
   * Reports how live servers are that are asked, also adopted ones, and where starts are: each time that it looks.
   * Whoever hears it tells on what is new.
   */
  onHealth(listener: (report: HealthReport) => void): void;
  /** The last lines of the instance's output. */
  logs(instanceId: string, tailLines: number): Promise<string[]>;
  /** How its live runs do, where that was looked at since the last call; begins to look anew now and then. */
  metrics?(): readonly RunMetrics[] | undefined;
  /** Output of both streams with times and markers; waits for more for as long as it is asked to. */
  readLogs(instanceId: string, reading: LogReading): Promise<LogPage>;
  /** Stops watching; every server runs on. */
  close(): Promise<void>;
}
