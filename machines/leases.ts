/** What of an instance is bound to a worker, and whether it may go on elsewhere when that is lost. Design §4 rule 8. */
import { goesOnElsewhere } from "./fold_commands.ts";
import type { InstanceState } from "./lifecycle.ts";
import { mayRun } from "./status.ts";

/** What a worker has of an instance that may go on elsewhere. */
export interface Leased {
  /** The workers that have it; more than one only where several share a site. */
  workerIds: string[];
  /** When its workers have been silent for so long, nothing of it lives there any more. */
  leaseMs: number;
}

/**
 * The lease under which everything lives that may be alive of this instance: its run, and what a start or restart in
 * work may have spawned. Null when nothing may be alive, when its user wants it to wait for its host, and when any of
 * it was started without a lease, before the user said otherwise: nobody ends that on a host out of reach.
 */
export function leasedPart(state: InstanceState): Leased | null {
  const { commands, run } = state.context;
  if (!goesOnElsewhere(state.context) || state.value.pending === "deleted") return null;
  const accepted = commands.filter((command) => command.accepted);
  const spawning = accepted.filter(({ kind }) => kind === "start" || kind === "restart");
  const leases = spawning.map((command) => command.leaseMs);
  const isLive = mayRun(state) && run !== null;
  if (isLive && (run.runId !== null || spawning.length === 0)) {
    leases.push(run.runtimeInfo?.leaseMs ?? null);
  }
  if (accepted.length === 0 && !isLive) return null;
  let leaseMs = 0;
  for (const lease of leases) {
    if (lease === null) return null;
    leaseMs = Math.max(leaseMs, lease);
  }
  const workerIds = accepted.map((command) => command.accepted!.workerId);
  if (isLive) workerIds.push(run.workerId);
  return { workerIds: [...new Set(workerIds)], leaseMs };
}
