/** The `EventLog` port over the steps: writes go through the group commit, reads see what is committed. */
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type {
  AppendBatch,
  AppendOutcome,
  Durability,
  EventLog,
  KeyRecord,
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

  async read(after: Position, limit: number): Promise<RecordedEvent[]> {
    this.writes.assertOpen();
    return eventsAfter(this.tables, sequenceOf(after), limit);
  }

  async tail(
    after: Position,
    listener: (events: RecordedEvent[]) => void,
  ): Promise<Subscription> {
    return await this.feed.open(after, listener);
  }

  async history(
    instanceId: string,
    limit: number,
    beforeVersion = Infinity,
  ): Promise<RecordedEvent[]> {
    this.writes.assertOpen();
    return historyOf(this.tables, instanceId, limit, beforeVersion);
  }

  async findKey(key: string): Promise<KeyRecord | null> {
    this.writes.assertOpen();
    const row = this.tables.keys.get(key);
    if (!row || row.expiresAt <= this.writes.now()) return null;
    const { expiresAt: _, ...record } = row;
    return record;
  }

  async head(): Promise<Position> {
    this.writes.assertOpen();
    return positionOf(this.writes.head.sequence);
  }

  async durability(): Promise<Durability> {
    this.writes.assertOpen();
    return this.tables.durability();
  }

  close(): Promise<void> {
    return this.closeBroker();
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
