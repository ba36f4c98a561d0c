/** Ends what a run left behind: children that outlived it, in its group or out of it. */
import { type Clock, sleep } from "../../events/clock.ts";
import type { ProcessTable } from "./process_table.ts";

/** A program that forks faster than this many rounds of SIGKILL is reported, not fought for ever. */
const ROUNDS_MAX = 20;
const PAUSE_MS_FIRST = 5;
const PAUSE_MS_MAX = 200;

/** Whose processes: `runId` null means any run of the instance, for when none of them may live. */
export interface StragglerQuery {
  site: string;
  instanceId: string;
  runId: string | null;
}

/**
 * Kills every process that carries the run's mark, or that holds the instance's lock without any
 * mark, until none is left. Known limit: one that cleared its environment, closed the lock and left
 * the group cannot be told from a stranger's.
 * @returns false when some are still there
 */
export async function endStragglers(
  table: ProcessTable,
  clock: Clock,
  query: StragglerQuery,
): Promise<boolean> {
  let pauseMs = PAUSE_MS_FIRST;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (await killFound(table, query) === 0) return true;
    await sleep(clock, pauseMs);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
  }
  return await killFound(table, query) === 0;
}

async function killFound(table: ProcessTable, query: StragglerQuery): Promise<number> {
  const { site, instanceId, runId } = query;
  const looks = [table.marked(), table.isLocked(instanceId)] as const;
  let [all, isLocked] = await Promise.all(looks);
  const holders = isLocked ? await table.holders(instanceId) : [];
  // Marks after holders: a new run that took the lock in between then shows by its marks.
  if (isLocked) all = await table.marked();
  const marked = all.filter((one) => one.site === site && one.instanceId === instanceId);
  const ours = marked.filter((process) => runId === null || process.runId === runId);
  const isOnlyOurs = ours.length === marked.length;
  const unmarked = isOnlyOurs
    ? holders.filter((pid) => !marked.some((process) => process.pid === pid))
    : [];
  for (const process of ours) await table.kill(process.pid, { runId: process.runId });
  for (const pid of unmarked) await table.kill(pid, { lockOf: instanceId });
  return ours.length + unmarked.length;
}
