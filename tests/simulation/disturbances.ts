/** Since when a simulated world is in order: what struck it, how long that lasts, and who is up. */
import type { Cluster, SimHost } from "./cluster.ts";
import type { FaultStep } from "./plan.ts";

/** Faults of one worker only: everybody else is in order meanwhile. */
const OF_A_WORKER = /^(worker|host)-/;

export class Disturbances {
  /** By the worker that alone is disturbed; null: everybody is. When it is over. */
  private readonly until = new Map<string | null, number>();

  constructor(private readonly cluster: Cluster) {}

  /** A fault strikes now. */
  note({ kind, target, durationMs }: FaultStep): void {
    const { hosts, time } = this.cluster;
    const worker = OF_A_WORKER.test(kind) ? workerOf(hosts[target % hosts.length]!) : null;
    this.add(worker, time.elapsed + durationMs);
  }

  /** As `Surroundings.undisturbedSince`. */
  since(exceptWorkerId: string | null): number {
    const { nodes, hosts, time } = this.cluster;
    // A node that is down, begins, or does not reach the log.
    if (nodes.some(({ system }) => !system || system.away() !== null)) {
      this.add(null, time.elapsed + 1);
    }
    let since = this.until.get(null) ?? 0;
    for (const host of hosts) {
      const workerId = workerOf(host);
      if (workerId === exceptWorkerId) continue;
      if (this.cluster.redis && !host.isAtWork) this.add(workerId, time.elapsed + 1);
      since = Math.max(since, this.until.get(workerId) ?? 0);
    }
    if (exceptWorkerId !== null && hosts.length < 2) return Infinity;
    return since > time.elapsed ? Infinity : since;
  }

  private add(worker: string | null, until: number): void {
    this.until.set(worker, Math.max(until, this.until.get(worker) ?? 0));
  }
}

function workerOf({ name }: SimHost): string {
  return `worker-${name}`;
}
