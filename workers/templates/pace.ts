/** How long things of a server take where its configuration says nothing, the same on every platform. Pure. */
import type { Liveness } from "../../events/configuration.ts";
import type { LivenessPlan } from "./probe_plan.ts";

/** A new server that lives this long counts as started, unless it has a readiness probe. */
export const SETTLE_MS = 200;
/** From the stop signal to SIGKILL. */
export const STOP_GRACE_MS = 10_000;
/** Below the 30 s that a caller waits by default, so that the answer says what was not ready. */
export const READY_WITHIN_MS = 25_000;

/** How often a liveness probe asks, and what it takes to change what is known. */
export function livenessPace(
  { intervalMs = 10_000, timeoutMs = 2_000, failures = 3, successes = 1 }: Liveness,
): Pick<LivenessPlan, "intervalMs" | "timeoutMs" | "failures" | "successes"> {
  return { intervalMs, timeoutMs, failures, successes };
}
