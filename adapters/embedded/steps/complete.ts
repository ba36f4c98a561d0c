/**
 * Complete: a worker ends a command with its response. Design §3 step 5, §4 rule 2, promise 9.
 *
 * Reads: the worker, the command, its instance. Writes: `CommandSucceeded` or `CommandFailed`, the removal of the
 * command, the instance with its run. Answers: the event; the same one when repeated.
 *
 * Atomic, because a response without its removal would be followed by a second end, and a removal without its event
 * would lose the truth about a server.
 */
import type { RecordedEvent } from "../../../events/envelope.ts";
import { newEvent } from "../../../events/instance_events.ts";
import type { InstanceResponse } from "../../../events/responses.ts";
import type { CompleteOutcome } from "../../../events/worker_channel.ts";
import { freezeDeep } from "../frozen.ts";
import { afterResponse } from "../live_run.ts";
import type { Step, StepContext } from "../step.ts";
import { recordedFrom } from "../stored_events.ts";
import type { CommandRow } from "../tables.ts";
import { dismissalOf, presentWorker, workerMeta } from "./present_worker.ts";

/**
 * The step by which a worker ends its attempt at a command. A new incarnation may end what the one before it had
 * accepted and done, as long as the attempt is still the same: its outbox outlives it.
 */
export function complete(
  workerId: string,
  incarnation: string,
  commandId: string,
  attempt: number,
  response: InstanceResponse,
): Step<CompleteOutcome> {
  const text = JSON.stringify({ commandId, attempt, workerId, response });
  return (context) => {
    if (!presentWorker(context.tables, workerId, incarnation)) {
      return refused(dismissalOf(context.tables, workerId, incarnation));
    }
    const row = context.tables.commands.get(commandId);
    if (!row) return repeated(context, commandId, attempt, response.instanceId);
    if (row.accepted?.workerId !== workerId || row.accepted.attempt !== attempt) {
      return refused("ended");
    }
    assertFits(row, response);
    return { kind: "completed", event: endWith(context, row, workerId, text) };
  };
}

function endWith(
  context: StepContext,
  row: CommandRow,
  workerId: string,
  text: string,
): RecordedEvent {
  // A copy: what a worker holds and changes later must not reach those who hold the event.
  const data = freezeDeep(JSON.parse(text));
  const { response } = data as { response: InstanceResponse };
  const { command } = row;
  const instance = context.instance(command.instanceId)!;
  const event = newEvent(response.success ? "CommandSucceeded" : "CommandFailed", data);
  const meta = workerMeta(workerId, command);
  const recorded = context.record(instance, event, text, meta, JSON.stringify(meta));
  context.end(row, recorded);
  afterResponse(instance, response);
  instance.completed = {
    commandId: command.messageId,
    attempt: data.attempt,
    sequence: instance.lastSequence,
  };
  context.tables.instances.put(instance);
  return recorded;
}

function repeated(
  context: StepContext,
  commandId: string,
  attempt: number,
  instanceId: string,
): CompleteOutcome {
  const last = context.tables.instances.get(instanceId)?.completed;
  if (last?.commandId !== commandId || last.attempt !== attempt) return refused("ended");
  const stored = context.tables.events.get(last.sequence);
  return stored ? { kind: "completed", event: recordedFrom(stored) } : refused("ended");
}

function assertFits({ command }: CommandRow, response: InstanceResponse): void {
  const expected = command.type.replace("Command", "Response");
  if (response.type === expected && response.instanceId === command.instanceId) return;
  throw new Error(`${command.messageId} awaits ${expected} of ${command.instanceId}`);
}

function refused(
  reason: Extract<CompleteOutcome, { kind: "refused" }>["reason"],
): CompleteOutcome {
  return { kind: "refused", reason };
}
