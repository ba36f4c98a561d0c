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
import { newEvent } from "../../../events/instance_events.ts";
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import { afterObservation } from "../live_run.ts";
import type { Step, StepContext } from "../step.ts";
import type { WorkerRow } from "../tables.ts";
import { retire } from "./register.ts";

const REQUESTED_BY = "forget";

/** The step that gives up `workerId`; no events when there is no such worker. */
export function forget(workerId: string): Step<RecordedEvent[]> {
  return (context) => {
    const worker = context.tables.workers.get(workerId);
    if (!worker || worker.forgotten) return [];
    context.tables.workers.put({ ...worker, forgotten: true, retired: retire(worker) });
    context.effects.workersChanged = true;
    return [...endCommands(context, workerId), ...loseRuns(context, worker)];
  };
}

function endCommands(context: StepContext, workerId: string): RecordedEvent[] {
  const rows = [...context.tables.commands.all()]
    .filter((row) => row.accepted?.workerId === workerId)
    .sort((a, b) => a.order - b.order);
  return rows.map((row) => {
    const { instanceId, messageId, correlationId } = row.command;
    const instance = context.instance(instanceId)!;
    const event = newEvent("CommandForgotten", { commandId: messageId, workerId });
    const meta = { requestedBy: REQUESTED_BY, correlationId };
    const recorded = context.recordNew(instance, event, meta);
    context.tables.instances.put(instance);
    context.end(row, recorded);
    return recorded;
  });
}

function loseRuns(context: StepContext, worker: WorkerRow): RecordedEvent[] {
  const { workerId, site } = worker;
  const shared = [...context.tables.workers.all()].some((other) =>
    other.workerId !== workerId && other.site === site && !other.forgotten
  );
  if (shared) return [];
  return context.tables.instances.standingAt(site).map((row) => {
    const instance = { ...row };
    const runtimeInfo: RuntimeInfo = JSON.parse(row.runtimeInfo!);
    const observation = { instanceId: row.instanceId, observation: "Lost" as const, runtimeInfo };
    const event = newEvent("RuntimeObserved", { ...observation, workerId });
    const recorded = context.recordNew(instance, event, { requestedBy: REQUESTED_BY });
    afterObservation(instance, observation);
    context.tables.instances.put(instance);
    return recorded;
  });
}
