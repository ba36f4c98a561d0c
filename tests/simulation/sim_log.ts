/** The log as it stands, read around the network after each step: what came, and what a Redis that was put back has lost. */
import { recordedFrom } from "../../adapters/embedded/stored_events.ts";
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

const LOG = new RedisKeys(NAMESPACE).log;
const PAGE = 1_000;

export class SimLog {
  /** Every event that is in the log now, in order. */
  readonly events: RecordedEvent[] = [];

  constructor(private readonly cluster: Cluster) {}

  /** What was added since the last call. */
  news(): RecordedEvent[] {
    const { redis, tables } = this.cluster;
    const added = redis
      ? entriesAfter(redis.keyspace, this.head).map(eventOf)
      : tables.events.after(Number.parseInt(this.head), PAGE).map(recordedFrom);
    this.events.push(...added);
    return added;
  }

  /** The whole log, read once more from its start. */
  whole(): RecordedEvent[] {
    const { redis, tables } = this.cluster;
    return redis
      ? entriesAfter(redis.keyspace, START).map(eventOf)
      : tables.events.after(0, this.events.length + 1).map(recordedFrom);
  }

  /** Forgets what is in the log no more; gives it. To be called when Redis was put back, before it goes on. */
  dropLost(): RecordedEvent[] {
    const { redis } = this.cluster;
    if (!redis) return [];
    const there = new Set(entriesAfter(redis.keyspace, START).map(([position]) => position));
    const kept = this.events.findIndex(({ position }) => !there.has(position));
    return kept < 0 ? [] : this.events.splice(kept);
  }

  private get head(): Position {
    return this.events.at(-1)?.position ?? START;
  }
}

function entriesAfter(keyspace: Keyspace, position: Position): StreamEntry[] {
  const after = comparePositions(position, START) === 0 ? "-" : `(${position}`;
  return execute(keyspace, ["XRANGE", LOG, after, "+"], 0) as StreamEntry[];
}
