/** Between entries of the log stream and events: what is read back is lifted to today's shape. Design §5 (`log`). */
import { type EventMeta, type Position, type RecordedEvent, START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { JsonObject } from "../../events/json.ts";
import { isReadable, passedOver, type StoredEvent, upcast } from "../../events/upcast.ts";

/** An entry as XRANGE and XREAD give it: its position and its fields, names and values by turns. */
export type StreamEntry = [position: string, fields: string[]];

/** An event as a function tells it: position, instance, version, type, schema, data, metadata, previous, ignorable. */
export type ToldEvent = [string, string, string, string, string, string, string, string, string?];

/**
 * The event of a log entry.
 * @throws {OperationalError} `log_damaged`, `log_from_newer_version`
 */
export function eventOf([position, fields]: StreamEntry): RecordedEvent {
  const told: ToldEvent = [position, "", "", "", "", "", "", START];
  for (let index = 0; index < fields.length; index += 2) {
    const place = PLACES[fields[index]!];
    if (place !== undefined) told[place] = fields[index + 1]!;
  }
  return toldEvent(told);
}

const PLACES: Readonly<Record<string, number>> = { i: 1, v: 2, t: 3, s: 4, d: 5, m: 6, p: 7, x: 8 };

/** The event that a function tells of. Throws as `eventOf`. */
export function toldEvent(
  [position, instanceId, version, type, schema, data, meta, previous, ignorable]: ToldEvent,
): RecordedEvent {
  const written = parse<EventMeta & { at?: number }>(position, type, meta);
  const { at = timeOf(position) } = written;
  // Of what was imported: the positions of an embedded log are no times.
  if (written.at !== undefined) delete written.at;
  const stored: StoredEvent = {
    position,
    previous: previous === START ? null : previous,
    instanceId,
    version: Number(version),
    type,
    schema: Number(schema),
    at,
    data: parse(position, type, data) as JsonObject,
    meta: written,
  };
  return ignorable === "1" && !isReadable(stored) ? passedOver(stored) : upcast(stored);
}

/** The time at which the event at a position was written, epoch milliseconds by the log's clock. */
export function timeOf(position: Position): number {
  return Number(position.slice(0, position.indexOf("-")));
}

function parse<T>(position: Position, type: string, text: string): T {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OperationalError(
      "log_damaged",
      `The event ${type} at ${position} is damaged: it is not JSON.`,
      false,
      "Restore Redis' data from a copy; the log before this position is intact.",
      { cause },
    );
  }
}
