/** How a node comes to know the fleet: the newest snapshot, the rest of the log, then its tail. Design §3. */
import { comparePositions, type Position, type RecordedEvent } from "../events/envelope.ts";
import type { EventLog, LogRetention, Subscription } from "../events/event_log.ts";
import type { JsonObject } from "../events/json.ts";
import { restoreState, STATE_SCHEMA } from "../machines/evolve.ts";
import type { InstanceTable } from "./instance_table.ts";
import { beginningOf, isTruncated } from "./log_beginning.ts";

/** Events are read in pages of this many: large enough to be fast, small enough to keep memory flat. */
const PAGE = 2_000;

/** What a recovery did, for the log line at start. */
export interface Recovered {
  fromSnapshot: number;
  events: number;
  tail: Subscription;
}

export interface RecoveryParts {
  log: EventLog;
  retention: LogRetention;
  table: InstanceTable;
  /** Given every batch of the tail, also after the recovery. */
  fold(events: readonly RecordedEvent[]): void;
  /** A snapshot from after this position is of a history that is lost; null: any that the log reaches may be used. */
  trustedUpTo: Position | null;
}

/**
 * Fills the table and keeps it filled. A snapshot that does not fit (shape, a position that the log does not have or
 * has cut) is dropped: the log alone gives the same states.
 */
export async function recover(parts: RecoveryParts): Promise<Recovered> {
  const { log, table, fold } = parts;
  let fromSnapshot = await restoreSnapshot(parts);
  if (!await canReadAfter(log, table.position)) {
    if (fromSnapshot > 0) await dropSnapshot(parts);
    fromSnapshot = 0;
    table.restoredUpTo(await beginningOf(log));
  }
  const events = await foldRest(log, table);
  // Baselines stand in the order in which they were written.
  if (fromSnapshot === 0) table.sortByCreation();
  const tail = await log.tail(table.position, fold);
  return { fromSnapshot, events, tail };
}

/** Folds what comes after the table's position; gives how many events. The next page is on its way meanwhile. */
async function foldRest(log: EventLog, table: InstanceTable): Promise<number> {
  let events = 0;
  let page = await log.read(table.position, PAGE);
  for (;;) {
    const isLast = page.length < PAGE;
    const next = isLast ? null : log.read(page.at(-1)!.position, PAGE);
    table.fold(page);
    events += page.length;
    if (next === null) return events;
    page = await next;
  }
}

async function canReadAfter(log: EventLog, position: Position): Promise<boolean> {
  try {
    await log.read(position, 1);
    return true;
  } catch (error) {
    if (isTruncated(error)) return false;
    throw error;
  }
}

async function restoreSnapshot(parts: RecoveryParts): Promise<number> {
  const { log, retention, table, trustedUpTo } = parts;
  const snapshot = await retention.loadSnapshot();
  if (!snapshot) return 0;
  const head = await log.head();
  const last = trustedUpTo !== null && comparePositions(trustedUpTo, head) < 0 ? trustedUpTo : head;
  if (snapshot.schema !== STATE_SCHEMA || comparePositions(snapshot.position, last) > 0) {
    await retention.dropSnapshot();
    return 0;
  }
  for (const text of snapshot.states) table.restore(restoreState(JSON.parse(text) as JsonObject));
  table.restoredUpTo(snapshot.position);
  return snapshot.states.length;
}

async function dropSnapshot({ retention, table }: RecoveryParts): Promise<void> {
  await retention.dropSnapshot();
  table.reset();
}
