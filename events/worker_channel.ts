/** A worker's side of the bus. Every call carries the worker's incarnation; one that is not the present one is dismissed. Design §4. */
import type { Query, QueryAnswer } from "./site_query.ts";
import type { Command } from "./commands.ts";
import type { RecordedEvent } from "./envelope.ts";
import type { RunMetrics } from "./metrics.ts";
import type { HealthReport } from "./health.ts";
import type { Observation } from "./observations.ts";
import type { InstanceResponse } from "./responses.ts";
import type { RuntimeInfo } from "./runtime_info.ts";

/** What a worker offers. */
export interface Registration {
  workerId: string;
  platform: string;
  site: string;
  /** New for each life of the worker. */
  incarnation: string;
  machineId: string;
  slots: number;
  version: string;
  /** What an instance's `workerLabels` are compared with. Workers of one site carry the same. */
  labels: Readonly<Record<string, string>>;
}

/**
 * Why a call is refused that an incarnation makes which is not the worker's present one. `superseded`: another
 * incarnation has registered since, so this one leaves. `unknown`: it was given up (`lose`, `forget`), or the log has
 * never heard of it (its end was lost): the worker registers a new incarnation and adopts again.
 */
export type Dismissal = "superseded" | "unknown";

export type RegisterOutcome =
  /**
   * `inherited`: what an older incarnation had accepted and not ended; to be accepted anew, at once. `placed`: every
   * run that the log takes for live at this site.
   */
  | { kind: "registered"; inherited: Command[]; placed: RuntimeInfo[] }
  /** The same id from another machine, while that one still beats. */
  | { kind: "refused"; reason: string };

export type AcceptOutcome =
  /**
   * `attempt` counts from 1. `settle`: taken over with an old generation: look at what runs and report it, spawn
   * nothing (design §4 rule 7). Repeating the call gives the same answer.
   */
  | { kind: "accepted"; attempt: number; settle: boolean }
  /** `ended`: it is over (this call may have ended it); `taken`: another worker has it; `busy`: try again later. */
  | { kind: "refused"; reason: "ended" | "taken" | "busy" | Dismissal };

export type CompleteOutcome =
  /** Also when this very attempt had ended it before: repeating is safe. */
  | { kind: "completed"; event: RecordedEvent }
  | { kind: "refused"; reason: "ended" | Dismissal };

/** What the log holds of an instance, as a worker needs it to judge what it finds. */
export interface Standing {
  generation: number;
  /** The run that the log takes for live; null when it knows of none. */
  runId: string | null;
  /** When that run began, by its host's clock, epoch milliseconds; null when that is not known. */
  startedAt: number | null;
  /** A command of the instance waits for a worker, or a worker has one in work. */
  hasOpenCommand: boolean;
}

/** What the log holds of one incarnation. */
export interface Held {
  /** The commands that it has accepted and that have not ended. */
  accepted: string[];
  /** Those that a former incarnation of its worker has accepted, and that it has not taken over, or not any more. */
  left: string[];
  /** Every run that the log takes for live at its site. */
  placed: RuntimeInfo[];
}

export interface WorkerChannel {
  register(): Promise<RegisterOutcome>;
  /**
   * Says "I live" and how many slots are in use; with `metrics`, how all of its runs do. They replace what it told
   * before, and are lost with what keeps them: they are for display.
   */
  heartbeat(busy: number, metrics?: readonly RunMetrics[]): Promise<"ok" | Dismissal>;
  /**
   * Up to `max` starts and restarts that wait for a worker here, and every stop and delete beyond them, so that a
   * worker whose slots are full of slow starts can still end one. Waits for the first at most `waitMs`.
   */
  take(max: number, waitMs: number): Promise<Command[]>;
  /**
   * The right to work on a command; refuses and ends one that is too old or too late, in the same step. It counts as
   * a heart-beat: a lease begins with the accept.
   */
  accept(commandId: string): Promise<AcceptOutcome>;
  /** Ends a command with its response: event, reply and removal in one step. */
  complete(
    commandId: string,
    attempt: number,
    response: InstanceResponse,
  ): Promise<CompleteOutcome>;
  /**
   * Adds a fact about a run. A run of a higher generation than the instance's raises that, here as in `complete`. What
   * is said of the health of a run that has ended is heard, and not written down.
   * @throws {OperationalError} `unknown_instance` for one that is not in the log
   */
  observe(told: Observation | HealthReport): Promise<"recorded" | Dismissal>;
  /** What the log holds of these instances; unknown ones are left out. */
  standing(instanceIds: string[]): Promise<Map<string, Standing>>;
  /**
   * Calls `listener` each time that the log may have gone on without us, or lost what this incarnation has told: when it
   * can be reached again after it was away, and after a silence by its clock; and every half minute all the same, since
   * not every loss shows. `compare_pace.ts`, `traps.md` 7, 33.
   */
  whenBack(listener: (held: Held) => void): void;
  /** Answers questions to this site. */
  serveQueries(answer: (query: Query) => Promise<QueryAnswer>): void;
  /** Takes nothing more; what it accepted stays its own until a new incarnation registers. */
  leave(): Promise<void>;
}
