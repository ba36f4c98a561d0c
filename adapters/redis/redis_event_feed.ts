/**
 * Tails of the log in this process: one blocking reader for all of them, and each listener gets every event after its
 * position, in order, once. Pub/sub is not used for it: what it loses, the stream still has. `traps.md` 24, 30.
 */
import type { Clock } from "../../events/clock.ts";
import { sleep } from "../../events/clock.ts";
import { comparePositions, type Position, type RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Subscription } from "../../events/event_log.ts";
import { logClosed } from "../../events/log_refusals.ts";
import { eventsAfter } from "./log_reading.ts";
import type { RedisConnection, Role } from "./redis_connection.ts";
import { type RedisLink, send } from "./redis_link.ts";
import { eventOf, type StreamEntry } from "./stored_entries.ts";
import { lookAtLog, type SeenEvents } from "./seen_events.ts";

const PAGE = 1_000;
/** A blocking read is finite, and one that does not come back after it is given up with its connection. */
const BLOCK_MS = 1_000;
const STUCK_AFTER_MS = 4_000;
const RETRY_MS = 100;
/** After a read as new as this nothing that is unread can have been cut. */
const SURE_FOR_MS = 5_000;

interface Tail {
  listener: (events: RecordedEvent[]) => void;
  /** Everything up to here was handed over. */
  cursor: Position;
  /** What came while it was catching up; null once it has. */
  waiting: RecordedEvent[][] | null;
  closed: boolean;
}

export class RedisEventFeed {
  private readonly tails = new Set<Tail>();
  private readonly closing = new AbortController();
  private reader: RedisConnection | null = null;
  /** Up to where the reader has read. */
  private cursor: Position | null = null;
  private reading: Promise<void> | null = null;
  /** When all up to the log's end was read last, by the monotonic clock; null: not by this connection. */
  private readAllAt: number | null = null;
  /** Why nothing after the cursor can be read by this release: nothing is passed over, so reading has ended. */
  private unreadable: OperationalError | null = null;

  constructor(
    private readonly link: RedisLink,
    private readonly clock: Clock,
    private readonly seen: SeenEvents,
    private readonly head: () => Promise<Position>,
    private readonly onBug: (error: unknown) => void,
  ) {}

  /** See `EventLog.tail`. */
  async open(
    after: Position,
    listener: (events: RecordedEvent[]) => void,
    signal?: AbortSignal,
  ): Promise<Subscription> {
    const tail: Tail = { listener, cursor: after, waiting: [], closed: signal?.aborted ?? false };
    const close = () => {
      tail.closed = true;
      this.tails.delete(tail);
      signal?.removeEventListener("abort", close);
    };
    signal?.addEventListener("abort", close);
    try {
      await this.start();
      // From here on what the reader reads waits for it; what lies before is read in pages.
      if (!tail.closed) this.tails.add(tail);
      await this.catchUp(tail, this.cursor!);
    } catch (error) {
      close();
      throw error;
    }
    return { close };
  }

  /** Up to where the log was read, or found when the reading began; null before. */
  get position(): Position | null {
    return this.cursor;
  }

  /** After a rollback: the reader's position may be beyond the log's end, so it begins at the end that there is. */
  restartAt(head: Position): void {
    this.cursor = head;
    this.unreadable = null;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.tails.clear();
    this.letGo();
    await this.reading;
  }

  private async start(): Promise<void> {
    if (this.closing.signal.aborted) throw logClosed();
    if (this.unreadable) throw this.unreadable;
    this.cursor ??= await this.head();
    this.reading ??= this.readOn();
  }

  private async catchUp(tail: Tail, joinedAt: Position): Promise<void> {
    while (!tail.closed) {
      const events = await eventsAfter(this.link, tail.cursor, PAGE);
      this.seen.add(events.slice(-1));
      if (events.length > 0) hand(tail, events);
      if (events.length === PAGE && comparePositions(tail.cursor, joinedAt) < 0) continue;
      const { waiting } = tail;
      tail.waiting = null;
      for (const some of waiting ?? []) if (!tail.closed) hand(tail, some);
      return;
    }
  }

