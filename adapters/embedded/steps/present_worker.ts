/** Who a worker's call comes from: the check that begins each of its steps, and the metadata of what it writes. */
import type { Command } from "../../../events/commands.ts";
import type { EventMeta } from "../../../events/envelope.ts";
import type { Dismissal } from "../../../events/worker_channel.ts";
import type { Tables, WorkerRow } from "../tables.ts";

/** The worker's row; null for an incarnation that is not the present one (`dismissalOf` says why). Design §4 rule 7. */
export function presentWorker(
  tables: Tables,
  workerId: string,
  incarnation: string,
): WorkerRow | null {
  const row = tables.workers.get(workerId);
  return row && !row.forgotten && !row.lost && row.incarnation === incarnation ? row : null;
}

/** Why an incarnation is not the present one. One that the log has never heard of may be newer than the log's end. */
export function dismissalOf(tables: Tables, workerId: string, incarnation: string): Dismissal {
  const row = tables.workers.get(workerId);
  return row && row.incarnation !== incarnation && row.retired.includes(incarnation)
    ? "superseded"
    : "unknown";
}

/** The metadata of an event that a worker writes, in answer to `command` or unasked. */
export function workerMeta(workerId: string, command?: Command): EventMeta {
  const requestedBy = `worker:${workerId}`;
  return command ? { requestedBy, correlationId: command.correlationId } : { requestedBy };
}
