/** Whether a call comes from a worker's present incarnation: the check that begins each of a worker's steps. */
import type { Tables, WorkerRow } from "../tables.ts";

/** The worker's row; null for a former, forgotten or unknown incarnation, which is told `superseded`. Design §4 rule 7. */
export function presentWorker(
  tables: Tables,
  workerId: string,
  incarnation: string,
): WorkerRow | null {
  const row = tables.workers.get(workerId);
  return row && !row.forgotten && row.incarnation === incarnation ? row : null;
}
