/** Between rows and events: positions are counted numbers, and what is read back is lifted to today's shape. */
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { EventPlace } from "../../events/event_log.ts";
import { upcast } from "../../events/upcast.ts";
import type { EventRow, Tables } from "./tables.ts";

/** The position of the event with this number; `START` for 0. */
export function positionOf(sequence: number): Position {
  return `${sequence}-0`;
}

/**
 * The number in a position.
 * @throws {Error} for what is no position: positions from outside are checked at the edge
 */
export function sequenceOf(position: Position): number {
  const sequence = parseInt(position, 10);
  if (!Number.isSafeInteger(sequence) || sequence < 0) {
    throw new Error(`not a position: ${position}`);
  }
  return sequence;
}

/**
 * A stored event in today's shape.
 * @throws {OperationalError} `log_damaged` for what is not JSON, and as `upcast`
 */
export function recordedFrom(row: EventRow): RecordedEvent {
  return upcast({
    position: positionOf(row.sequence),
    previous: row.previous === 0 ? null : positionOf(row.previous),
    instanceId: row.instanceId,
    version: row.version,
    type: row.type,
    schema: row.schema,
    at: row.at,
    data: parse(row, row.data),
    meta: parse(row, row.meta),
  });
}

/**
 * Up to `limit` events after `sequence`.
 * @throws {OperationalError} `log_truncated` when some of them were cut
 */
export function eventsAfter(tables: Tables, sequence: number, limit: number): RecordedEvent[] {
  const { first } = tables.events.bounds();
  if (sequence + 1 < first) {
    throw new OperationalError(
      "log_truncated",
      `The events after ${positionOf(sequence)} were cut; the first that there is: ${
        positionOf(first)
      }.`,
      false,
      `Read from ${positionOf(first - 1)}, or begin with a snapshot.`,
    );
  }
  return tables.events.after(sequence, limit).map(recordedFrom);
}

/** The events of an instance from its newest one, or from the one before `place`, back to the first that there is. */
export function* walkBack(
  tables: Tables,
  instanceId: string,
  place?: EventPlace,
): Generator<EventRow> {
  let row = place && rowBefore(tables, instanceId, place);
  if (row === undefined) {
    row = tables.events.get(tables.instances.get(instanceId)?.lastSequence ?? 0);
  }
  while (row) {
    yield row;
    row = row.previous === 0 ? undefined : tables.events.get(row.previous);
  }
}

/** Null when there is none (any more); undefined when `place` is not one of this log. */
function rowBefore(
  { events }: Tables,
  instanceId: string,
  { previous, version }: EventPlace,
): EventRow | null | undefined {
  const sequence = previous === null ? 0 : sequenceOf(previous);
  if (sequence < events.bounds().first) return null;
  const row = events.get(sequence);
  return row?.instanceId === instanceId && row.version === version - 1 ? row : undefined;
}

function parse<T>(row: EventRow, text: string): T {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OperationalError(
      "log_damaged",
      `The event ${row.type} at ${positionOf(row.sequence)} is damaged: it is not JSON.`,
      false,
      "Restore the data folder from a copy; the log before this position is intact.",
      { cause },
    );
  }
}
