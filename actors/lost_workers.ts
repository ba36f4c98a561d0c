/** Gives up workers that have been silent for longer than the leases of what they have. Design §4 rule 8. */
import { type CommandBus, LOSSES_MAX, type WorkerRecord } from "../events/command_bus.ts";
import type { Leased } from "../machines/leases.ts";
import { isHeard } from "../machines/placement.ts";
import type { WatchedFleet } from "./watched_fleet.ts";

export interface LostWorkersParts {
  bus: CommandBus;
  fence(): number | null;
  /** Whether all that the log holds now is folded here, at once or within a moment. */
  isUpToDate(): Promise<boolean>;
}

/**
 * How much longer than the lease a worker has to be silent: its hosts end servers when the lease is over, which takes
 * them up to half of this (`workers/process/shim.sh`).
 */
export const LOSS_MARGIN_MS = 2_000;

interface AtStake {
  instanceIds: string[];
  leaseMs: number;
}

export class LostWorkers {
  constructor(private readonly parts: LostWorkersParts) {}

  /**
   * Gives up who is to be given up. What else it has (of instances that wait for their host) it keeps.
   * @returns whether something that may go on elsewhere is still at a silent worker
   */
  async react({ fleet, silentMs, leased }: WatchedFleet): Promise<boolean> {
    const silent = fleet.workers.filter((worker) => !isHeard(worker, fleet.at));
    if (silent.length === 0 || leased.size === 0) return false;
    const isDue = (worker: WorkerRecord, stake: AtStake) =>
      silentMs(worker) >= stake.leaseMs + LOSS_MARGIN_MS;
    let stakes = stakesByWorker(leased);
    const isAnyDue = silent.some((worker) => {
      const stake = stakes.get(worker.workerId);
      return stake !== undefined && isDue(worker, stake);
    });
    if (isAnyDue) {
      // Its last accepts are older than its silence: what they began may have a longer lease, or none.
      if (!await this.parts.isUpToDate()) return true;
      stakes = stakesByWorker(leased);
    }
    let isPending = false;
    for (const worker of silent) {
      const stake = stakes.get(worker.workerId);
      if (!stake) continue;
      isPending = true;
      if (isDue(worker, stake)) await this.giveUp(worker, stake);
    }
    return isPending;
  }

  private async giveUp(
    { workerId, incarnation }: WorkerRecord,
    { instanceIds, leaseMs }: AtStake,
  ): Promise<void> {
    const silentMs = leaseMs + LOSS_MARGIN_MS;
    for (let done = 0; done < instanceIds.length; done += LOSSES_MAX) {
      const fence = this.parts.fence();
      if (fence === null) return;
      const some = instanceIds.slice(done, done + LOSSES_MAX);
      await this.parts.bus.lose({ workerId, incarnation, silentMs, instanceIds: some }, fence);
    }
  }
}

/** What each worker has that may go on elsewhere; it is given up after the longest of the leases. */
function stakesByWorker(leased: ReadonlyMap<string, Leased>): Map<string, AtStake> {
  const stakes = new Map<string, AtStake>();
  for (const [instanceId, { workerIds, leaseMs }] of leased) {
    for (const workerId of workerIds) {
      const stake = stakes.get(workerId) ?? { instanceIds: [], leaseMs: 0 };
      stake.instanceIds.push(instanceId);
      stake.leaseMs = Math.max(stake.leaseMs, leaseMs);
      stakes.set(workerId, stake);
    }
  }
  return stakes;
}
