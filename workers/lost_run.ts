/** What is said of a run that has ended and left no trace of how. */
import type { RuntimeInfo } from "../events/runtime_info.ts";

/** The run as ended at `at`, in milliseconds of the worker's clock, with an exit of which nothing is known. */
export function lostRun(run: RuntimeInfo, at: number): RuntimeInfo {
  const message = "is gone, and so are its records: nobody can say how it ended";
  return {
    ...run,
    status: "Stopped",
    stoppedAt: at,
    exit: { code: null, signal: null, reason: "Unknown", message },
  };
}
