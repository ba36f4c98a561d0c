/** Brings one instance up to what the log has of it, where another node has appended and the tail is behind. Design §3. */
import type { RecordedEvent } from "../events/envelope.ts";
import { type EventLog, type EventPlace, HISTORY_MAX } from "../events/event_log.ts";
import { initialState } from "../machines/evolve.ts";
import { isForked, isLost, type LostHistory } from "./forks.ts";
import type { InstanceTable } from "./instance_table.ts";
import type { Reads } from "./reads.ts";
import { behindInstance } from "./refusals.ts";

export interface FreshnessParts {
  log: EventLog;
  table: InstanceTable;
  reads: Reads;
  /** Resolves when the log has been folded anew. */
  onHistoryLost(lost: LostHistory): Promise<void>;
}

/** More events of one instance than this are left to the tail. */
const MISSING_MAX = 8_192;

export class Freshness {
  constructor(private readonly parts: FreshnessParts) {}

  /**
   * Asks the log for the instance's version, and folds what is missing here. True when the table has changed by it, so
   * that what was decided on the state before must be decided anew.
   * @param deadline when the caller's time is over, by the monotonic clock
   */
  async catchUp(instanceId: string, deadline?: number): Promise<boolean> {
    const { log, table, reads } = this.parts;
    // Before the question: what the tail folds while the answer is on its way is not ahead of the log.
    const { foldings } = table;
    const seen = table.state(instanceId) ?? initialState(instanceId);
    const latest = await reads.run(() => log.latest(instanceId), deadline);
    if (isLost(seen, latest)) {
      await this.parts.onHistoryLost({ seen: seen.context, found: latest.version, foldings });
      return true;
    }
    const { version } = seen.context;
    if (latest.version === version) return table.versionOf(instanceId) > version;
    await this.foldUpTo(instanceId, latest.version, deadline);
    return true;
  }

  /**
   * Folds the instance's events up to a version that the log is known to have.
   * @throws {OperationalError} `behind` when that is very much: the tail is faster then
   */
  async foldUpTo(instanceId: string, version: number, deadline?: number): Promise<void> {
    const { log, table, reads } = this.parts;
    const pages: RecordedEvent[][] = [];
    let left = version - table.versionOf(instanceId);
    if (left > MISSING_MAX) throw behindInstance(instanceId);
    for (let before: number | EventPlace = version + 1; left > 0;) {
      const limit = Math.min(left, HISTORY_MAX);
      const page: RecordedEvent[] = await reads.run(
        () => log.history(instanceId, limit, before),
        deadline,
      );
      pages.push(page);
      left -= page.length;
      // Where the oldest were cut, a baseline further on stands for them.
      if (page.length < limit) break;
      before = page[0]!;
    }
    const { foldings } = table;
    for (const events of pages.reverse()) {
      const state = table.state(instanceId);
      if (state && isForked(state, events)) {
        const { context: seen } = state;
        return await this.parts.onHistoryLost({ seen, found: version, foldings });
      }
      for (const event of events) table.apply(event);
    }
    if (table.versionOf(instanceId) < version) throw behindInstance(instanceId);
  }
}
