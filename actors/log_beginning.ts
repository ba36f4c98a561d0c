/** Where the log begins: after a cut that is no longer `START`. */
import { type Position, START } from "../events/envelope.ts";
import { OperationalError } from "../events/errors.ts";
import type { EventLog } from "../events/event_log.ts";

/**
 * The position to read from to get the first event that there is. A log that was cut names it in the hint of
 * `log_truncated`: that a read as the hint says gives the first event is part of the port's contract.
 */
export async function beginningOf(log: EventLog): Promise<Position> {
  try {
    await log.read(START, 1);
    return START;
  } catch (error) {
    if (!isTruncated(error)) throw error;
    const position = /\d+-\d+/.exec(error.hint)?.[0];
    if (position === undefined) throw new Error("log_truncated names no position to read from");
    return position;
  }
}

/** Whether `error` says that events after a position were cut. */
export function isTruncated(error: unknown): error is OperationalError {
  return error instanceof OperationalError && error.code === "log_truncated";
}
