/** How a node comes to know the fleet: the newest snapshot, the rest of the log, then its tail. Design §3. */
import { comparePositions, START } from "../events/envelope.ts";
import type { EventLog, LogRetention, Subscription } from "../events/event_log.ts";
import type { JsonObject } from "../events/json.ts";
import { restoreState, STATE_SCHEMA, storedState } from "../machines/evolve.ts";
import type { InstanceTable } from "./instance_table.ts";

/** Events are read in pages of this many: large enough to be fast, small enough to keep memory flat. */
const PAGE = 2_000;

/** What a recovery did, for the log line at start. */
export interface Recovered {
  fromSnapshot: number;
  events: number;
  tail: Subscription;
}

/**
 * Fills `table` and keeps it filled. A snapshot that does not fit (shape, or a position that the log does not have)
 * is dropped: the log alone gives the same states.
 */
export async function recover(
  log: EventLog,
  retention: LogRetention,
  table: InstanceTable,
): Promise<Recovered> {
  const fromSnapshot = await restoreSnapshot(log, retention, table);
  let events = 0;
  for (;;) {
    const page = await log.read(table.position, PAGE);
    table.fold(page);
    events += page.length;
    if (page.length < PAGE) break;
  }
  const tail = await log.tail(table.position, (tailed) => table.fold(tailed));
  return { fromSnapshot, events, tail };
}

async function restoreSnapshot(
  log: EventLog,
  retention: LogRetention,
  table: InstanceTable,
): Promise<number> {
  const snapshot = await retention.loadSnapshot();
  if (!snapshot) return 0;
  if (
    snapshot.schema !== STATE_SCHEMA || comparePositions(snapshot.position, await log.head()) > 0
  ) {
    await retention.dropSnapshot();
    return 0;
  }
  for (const text of snapshot.states) table.restore(restoreState(JSON.parse(text) as JsonObject));
  table.restoredUpTo(snapshot.position);
  return snapshot.states.length;
}

/** Saves what `table` has folded so far; a no-op for an empty table. */
export async function saveSnapshot(
  retention: LogRetention,
  table: InstanceTable,
  fence: number,
): Promise<void> {
  if (table.position === START) return;
  const states = [...table.all()].map((state) => JSON.stringify(storedState(state)));
  await retention.saveSnapshot({ position: table.position, schema: STATE_SCHEMA, states }, fence);
}
