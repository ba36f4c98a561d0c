/** Between rows and events: positions are counted numbers, and what is read back is lifted to today's shape. */
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
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

/** The last `limit` events of an instance with versions below `belowVersion` and above `afterVersion`, oldest first. */
export function historyOf(
  tables: Tables,
  instanceId: string,
  limit: number,
  belowVersion: number,
  afterVersion = 0,
): RecordedEvent[] {
  const rows: EventRow[] = [];
  let row = tables.events.get(tables.instances.get(instanceId)?.lastSequence ?? 0);
  while (row && row.version > afterVersion && rows.length < limit) {
    if (row.version < belowVersion) rows.push(row);
    row = row.previous === 0 ? undefined : tables.events.get(row.previous);
  }
  return rows.reverse().map(recordedFrom);
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
