/** What the watch of the workers shows to the reactions that stand on it. Design §4 rules 5 and 8. */
import type { WorkerRecord } from "../events/command_bus.ts";
import type { Leased } from "../machines/leases.ts";
import type { Fleet } from "../machines/placement.ts";
import type { PlacedStarts } from "./placed_starts.ts";

/** One look at the workers, with what is at stake there. */
export interface WatchedFleet {
  fleet: Fleet;
  /** How long a worker has been silent for sure: at least since it was last heard, and since the watch can tell. */
  silentMs(worker: WorkerRecord): number;
  placedStarts: PlacedStarts;
  /** By instance. */
  leased: ReadonlyMap<string, Leased>;
}
