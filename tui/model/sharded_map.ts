/** A map for a model that is never changed in place: a change copies a small part of it, not ten thousand entries. Pure. */

const SHARDS = 256;

/** Keys in the order of nothing; equal maps may share parts. */
export class ShardedMap<Value> {
  private constructor(
    private readonly shards: readonly ReadonlyMap<string, Value>[],
    readonly size: number,
  ) {}

  static of<Value>(entries: Iterable<readonly [string, Value]>): ShardedMap<Value> {
    const empty = new Map<string, Value>();
    return new ShardedMap<Value>(Array.from({ length: SHARDS }, () => empty), 0).with(entries);
  }

  get(key: string): Value | undefined {
    return this.shards[shardOf(key)]!.get(key);
  }

  /** A map with these entries put, or, where the value is undefined, removed. */
  with(entries: Iterable<readonly [string, Value | undefined]>): ShardedMap<Value> {
    const shards = [...this.shards];
    const own = new Map<number, Map<string, Value>>();
    for (const [key, value] of entries) {
      const at = shardOf(key);
      const shard = own.get(at) ?? new Map(shards[at]);
      own.set(at, shard);
      if (value === undefined) shard.delete(key);
      else shard.set(key, value);
    }
    let size = this.size;
    for (const [at, shard] of own) {
      size += shard.size - shards[at]!.size;
      shards[at] = shard;
    }
    return new ShardedMap(shards, size);
  }

  *values(): IterableIterator<Value> {
    for (const shard of this.shards) yield* shard.values();
  }

  *keys(): IterableIterator<string> {
    for (const shard of this.shards) yield* shard.keys();
  }
}

/** Spreads ids evenly: FNV-1a. */
function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % SHARDS;
}
