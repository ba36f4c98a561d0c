/** What every log refuses, whatever it is kept in: batches that contradict themselves or are too large, calls after its end. */
import { OperationalError } from "./errors.ts";
import { type AppendBatch, HISTORY_MAX } from "./event_log.ts";

/** Bounds of one batch: a longer one would hold up everybody else's. `traps.md` 19. */
export const BATCH_EVENTS_MAX = 64;
/** Holds a configuration twice (`CONFIGURATION_BYTES_MAX`), with all that goes along. */
export const BATCH_BYTES_MAX = 256 * 1024;

/** @throws {Error} for a batch that contradicts itself: a bug of its maker */
export function assertConsistent(batch: AppendBatch): void {
  if (batch.events.length === 0) throw new Error("a batch needs at least one event");
  for (const { eventIndex } of batch.ends) {
    if (!batch.events[eventIndex]) {
      throw new Error(`a batch has no event ${eventIndex} to end with`);
    }
  }
  const ids = new Set<string>();
  for (const { messageId, instanceId } of batch.commands) {
    if (instanceId !== batch.instanceId) throw new Error(`${messageId} is for another instance`);
    if (ids.has(messageId)) throw new Error(`${messageId} is twice in the batch`);
    ids.add(messageId);
  }
}

/**
 * @param texts the batch's events and commands as JSON
 * @throws {OperationalError} `batch_too_large`
 */
export function assertSmallEnough(
  { events, commands }: AppendBatch,
  metaText: string,
  texts: readonly string[],
): void {
  let length = metaText.length * events.length;
  for (const text of texts) length += text.length;
  const isShort = events.length <= BATCH_EVENTS_MAX && commands.length <= BATCH_EVENTS_MAX;
  if (isShort && length <= BATCH_BYTES_MAX) return;
  throw new OperationalError(
    "batch_too_large",
    `One request makes ${events.length} events of about ${
      Math.ceil(length / 1024)
    } KiB; the most is ${BATCH_EVENTS_MAX} events and ${BATCH_BYTES_MAX / 1024} KiB.`,
    false,
    "Make the configuration smaller, or split the request.",
  );
}

/** @throws {Error} for a page of a history that is none, or too large: a bug of whoever asks */
export function assertPage(limit: number): void {
  if (limit < 1 || limit > HISTORY_MAX) {
    throw new Error(`a page of a history has no ${limit} events`);
  }
}

/** What every call gets once the log is closed. */
export function logClosed(): OperationalError {
  return new OperationalError(
    "log_closed",
    "The log is closed.",
    false,
    "The process is stopping; ask again when it has started anew.",
  );
}
