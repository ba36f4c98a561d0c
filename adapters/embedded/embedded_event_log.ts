/** The `EventLog` port over the steps: writes go through the group commit, reads see what is committed. */
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import type {
  AppendBatch,
  AppendOutcome,
  Durability,
  EventLog,
  EventPlace,
  KeyRecord,
  Latest,
  LogAvailability,
  Subscription,
} from "../../events/event_log.ts";
import { assertPage } from "../../events/log_refusals.ts";
import type { EventFeed } from "./event_feed.ts";
import type { Defer, GroupCommit } from "./group_commit.ts";
import { append } from "./steps/append.ts";
import { eventsAfter, positionOf, recordedFrom, sequenceOf, walkBack } from "./stored_events.ts";
import type { EventRow, Tables } from "./tables.ts";

/** Events walked over in one turn of the event loop. */
const WALK_MAX = 256;

export class EmbeddedEventLog implements EventLog {
  constructor(
    private readonly tables: Tables,
    private readonly writes: GroupCommit,
    private readonly feed: EventFeed,
    private readonly defer: Defer,
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
    before: number | EventPlace = Infinity,
  ): Promise<RecordedEvent[]> {
    assertPage(limit);
    return this.walk(instanceId, limit, before);
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

  private async walk(
    instanceId: string,
    limit: number,
    before: number | EventPlace,
  ): Promise<RecordedEvent[]> {
    const [below, place] = typeof before === "number" ? [before] : [before.version, before];
    const walk = walkBack(this.tables, instanceId, place);
    const rows: EventRow[] = [];
    const isOver = () => {
      for (let walked = 0; walked < WALK_MAX; walked++) {
        const { value: row } = walk.next();
        if (!row) return true;
        if (row.version < below) rows.push(row);
        if (rows.length === limit) return true;
      }
      return false;
    };
    while (!await this.writes.read(isOver)) {
      await new Promise<void>((resolve) => this.defer(resolve));
    }
    return rows.reverse().map(recordedFrom);
  }
}

/** A log in the node's own process is never away: when its storage fails, the process ends. */
export const ALWAYS_AVAILABLE: LogAvailability = Object.freeze({
  away: () => null,
  watch: () => ({ close: () => {} }),
});
