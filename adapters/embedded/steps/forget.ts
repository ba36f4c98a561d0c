/**
 * Forget: a worker is given up; its host is off for good. Design §4 rule 8.
 *
 * Reads: the worker, its commands, the runs at its site. Writes: `CommandForgotten` for each command that it had
 * accepted, `RuntimeObserved` (`Lost`) for each run that no other worker can reach, the worker's tombstone. Answers:
 * the events.
 *
 * Atomic, because a worker that is half forgotten could still complete what is being taken from it.
 */
import type { RecordedEvent } from "../../../events/envelope.ts";
import type { Step, StepContext } from "../step.ts";
import type { WorkerRow } from "../tables.ts";
import { endForgotten, loseRun } from "./give_up.ts";
import { retire } from "./register.ts";

/** The step that gives up `workerId`; no events when there is no such worker. */
export function forget(workerId: string, requestedBy = "forget"): Step<RecordedEvent[]> {
  return (context) => {
    const worker = context.tables.workers.get(workerId);
    if (!worker || worker.forgotten) return [];
    context.tables.workers.put({ ...worker, forgotten: true, retired: retire(worker) });
    context.effects.workersChanged = true;
    const accepted = [...context.tables.commands.all()].filter((row) =>
      row.accepted?.workerId === workerId
    );
    return [
      ...endForgotten(context, accepted, workerId, requestedBy),
      ...loseRuns(context, worker, requestedBy),
    ];
  };
}

function loseRuns(
  context: StepContext,
  worker: WorkerRow,
  requestedBy: string,
): RecordedEvent[] {
  const { workerId, site } = worker;
  const shared = [...context.tables.workers.all()].some((other) =>
    other.workerId !== workerId && other.site === site && !other.forgotten
  );
  if (shared) return [];
  return context.tables.instances.standingAt(site).map((row) =>
    loseRun(context, row, workerId, requestedBy)
  );
}
