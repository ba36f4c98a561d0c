/** Pages of the log, and what a page from before its beginning means. */
import {
  comparePositions,
  isPosition,
  type Position,
  type RecordedEvent,
} from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { RedisLink } from "./redis_link.ts";
import { eventOf, type StreamEntry } from "./stored_entries.ts";

/**
 * The first `limit` events after a position.
 * @throws {OperationalError} `log_truncated` when some of them were cut
 */
export async function eventsAfter(
  link: RedisLink,
  after: Position,
  limit: number,
): Promise<RecordedEvent[]> {
  if (!isPosition(after)) throw new Error(`not a position: ${after}`);
  const [entries, cut] = await Promise.all([
    link.ask("XRANGE", link.keys.log, `(${after}`, "+", "COUNT", limit),
    // After the page on the same connection: a cut that comes between them is seen.
    link.ask("HGET", link.keys.meta, "cut"),
  ]) as [StreamEntry[], string | null];
  if (cut !== null && comparePositions(after, cut) < 0) throw await truncated(link, after, cut);
  return entries.map(eventOf);
}

async function truncated(link: RedisLink, after: Position, cut: Position) {
  const [first] = await link.ask("XRANGE", link.keys.log, `(${cut}`, "+", "COUNT", 1) as [
    StreamEntry,
  ];
  return new OperationalError(
    "log_truncated",
    `The events after ${after} were cut; the first that there is: ${first?.[0] ?? "none"}.`,
    false,
    `Read from ${cut}, or begin with a snapshot.`,
  );
}
