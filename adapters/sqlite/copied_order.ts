/** Between the number that orders a command in the embedded log and the text that orders it in a copy. */
import type { Position } from "../../events/envelope.ts";
import { BATCH_EVENTS_MAX } from "../../events/log_refusals.ts";
import { positionOf, sequenceOf } from "../embedded/stored_events.ts";

/** `57-0:1` for the first command of the append whose last event is at 57. */
export function orderOf(ordinal: number): string {
  const sequence = Math.floor(ordinal / BATCH_EVENTS_MAX);
  return `${positionOf(sequence)}:${ordinal - sequence * BATCH_EVENTS_MAX + 1}`;
}

/** What `orderOf` was given. */
export function ordinalOf(order: string): number {
  const [position = "", index = ""] = order.split(":");
  return sequenceOf(position as Position) * BATCH_EVENTS_MAX + Number(index) - 1;
}
