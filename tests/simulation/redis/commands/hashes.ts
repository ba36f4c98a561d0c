/** Hashes: fields and their values at a key. */
import type { Reply } from "../reply.ts";
import { type Command, notModelled, textAt, textsFrom } from "./words.ts";

export const HASH_COMMANDS: Readonly<Record<string, Command>> = {
  HGET: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      if (words.length !== 3) throw notModelled(words);
      return keyspace.find(textAt(words, 1), "hash", nowMs)?.fields.get(textAt(words, 2)) ?? null;
    },
  },
  HMGET: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const names = textsFrom(words, 2);
      const fields = keyspace.find(textAt(words, 1), "hash", nowMs)?.fields;
      return names.map((name) => fields?.get(name) ?? null);
    },
  },
  HGETALL: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      if (words.length !== 2) throw notModelled(words);
      const all: Reply[] = [];
      const hash = keyspace.find(textAt(words, 1), "hash", nowMs);
      if (hash) { for (const [name, value] of hash.fields) all.push(name, value); }
      return all;
    },
  },
  HEXISTS: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      if (words.length !== 3) throw notModelled(words);
      const hash = keyspace.find(textAt(words, 1), "hash", nowMs);
      return hash?.fields.has(textAt(words, 2)) ? 1 : 0;
    },
  },
  HLEN: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      if (words.length !== 2) throw notModelled(words);
      return keyspace.find(textAt(words, 1), "hash", nowMs)?.fields.size ?? 0;
    },
  },
  /** Gives how many fields are new. */
  HSET: {
    writes: true,
    needsMemory: true,
    run: (keyspace, words, nowMs) => {
      if (words.length < 4 || words.length % 2 !== 0) throw notModelled(words);
      const { fields } = keyspace.open(textAt(words, 1), "hash", nowMs);
      const before = fields.size;
      for (let at = 2; at < words.length; at += 2) {
        fields.set(textAt(words, at), words[at + 1]!);
      }
      return fields.size - before;
    },
  },
  HDEL: {
    writes: true,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const key = textAt(words, 1);
      const names = textsFrom(words, 2);
      const hash = keyspace.find(key, "hash", nowMs);
      if (!hash) return 0;
      const gone = names.filter((name) => hash.fields.delete(name)).length;
      if (hash.fields.size === 0) keyspace.remove(key, nowMs);
      return gone;
    },
  },
};
