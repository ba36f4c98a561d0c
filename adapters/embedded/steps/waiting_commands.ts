/**
 * Retarget, count, poison: what happens to a command that no worker has accepted. Design §4 rules 5 and 12.
 *
 * Reads: the command (and its instance). Writes: its site or its deliveries; or `CommandRefused` and its removal.
 *
 * Atomic, because an accept may come at any time: the step does nothing once there is one.
 */
import type { EventMeta } from "../../../events/envelope.ts";
import { newEvent } from "../../../events/instance_events.ts";
import type { Step, StepContext } from "../step.ts";
import type { CommandRow } from "../tables.ts";

/** The step that moves a command to another site; false when it was accepted or ended meanwhile. */
export function retarget(commandId: string, site: string | null): Step<boolean> {
  return (context) => {
    const row = unaccepted(context, commandId);
    if (!row) return false;
    const moved = { ...row, command: Object.freeze({ ...row.command, site }) };
    context.tables.commands.change(moved);
    context.effects.waiting.push(moved);
    return true;
  };
}

/** The step that keeps the number of a command's deliveries, so that poison is known also after a crash. */
export function countDeliveries(commandId: string, deliveries: number): Step<void> {
  return (context) => {
    const row = unaccepted(context, commandId);
    if (row) context.tables.commands.change({ ...row, deliveries });
  };
}

/** The step that ends a command which was delivered too often. */
export function refusePoison(commandId: string): Step<void> {
  return (context) => {
    const row = unaccepted(context, commandId);
    if (!row) return;
    const { instanceId, correlationId } = row.command;
    const instance = context.instance(instanceId)!;
    const meta: EventMeta = { requestedBy: "delivery", correlationId };
    const event = newEvent("CommandRefused", { commandId, reason: "Poison" });
    const recorded = context.recordNew(instance, event, meta);
    context.tables.instances.put(instance);
    context.end(row, recorded);
  };
}

function unaccepted(context: StepContext, commandId: string): CommandRow | null {
  const row = context.tables.commands.get(commandId);
  return row && row.accepted === null ? row : null;
}
