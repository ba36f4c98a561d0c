/** The log as it stands, read around the network after each step: what came, and what a Redis that was put back has lost. */
import { positionOf, recordedFrom, sequenceOf } from "../../adapters/embedded/stored_events.ts";
import { eventOf, type StreamEntry } from "../../adapters/redis/stored_entries.ts";
import {
  comparePositions,
  type Position,
  type RecordedEvent,
  START,
} from "../../events/envelope.ts";
import { RedisKeys } from "../../adapters/redis/keys.ts";
import { type Cluster, NAMESPACE } from "./cluster.ts";
import { execute } from "./redis/execute.ts";
import type { Keyspace } from "./redis/keyspace.ts";

const { log: LOG, meta: META } = new RedisKeys(NAMESPACE);
const PAGE = 1_000;

export class SimLog {
  /** Every event that is in the log now, in order. */
  readonly events: RecordedEvent[] = [];

  /** In the stream, as of the last look. */
  private newest: object | undefined;

  constructor(private readonly cluster: Cluster) {}

  /** What was added since the last call. */
  news(): RecordedEvent[] {
    const { redis, tables } = this.cluster;
    // After most steps there is nothing new.
    const newest = redis?.keyspace.find(LOG, "stream", 0)?.entries.at(-1);
    if (redis && newest === this.newest) return [];
    this.newest = newest;
    const added = redis
      ? entriesAfter(redis.keyspace, this.head).map(eventOf)
      : tables.events.after(Number.parseInt(this.head), PAGE).map(recordedFrom);
    this.events.push(...added);
    return added;
  }

  /** All that the log has, read once more from its start. */
  whole(): RecordedEvent[] {
    const { redis, tables } = this.cluster;
    return redis
      ? entriesAfter(redis.keyspace, START).map(eventOf)
      : tables.events.after(0, this.events.length + 1).map(recordedFrom);
  }

  /**
   * Forgets what is in the log no more, but for what was cut; gives it. To be called when Redis was put back, before it
   * goes on.
   */
  dropLost(): RecordedEvent[] {
    const { redis } = this.cluster;
    if (!redis) return [];
    const there = new Set(entriesAfter(redis.keyspace, START).map(([position]) => position));
    const { cut } = this;
    const isGone = ({ position }: RecordedEvent) =>
      comparePositions(position, cut) > 0 && !there.has(position);
    const lost = this.events.filter(isGone);
    if (lost.length > 0) this.events.splice(this.events.indexOf(lost[0]!));
    return lost;
  }

  /** Up to here it was cut, and may have been; `START` when nothing was. */
  get cut(): Position {
    const { redis, tables, cutBefore } = this.cluster;
    return redis
      ? execute(redis.keyspace, ["HGET", META, "cut"], 0) as string | null ?? START
      : positionOf(Math.max(0, Math.min(tables.events.bounds().first, sequenceOf(cutBefore)) - 1));
  }

  private get head(): Position {
    return this.events.at(-1)?.position ?? START;
  }
}

function entriesAfter(keyspace: Keyspace, position: Position): StreamEntry[] {
  const after = comparePositions(position, START) === 0 ? "-" : `(${position}`;
  return execute(keyspace, ["XRANGE", LOG, after, "+"], 0) as StreamEntry[];
}
