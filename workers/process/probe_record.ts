/** What the probes of one run have said, as it is kept for whoever wants to understand its end. */
import type { Capsule } from "../../events/runtime_info.ts";

/** What is remembered of a run's probes. */
export interface ProbeRecord {
  /** Oldest first. */
  results: Capsule["probes"];
  /** It was not ready in time, or is unhealthy by its liveness: its end is a failure, whoever asked for it. */
  isFailed: boolean;
  /** What it used, oldest first. */
  resources?: Capsule["resources"];
}
