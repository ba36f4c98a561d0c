/**
 * Accept: a worker gets the right to work on a command. Design §3 step 4, §4 rules 2, 3, 5 and 7.
 *
 * Reads: the worker, the command, its instance, the instance's other commands. Writes: `CommandAccepted` and the
 * command; or the event that ends it, and its removal. Answers: accepted with the attempt, or why not.
 *
 * Atomic, because between a check of generation, deadline or rival and the write of the acceptance a stop could
 * cancel the command, or another worker accept it.
 */
import { isUrgent } from "../../../events/commands.ts";
import { newEvent } from "../../../events/instance_events.ts";
import type { RuntimeInfo } from "../../../events/runtime_info.ts";
import type { AcceptOutcome } from "../../../events/worker_channel.ts";
import type { Step, StepContext } from "../step.ts";
import { type CommandRow, type InstanceRow, type WorkerRow } from "../tables.ts";
import { dismissalOf, presentWorker, workerMeta } from "./present_worker.ts";

/** The step by which a worker's incarnation accepts a command. */
export function accept(
  workerId: string,
  incarnation: string,
  commandId: string,
): Step<AcceptOutcome> {
  return (context) => {
    const worker = presentWorker(context.tables, workerId, incarnation);
    if (!worker) return refused(dismissalOf(context.tables, workerId, incarnation));
    const row = context.tables.commands.get(commandId);
    if (!row) return refused("ended");
    const { accepted } = row;
    if (accepted) {
      if (accepted.workerId !== workerId) return refused("taken");
      if (accepted.incarnation !== incarnation) return acceptAs(context, row, worker);
      return { kind: "accepted", attempt: accepted.attempt, settle: accepted.settle };
    }
    return acceptNew(context, row, worker);
  };
}

function acceptNew(context: StepContext, row: CommandRow, worker: WorkerRow): AcceptOutcome {
  const { command } = row;
  if (command.platform !== worker.platform || (command.site ?? worker.site) !== worker.site) {
    return refused("taken");
  }
  const instance = context.instance(command.instanceId)!;
  const commandId = command.messageId;
  // What is deleted stays so, whatever newer run a rollback of the log has let be found: it is what must be ended. But
  // what is only moved is in use again.
  const endsNewer = command.type === "DeleteInstanceCommand" && !command.keepsNewer;
  if (command.generation < instance.generation && !endsNewer) {
    const event = newEvent("CommandRefused", { commandId, reason: "StaleGeneration" });
    return endInstead(context, row, instance, worker, event);
  }
  if (context.now >= row.acceptBy) {
    const event = newEvent("CommandExpired", { commandId, reason: "WorkersBusy" });
    return endInstead(context, row, instance, worker, event);
  }
  if (mustWait(context, row, instance, worker)) {
    // Waiting for a rival is no sign of poison.
    context.effects.busy.push(commandId);
    return refused("busy");
  }
  return acceptAs(context, row, worker, instance);
}

/**
 * Another worker has a command of the instance in work, or a live run was found at another site since the command was
 * sent: what is to become of it is for that site's workers.
 */
function mustWait(
  context: StepContext,
  row: CommandRow,
  { runId, runtimeInfo }: InstanceRow,
  worker: WorkerRow,
): boolean {
  const { messageId, instanceId } = row.command;
  if (isUrgent(row.command)) return false;
  if (runId !== null && runtimeInfo !== null && siteOf(runtimeInfo) !== worker.site) return true;
  return context.tables.commands.of(instanceId).some((other) =>
    other.command.messageId !== messageId && other.accepted !== null &&
    other.accepted.workerId !== worker.workerId
  );
}

function siteOf(runtimeInfo: string): string {
  return (JSON.parse(runtimeInfo) as RuntimeInfo).site;
}

function acceptAs(
  context: StepContext,
  row: CommandRow,
  worker: WorkerRow,
  instance: InstanceRow = context.instance(row.command.instanceId)!,
): AcceptOutcome {
  const { command } = row;
  const { workerId, incarnation, site } = worker;
  const attempt = (row.accepted?.attempt ?? 0) + 1;
  // Only a take-over or a delete can be old here: a first accept of an old generation was refused.
  const settle = command.generation < instance.generation;
  context.recordNew(
    instance,
    newEvent("CommandAccepted", {
      commandId: command.messageId,
      commandType: command.type,
      attempt,
      workerId,
      incarnation,
      site,
    }),
    workerMeta(workerId, command),
  );
  context.tables.instances.put(instance);
  context.tables.commands.change({
    ...row,
    command: command.site === site ? command : Object.freeze({ ...command, site }),
    accepted: { workerId, incarnation, site, attempt, settle },
  });
  context.effects.settled.push(command.messageId);
  return { kind: "accepted", attempt, settle };
}

function endInstead(
  context: StepContext,
  row: CommandRow,
  instance: InstanceRow,
  worker: WorkerRow,
  event: Parameters<StepContext["recordNew"]>[1],
): AcceptOutcome {
  const recorded = context.recordNew(instance, event, workerMeta(worker.workerId, row.command));
  context.tables.instances.put(instance);
  context.end(row, recorded);
  return refused("ended");
}

function refused(
  reason: Extract<AcceptOutcome, { kind: "refused" }>["reason"],
): AcceptOutcome {
  return { kind: "refused", reason };
}