  private async readOn(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      if (this.unreadable) {
        // Only a log that was put back can change that.
        await sleep(this.clock, BLOCK_MS, signal);
        continue;
      }
      try {
        await this.readOnce();
      } catch (error) {
        // Redis is away, or the connection is stuck: the stream still has what was not read.
        if (signal.aborted) return;
        this.letGo();
        this.readAllAt = null;
        if (!(error instanceof Error)) throw error;
        await sleep(this.clock, RETRY_MS, signal);
      }
    }
  }

  /**
   * Redis may be back with less before the connection for calls has noticed that it was away. What was appended since
   * must not be read before the loss is told: it would hide it.
   */
  private async openReader(): Promise<RedisConnection> {
    const { link, clock, seen } = this;
    const reader = await connected(link, clock, "tail");
    const ask = (command: string, ...args: string[]) =>
      within(clock, send(reader, command, args), STUCK_AFTER_MS);
    try {
      if (!await seen.isWhole(lookAtLog(link.keys, ask))) {
        link.doubt("the log was put back");
        throw new Error("away");
      }
      return reader;
    } catch (error) {
      link.letGo(reader);
      throw error;
    }
  }

  private letGo(): void {
    if (this.reader) this.link.letGo(this.reader);
    this.reader = null;
  }

  private async readOnce(): Promise<void> {
    if (this.link.away() !== null) throw new Error("away");
    const reader = this.reader ??= await this.openReader();
    const read = send(reader, "XREAD", [
      "COUNT",
      PAGE,
      "BLOCK",
      BLOCK_MS,
      "STREAMS",
      this.link.keys.log,
      this.cursor!,
    ]);
    const from = this.cursor;
    const answer = await within(this.clock, read, BLOCK_MS + STUCK_AFTER_MS);
    // A rollback was found meanwhile: what was read stands on a position that is no more.
    if (this.cursor !== from) return;
    if (await this.hasPassedOver(reader, from!)) return;
    const entries = (answer as [string, StreamEntry[]][] | null)?.[0]?.[1] ?? [];
    this.readAllAt = entries.length < PAGE ? this.clock.monotonic() : null;
    const { events, fault } = readable(entries);
    if (events.length > 0) {
      this.cursor = events.at(-1)!.position;
      this.publish(events);
    }
    if (!fault) return;
    this.unreadable = fault;
    this.tails.clear();
    this.link.tell({ kind: "unreadable", error: fault });
  }

  /** Whether the log was cut beyond the cursor while this process was away or slow. Then all is told to fold anew. */
  private async hasPassedOver(reader: RedisConnection, from: Position): Promise<boolean> {
    const { clock, link } = this;
    if (this.readAllAt !== null && clock.monotonic() - this.readAllAt < SURE_FOR_MS) return false;
    const read = send(reader, "HGET", [link.keys.meta, "cut"]);
    const cut = await within(clock, read, STUCK_AFTER_MS) as string | null;
    if (cut === null || comparePositions(cut, from) <= 0) return false;
    const head = await this.head();
    this.restartAt(head);
    link.tell({ kind: "gap", head });
    return true;
  }

  private publish(events: RecordedEvent[]): void {
    this.seen.add(events);
    // Shared by all listeners: one that sorts or fills it in place would spoil it for the next.
    Object.freeze(events);
    for (const tail of [...this.tails]) {
      if (tail.waiting) {
        tail.waiting.push(events);
        continue;
      }
      try {
        if (!tail.closed) hand(tail, events);
      } catch (error) {
        // A listener that throws has a bug: it loses its tail, and the process hears of it.
        this.tails.delete(tail);
        this.onBug(error);
      }
    }
  }
}

/** The events up to the first that this release cannot read, and why it cannot. */
function readable(
  entries: readonly StreamEntry[],
): { events: RecordedEvent[]; fault: OperationalError | null } {
  const events: RecordedEvent[] = [];
  for (const entry of entries) {
    try {
      events.push(eventOf(entry));
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      return { events, fault: error };
    }
  }
  return { events, fault: null };
}

function hand(tail: Tail, events: RecordedEvent[]): void {
  let first = 0;
  while (first < events.length && comparePositions(events[first]!.position, tail.cursor) <= 0) {
    first++;
  }
  if (first === events.length) return;
  tail.cursor = events.at(-1)!.position;
  tail.listener(first === 0 ? events : events.slice(first));
}

/** A connection for blocking reads, once it is there; none is opened while Redis is away. */
export async function connected(
  link: RedisLink,
  clock: Clock,
  role: Role,
): Promise<RedisConnection> {
  const away = link.away();
  if (away !== null) throw new Error(away);
  const client = link.open(role);
  if (client.status === "ready") return client;
  const ready = new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    client.once("close", () => reject(new Error("the connection is lost")));
  });
  try {
    await within(clock, ready, STUCK_AFTER_MS);
    return client;
  } catch (error) {
    link.letGo(client);
    throw error;
  }
}

/** The answer, or an error when it does not come in time. */
export function within<T>(clock: Clock, answer: Promise<T>, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => reject(new Error(`no answer within ${limitMs} ms`)));
    answer.then(resolve, reject).finally(cancel);
  });
}
