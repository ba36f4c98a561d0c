/**
 * Where a client of the event stream has come to, as the id of a message: `epoch:position`. The epoch is a digest of the
 * event at that position, so that a place in another history (a log that was put back, restored from a copy, or is
 * another one) is found out whoever asks, with nothing kept. Design §6.
 */
import type { InstanceSystem } from "../actors/system_port.ts";
import { comparePositions, isPosition, type Position, START } from "../events/envelope.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";

/** What a client says of where it is; a bare position has no epoch. */
export interface GivenPlace {
  epoch: string | null;
  position: Position;
}

/** A place that was found in the log. */
export interface Place {
  id: string;
  position: Position;
}

/** The id of a message about `event`. */
export function eventId(event: RecordedEvent): string {
  return `${epochOf(event)}:${event.position}`;
}

/** What an id, or a bare position, says; null when it is neither. */
export function readEventId(text: string): GivenPlace | null {
  if (isPosition(text)) return { epoch: null, position: text };
  const [, epoch, position = ""] = /^([0-9a-f]{8}):(.*)$/.exec(text) ?? [];
  return epoch !== undefined && isPosition(position) ? { epoch, position } : null;
}

/**
 * The place in this log; null when it is none of it: the log does not reach so far, or has another event there.
 * @throws {OperationalError} as `InstanceSystem.read`
 */
export async function findPlace(
  system: InstanceSystem,
  { epoch, position }: GivenPlace,
): Promise<Place | null> {
  const bare = { id: position, position };
  if (position === START) return bare;
  const next = await firstFrom(system, position);
  if (next === "cut") return bare;
  if (next === undefined) return null;
  if (comparePositions(next.position, position) > 0) return epoch === null ? bare : null;
  return epoch === null || epoch === epochOf(next) ? { id: eventId(next), position } : null;
}

/** The first event at a position or after it. `cut`: what was at it is gone, and cannot be compared any more. */
async function firstFrom(
  system: InstanceSystem,
  position: Position,
): Promise<RecordedEvent | undefined | "cut"> {
  try {
    return (await system.read(justBefore(position), 1))[0];
  } catch (error) {
    if (error instanceof OperationalError && error.code === "log_truncated") return "cut";
    throw error;
  }
}

const MINOR_MAX = 999_999_999_999_999;

function justBefore(position: Position): Position {
  const [major = 0, minor = 0] = position.split("-").map(Number);
  return minor > 0 ? `${major}-${minor - 1}` : `${major - 1}-${MINOR_MAX}`;
}

/** FNV-1a, 32 bits: it is compared with one other value, by nobody who would want to deceive. */
function epochOf({ instanceId, version, type, at, meta }: RecordedEvent): string {
  const text = [instanceId, version, type, at, meta.requestId ?? ""].join(" ");
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}
