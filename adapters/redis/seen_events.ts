/** The newest events that this process was told of, so that a log that lost its end is noticed, and what it lost named. */
import {
  comparePositions,
  type Position,
  type RecordedEvent,
  START,
} from "../../events/envelope.ts";
import type { Rollback } from "../../events/event_log.ts";
import type { RedisKeys } from "./keys.ts";
import { eventOf, type StreamEntry } from "./stored_entries.ts";

/** More are not remembered: a greater loss is told as "at least". */
const SEEN_MAX = 8_192;

/** An event that was seen, as far as it takes to know it again. */
export interface Seen {
  position: Position;
  instanceId: string;
  identity: string;
}

/** What tells an event from another one at its position: a log that lost its end may give a position once more. */
export function identityOf({ instanceId, version, type, meta }: RecordedEvent): string {
  return `${instanceId} ${version} ${type} ${meta.requestId ?? ""}`;
}

export class SeenEvents {
  private readonly seen: Seen[] = [];

  /** Remembers events, in any order; each once. */
  add(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      const { position, instanceId } = event;
      this.insert({ position, instanceId, identity: identityOf(event) });
    }
    if (this.seen.length > 2 * SEEN_MAX) this.seen.splice(0, this.seen.length - SEEN_MAX);
  }

  /** Forgets everything: what was seen is no longer what there was. */
  clear(): void {
    this.seen.length = 0;
  }

  /** The newest of them; undefined when nothing was seen. */
  get newest(): Seen | undefined {
    return this.seen.at(-1);
  }

  /**
   * What is gone, found with few questions: a log loses its end, so what is left of what was seen is its beginning.
   * Null when nothing is missing.
   */
  async missing(
    isThere: IsThere,
    head: () => Promise<Position>,
  ): Promise<Rollback | null> {
    const { newest } = this;
    if (!newest || await isThere(newest)) return null;
    const seen = [...this.seen];
    let [left, right] = [0, seen.length - 1];
    while (left < right) {
      const middle = (left + right) >> 1;
      if (await isThere(seen[middle]!)) left = middle + 1;
      else right = middle;
    }
    const lost = seen.slice(left);
    return {
      lostEvents: lost.length,
      instanceIds: [...new Set(lost.map(({ instanceId }) => instanceId))],
      head: await head(),
    };
  }

  private insert(one: Seen): void {
    let at = this.seen.length;
    // The answer to an append and the tail tell of the same events at nearly the same time.
    while (at > 0 && comparePositions(this.seen[at - 1]!.position, one.position) > 0) at--;
    if (this.seen[at - 1]?.position !== one.position) this.seen.splice(at, 0, one);
  }
}

/** What tells whether the log has an event at a position, and that very one if its identity is given. */
export type IsThere = (event: Pick<Seen, "position"> & Partial<Seen>) => Promise<boolean>;

/** Looks at the log by `ask`, which asks Redis: what was cut counts as there. */
export function lookAtLog(
  keys: RedisKeys,
  ask: (command: string, ...args: string[]) => Promise<unknown>,
): IsThere {
  return async ({ position, identity }) => {
    const entries = await ask("XRANGE", keys.log, position, position) as StreamEntry[];
    if (entries.length > 0) {
      return entries.some((entry) =>
        identity === undefined || identityOf(eventOf(entry)) === identity
      );
    }
    // Asked only now: it may have been cut after it was decided to look for it.
    const cut = await ask("HGET", keys.meta, "cut") as string | null;
    return comparePositions(position, cut ?? START) <= 0;
  };
}
