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
/** So many of the newest are looked for, where none of them has an id of its own. */
const PROOF_MAX = 256;

/** An event that was seen, as far as it takes to know it again. */
export interface Seen {
  position: Position;
  instanceId: string;
  identity: string;
  /** A decision, which has an id that is never given again; a worker's fact may be told, and written, once more. */
  isUnique: boolean;
}

/** What tells an event from another one at its position: a log that lost its end may give a position once more. */
export function identityOf({ instanceId, version, type, meta, data }: RecordedEvent): string {
  const { commandId, attempt, observation, health, runtimeInfo, response } = data as Partial<Fact>;
  const runId = (runtimeInfo ?? response?.runtimeInfo)?.runId;
  const about = [commandId, attempt, observation, health, runId];
  return [instanceId, version, type, meta.requestId, ...about].join(" ");
}

/** What a worker's fact is about. */
interface Fact {
  commandId: string;
  attempt: number;
  observation: string;
  health: string;
  runtimeInfo: { runId: string };
  response: { runtimeInfo?: { runId: string } };
}

export class SeenEvents {
  private readonly seen: Seen[] = [];

  /** Remembers events, in any order; each once. */
  add(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      const { position, instanceId, meta } = event;
      const isUnique = meta.requestId !== undefined;
      this.insert({ position, instanceId, identity: identityOf(event), isUnique });
    }
    if (this.seen.length > 2 * SEEN_MAX) this.seen.splice(0, this.seen.length - SEEN_MAX);
  }

  /** Forgets everything: what was seen is no longer what there was. */
  clear(): void {
    this.seen.length = 0;
  }

  /**
   * Whether the log still has all of it. It loses its end, and what nobody can write twice proves all that lies before
   * it: so that one is looked for, and each fact after it.
   */
  async isWhole(isThere: IsThere): Promise<boolean> {
    return await isWhole(this.seen, isThere);
  }

  /** What is gone, found with few questions; null when nothing is. */
  async missing(
    isThere: IsThere,
    head: () => Promise<Position>,
  ): Promise<Rollback | null> {
    const seen = [...this.seen];
    if (await isWhole(seen, isThere)) return null;
    const lost = seen.slice(await firstGone(seen, isThere));
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

async function isWhole(seen: readonly Seen[], isThere: IsThere): Promise<boolean> {
  const proof = seen.slice(
    Math.max(0, seen.findLastIndex(({ isUnique }) => isUnique), seen.length - PROOF_MAX),
  );
  return (await Promise.all(proof.map(isThere))).every(Boolean);
}

/** A log loses its end, so of the decisions that were seen the first ones are left; then of the facts after the last. */
async function firstGone(seen: readonly Seen[], isThere: IsThere): Promise<number> {
  const decisions = [...seen.keys()].filter((index) => seen[index]!.isUnique);
  let [left, right] = [0, decisions.length];
  while (left < right) {
    const middle = (left + right) >> 1;
    if (await isThere(seen[decisions[middle]!]!)) left = middle + 1;
    else right = middle;
  }
  const from = left === 0 ? 0 : decisions[left - 1]! + 1;
  for (let at = from; at < seen.length; at += PROOF_MAX) {
    const found = await Promise.all(seen.slice(at, at + PROOF_MAX).map(isThere));
    const gone = found.indexOf(false);
    if (gone >= 0) return at + gone;
  }
  return seen.length - 1;
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
