/** Tails of the log: each listener gets every event after its position, in order, once. */
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import type { Subscription } from "../../events/event_log.ts";
import type { Defer } from "./group_commit.ts";
import { eventsAfter, sequenceOf } from "./stored_events.ts";
import type { Tables } from "./tables.ts";

/**
 * Events read at once while a tail catches up; between two reads others get their turn. It begins with few and takes
 * twice as many each time: a listener that wants no more after a few large ones has not cost a thousand.
 */
const CATCH_UP_FIRST = 64;
const CATCH_UP_MAX = 1_024;

interface Tail {
  listener: (events: RecordedEvent[]) => void;
  /** Everything up to here was handed over. */
  cursor: number;
  closed: boolean;
}

export class EventFeed {
  readonly #live = new Set<Tail>();

  /** `assertOpen` throws once the log is closed. */
  constructor(
    private readonly tables: Tables,
    private readonly defer: Defer,
    private readonly assertOpen: () => void,
  ) {}

  /**
   * Begins a tail; resolves when it has caught up with the log, and hears of each commit as it happens. An abort of
   * `signal` ends it, also in the midst of catching up: what nobody wants any more is not read.
   */
  async open(
    after: Position,
    listener: (events: RecordedEvent[]) => void,
    signal?: AbortSignal,
  ): Promise<Subscription> {
    const tail: Tail = { listener, cursor: sequenceOf(after), closed: signal?.aborted ?? false };
    const close = () => {
      tail.closed = true;
      this.#live.delete(tail);
      signal?.removeEventListener("abort", close);
    };
    signal?.addEventListener("abort", close);
    try {
      await this.#catchUp(tail);
    } catch (error) {
      close();
      throw error;
    }
    return { close };
  }

  /** Hands over what was committed. A listener that throws has a bug: it loses its tail, and the process hears of it. */
  publish(events: RecordedEvent[]): void {
    if (events.length === 0 || this.#live.size === 0) return;
    // Shared by all listeners: one that sorts or fills it in place would spoil it for the next.
    Object.freeze(events);
    for (const tail of [...this.#live]) {
      try {
        if (!tail.closed) hand(tail, events);
      } catch (error) {
        this.#live.delete(tail);
        this.defer(() => {
          throw error;
        });
      }
    }
  }

  close(): void {
    this.#live.clear();
  }

  async #catchUp(tail: Tail): Promise<void> {
    for (let page = CATCH_UP_FIRST; !tail.closed; page = Math.min(2 * page, CATCH_UP_MAX)) {
      this.assertOpen();
      const events = eventsAfter(this.tables, tail.cursor, page);
      if (events.length > 0) hand(tail, events);
      if (events.length < page) {
        // In the same turn as the read that found nothing more: no commit can come between.
        if (!tail.closed) this.#live.add(tail);
        return;
      }
      await new Promise<void>((resolve) => this.defer(resolve));
    }
  }
}

function hand(tail: Tail, events: RecordedEvent[]): void {
  const last = sequenceOf(events.at(-1)!.position);
  if (last <= tail.cursor) return;
  const first = sequenceOf(events[0]!.position);
  // A tail from a position that the log has not reached yet.
  const fresh = first > tail.cursor ? events : events.slice(tail.cursor - first + 1);
  tail.cursor = last;
  tail.listener(fresh);
}
