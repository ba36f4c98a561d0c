/** What the watch of the workers shows to the reactions that stand on it. Design §4 rules 5 and 8. */
import type { WorkerRecord } from "../events/command_bus.ts";
import type { Leased } from "../machines/leases.ts";
import type { Fleet } from "../machines/placement.ts";

/** A start for one site that nobody has accepted. */
export interface PlacedStart {
  commandId: string;
  /** Where its event sent it. */
  site: string;
  /** When this node first saw it, by the monotonic clock. */
  since: number;
}

/** One look at the workers, with what is at stake there. Both maps go by instance. */
export interface WatchedFleet {
  fleet: Fleet;
  /** How long a worker has been silent for sure: at least since it was last heard, and since the watch can tell. */
  silentMs(worker: WorkerRecord): number;
  placedStarts: ReadonlyMap<string, PlacedStart>;
  leased: ReadonlyMap<string, Leased>;
}
