/** Strings, and what is done to keys of any kind. */
import { ReplyError, type Word } from "../reply.ts";
import { type Command, integerOf, notModelled, textAt, textsFrom } from "./words.ts";

const remove: Command = {
  writes: true,
  needsMemory: false,
  run: (keyspace, words, nowMs) =>
    textsFrom(words, 1).filter((key) => keyspace.remove(key, nowMs)).length,
};

export const STRING_COMMANDS: Readonly<Record<string, Command>> = {
  GET: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      if (words.length !== 2) throw notModelled(words);
      return keyspace.find(textAt(words, 1), "string", nowMs)?.value ?? null;
    },
  },
  /** `SET key value`, and with `EX seconds` or `PX milliseconds`. */
  SET: {
    writes: true,
    needsMemory: true,
    run: (keyspace, words, nowMs) => {
      const value = words[2];
      if (value === undefined) throw notModelled(words);
      const ttlMs = timeToLive(words);
      // The caller may fill its buffer anew.
      const kept = typeof value === "string" ? value : value.slice();
      keyspace.put(textAt(words, 1), kept, ttlMs === null ? null : nowMs + ttlMs);
      return "OK";
    },
  },
  DEL: remove,
  UNLINK: remove,
  PERSIST: {
    writes: true,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      if (words.length !== 2) throw notModelled(words);
      return keyspace.persist(textAt(words, 1), nowMs) ? 1 : 0;
    },
  },
};

function timeToLive(words: readonly Word[]): number | null {
  if (words.length === 3) return null;
  const unit = words[3];
  if (words.length !== 5 || (unit !== "EX" && unit !== "PX")) throw notModelled(words);
  const time = integerOf(textAt(words, 4));
  if (time <= 0) throw new ReplyError("ERR invalid expire time in 'set' command");
  return unit === "EX" ? time * 1_000 : time;
}
