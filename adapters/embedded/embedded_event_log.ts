/** The `EventLog` port over the steps: writes go through the group commit, reads see what is committed. */
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import type {
  AppendBatch,
  AppendOutcome,
  Durability,
  EventLog,
  KeyRecord,
  Latest,
  LogAvailability,
  Subscription,
} from "../../events/event_log.ts";
import type { EventFeed } from "./event_feed.ts";
import type { GroupCommit } from "./group_commit.ts";
import { append } from "./steps/append.ts";
import { eventsAfter, historyOf, positionOf, sequenceOf } from "./stored_events.ts";
import type { Tables } from "./tables.ts";

export class EmbeddedEventLog implements EventLog {
  constructor(
    private readonly tables: Tables,
    private readonly writes: GroupCommit,
    private readonly feed: EventFeed,
    private readonly closeBroker: () => Promise<void>,
  ) {}

  /** See the port. What is handed over is frozen: it is the log's from here on. */
  async append(batch: AppendBatch): Promise<AppendOutcome> {
    return this.writes.submit(append(batch));
  }

  read(after: Position, limit: number): Promise<RecordedEvent[]> {
    return this.writes.read(() => eventsAfter(this.tables, sequenceOf(after), limit));
  }

  tail(
    after: Position,
    listener: (events: RecordedEvent[]) => void,
    signal?: AbortSignal,
  ): Promise<Subscription> {
    return this.writes.read(() => this.feed.open(after, listener, signal));
  }

  history(
    instanceId: string,
    limit: number,
    beforeVersion = Infinity,
  ): Promise<RecordedEvent[]> {
    return this.writes.read(() => historyOf(this.tables, instanceId, limit, beforeVersion));
  }

  findKey(key: string): Promise<KeyRecord | null> {
    return this.writes.read(() => {
      const row = this.tables.keys.get(key);
      if (!row || row.expiresAt <= this.writes.now()) return null;
      const { expiresAt: _, ...record } = row;
      return record;
    });
  }

  latest(instanceId: string): Promise<Latest> {
    return this.writes.read(() => {
      const { version = 0, lastSequence = 0 } = this.tables.instances.get(instanceId) ?? {};
      return { version, position: positionOf(lastSequence) };
    });
  }

  head(): Promise<Position> {
    return this.writes.read(() => positionOf(this.writes.head.sequence));
  }

  durability(): Promise<Durability> {
    return this.writes.read(() => this.tables.durability());
  }

  close(): Promise<void> {
    return this.closeBroker();
  }
}

/** A log in the node's own process is never away: when its storage fails, the process ends. */
export const ALWAYS_AVAILABLE: LogAvailability = Object.freeze({
  away: () => null,
  watch: () => ({ close: () => {} }),
});
