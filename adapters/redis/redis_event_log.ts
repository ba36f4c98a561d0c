/** The `EventLog` port on a Redis stream. Design §3, §5. */
import { type Position, type RecordedEvent, START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type {
  AppendBatch,
  AppendOutcome,
  Durability,
  EventLog,
  EventPlace,
  KeyRecord,
  Latest,
  Subscription,
} from "../../events/event_log.ts";
import { CURRENT_SCHEMA } from "../../events/instance_events.ts";
import { assertConsistent, assertPage } from "../../events/log_refusals.ts";
import { prepared, type PreparedBatch } from "./prepared_batch.ts";
import type { RedisEventFeed } from "./redis_event_feed.ts";
import type { OfferedSchemas } from "./offered_schemas.ts";
import type { RedisLink } from "./redis_link.ts";
import type { SeenEvents } from "./seen_events.ts";
import { eventsAfter } from "./log_reading.ts";
import { timeOf, type ToldEvent, toldEvent } from "./stored_entries.ts";

/** More missed events than this are read anew by the caller. */
const MISSED_MAX = 500;
/** Events of one instance that one call of the function `history` gives at most. */
const WALK_PAGE = 500;

/** What the log is made of. */
export interface LogParts {
  link: RedisLink;
  feed: RedisEventFeed;
  seen: SeenEvents;
  /** Where each command that an append ends is, as far as this process knows. */
  streamsOf(commandIds: readonly string[]): Promise<string[]>;
  /** What every live node reads. */
  offered: OfferedSchemas;
  durability(): Promise<Durability>;
  close(): Promise<void>;
}

export class RedisEventLog implements EventLog {
  constructor(private readonly parts: LogParts) {}

  async append(batch: AppendBatch): Promise<AppendOutcome> {
    assertConsistent(batch);
    const { link, offered } = this.parts;
    // Made at once: what a caller changes later does not reach the log.
    const made = prepared(batch, link.keys, offered.writable);
    const ending = batch.ends.length > 0
      ? await this.parts.streamsOf(batch.ends.map(({ commandId }) => commandId))
      : [];
    const answer = await retriedWithKeys(
      (missing) => link.write(made.step, [...made.keys, ...ending, ...missing], made.args),
    );
    return await this.outcome(made, answer as string[]);
  }

  async read(after: Position, limit: number): Promise<RecordedEvent[]> {
    const events = await eventsAfter(this.parts.link, after, limit);
    // Whoever reads may fold it before the tail comes to it: its end is enough to notice that it is gone.
    this.parts.seen.add(events.slice(-1));
    return events;
  }

  tail(
    after: Position,
    listener: (events: RecordedEvent[]) => void,
    signal?: AbortSignal,
  ): Promise<Subscription> {
    return this.parts.feed.open(after, listener, signal);
  }

  async history(
    instanceId: string,
    limit: number,
    before: number | EventPlace = Infinity,
  ): Promise<RecordedEvent[]> {
    assertPage(limit);
    if (typeof before === "number") return await this.walk(instanceId, limit, before);
    if (before.previous === null) return [];
    const events = await this.walk(instanceId, limit, Infinity, 0, before.previous);
    const newest = events.at(-1);
    return newest?.instanceId === instanceId && newest.version === before.version - 1
      ? events
      // It was cut, or is not of this log: then the walk from the newest event says what there is.
      : await this.walk(instanceId, limit, before.version);
  }

  async findKey(key: string): Promise<KeyRecord | null> {
    const { link } = this.parts;
    const text = await link.ask("GET", link.keys.idempotencyKey(key)) as string | null;
    return text === null ? null : { key, ...JSON.parse(text) };
  }

  async latest(instanceId: string): Promise<Latest> {
    const { link } = this.parts;
    const text = await link.ask("HGET", link.keys.versions, instanceId) as string | null;
    // As `shared.lua` writes it: version, generation, last position, …
    const [version = "0", , position = START] = (text ?? "").split(" ");
    return { version: Number(version), position };
  }

  async head(): Promise<Position> {
    const { link } = this.parts;
    const newest = await link.ask("XREVRANGE", link.keys.log, "+", "-", "COUNT", 1);
    return (newest as [string, string[]][])[0]?.[0] ?? START;
  }

  durability(): Promise<Durability> {
    return this.parts.durability();
  }

  close(): Promise<void> {
    return this.parts.close();
  }

  private async outcome(made: PreparedBatch, answer: string[]): Promise<AppendOutcome> {
    const { batch } = made;
    switch (answer[0]) {
      case "appended": {
        const [, previous = START, ...positions] = answer;
        const events = positions.map((position, index) =>
          this.recorded(made, index, position, index === 0 ? previous : positions[index - 1]!)
        );
        this.parts.seen.add(events);
        return { kind: "appended", events };
      }
      case "conflict": {
        const version = Number(answer[1]);
        const below = Math.min(version, batch.expectedVersion + MISSED_MAX) + 1;
        const missed = version > batch.expectedVersion
          ? await this.walk(batch.instanceId, MISSED_MAX, below, batch.expectedVersion)
          : [];
        this.parts.seen.add(missed);
        return { kind: "conflict", version, missed };
      }
      case "forked":
        return { kind: "forked", version: Number(answer[1]) };
      case "notDue":
        return { kind: "notDue", dueInMs: Number(answer[1]) };
      case "duplicate": {
        const [, digest = "", instanceId = "", version] = answer;
        const key = batch.meta.idempotency!.key;
        return { kind: "duplicate", record: { key, digest, instanceId, version: Number(version) } };
      }
      case "full":
        throw queueFull(Number(answer[1]));
      default:
        throw new Error(`append answered ${answer[0]}`);
    }
  }

  private recorded(
    { batch, meta, dataOf }: PreparedBatch,
    index: number,
    position: Position,
    previous: Position,
  ): RecordedEvent {
    const { type } = batch.events[index]!;
    return {
      type,
      data: dataOf(index),
      position,
      previous: previous === START ? null : previous,
      instanceId: batch.instanceId,
      version: batch.expectedVersion + index + 1,
      schema: CURRENT_SCHEMA[type],
      at: timeOf(position),
      meta,
    } as RecordedEvent;
  }

  /** The last events of an instance with versions below and above these, oldest first; `from` its newest by default. */
  private async walk(
    instanceId: string,
    limit: number,
    below: number,
    above = 0,
    from = "",
  ): Promise<RecordedEvent[]> {
    const found: RecordedEvent[] = [];
    const belowText = below === Infinity ? Number.MAX_SAFE_INTEGER : below;
    for (;;) {
      const page = Math.min(limit - found.length, WALK_PAGE);
      const args = [instanceId, page, belowText, above, from];
      const answer = await this.parts.link.read("history", args);
      const [next, ...events] = answer as [string, ...ToldEvent[]];
      found.push(...events.map(toldEvent));
      if (next === "") {
        if (events.length < page || found.length >= limit) return found.reverse();
        from = events.at(-1)![7];
        if (from === START) return found.reverse();
      } else from = next;
      if (found.length >= limit) return found.reverse();
    }
  }
}

function queueFull(commands: number): OperationalError {
  return new OperationalError(
    "queue_full",
    `${commands} commands wait for workers or are in work; nothing was done.`,
    true,
    "Ask again when some are done, or start more workers.",
  );
}

/** Calls a function that may name a key it was not given; twice, since what it names can move meanwhile. */
export async function retriedWithKeys(
  call: (missing: string[]) => Promise<unknown>,
): Promise<unknown> {
  const missing: string[] = [];
  for (let tries = 0; tries < 3; tries++) {
    const answer = await call(missing);
    if (!Array.isArray(answer) || answer[0] !== "keys") return answer;
    missing.push(answer[1]);
  }
  throw new OperationalError(
    "log_contended",
    "A command is being moved again and again; nothing was done.",
    true,
    "Ask again in a moment.",
  );
}
