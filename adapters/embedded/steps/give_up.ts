/** What forget and lose share: the ends of what a worker that is given up had in hand. Design §4 rule 8. */
import type { RecordedEvent } from "../../../events/envelope.ts";
import { newEvent } from "../../../events/instance_events.ts";
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import { afterObservation } from "../live_run.ts";
import type { StepContext } from "../step.ts";
import type { CommandRow, InstanceRow } from "../tables.ts";

/** Ends commands whose worker is given up, the oldest first. */
export function endForgotten(
  context: StepContext,
  rows: CommandRow[],
  workerId: string,
  requestedBy: string,
): RecordedEvent[] {
  return rows.sort((a, b) => a.order - b.order).map((row) => {
    const { instanceId, messageId, correlationId } = row.command;
    const instance = context.instance(instanceId)!;
    const event = newEvent("CommandForgotten", { commandId: messageId, workerId });
    const recorded = context.recordNew(instance, event, { requestedBy, correlationId });
    context.tables.instances.put(instance);
    context.end(row, recorded);
    return recorded;
  });
}

/** Says of a live run that nobody can tell any more. */
export function loseRun(
  context: StepContext,
  row: InstanceRow,
  workerId: string,
  requestedBy: string,
): RecordedEvent {
  const instance = { ...row };
  const runtimeInfo: RuntimeInfo = JSON.parse(row.runtimeInfo!);
  const observation = { instanceId: row.instanceId, observation: "Lost" as const, runtimeInfo };
  const event = newEvent("RuntimeObserved", { ...observation, workerId });
  const recorded = context.recordNew(instance, event, { requestedBy });
  afterObservation(instance, observation);
  context.tables.instances.put(instance);
  return recorded;
}
