/** Streams: their entries, as they are added, read and forgotten; their groups are apart. */
import type { Keyspace, StreamEntry, StreamValue } from "../keyspace.ts";
import { type Reply, ReplyError, type Word } from "../reply.ts";
import {
  compareIds,
  idOf,
  idText,
  indexAfter,
  indexFrom,
  indexOf,
  rangeOf,
  type StreamId,
  within,
} from "./stream_ids.ts";
import { type Command, integerOf, notModelled, textAt, textsFrom } from "./words.ts";

/** How many entries Redis keeps in one node of a stream; `MAXLEN ~` forgets whole ones. */
const NODE_ENTRIES = 100;

export const STREAM_COMMANDS: Readonly<Record<string, Command>> = {
  XADD: { writes: true, needsMemory: true, run: add },
  XDEL: {
    writes: true,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const stream = keyspace.find(textAt(words, 1), "stream", nowMs);
      const texts = textsFrom(words, 2);
      if (!stream) return 0;
      const before = stream.entries.length;
      for (const id of texts.map((text) => idOf(text))) {
        const index = indexOf(stream.entries, id);
        if (index >= 0) stream.entries.splice(index, 1);
      }
      return before - stream.entries.length;
    },
  },
  /** `XTRIM key MINID = id`. */
  XTRIM: {
    writes: true,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      if (words.length !== 5 || words[2] !== "MINID" || words[3] !== "=") throw notModelled(words);
      const first = idOf(textAt(words, 4));
      const stream = keyspace.find(textAt(words, 1), "stream", nowMs);
      return stream?.entries.splice(0, indexFrom(stream.entries, first)).length ?? 0;
    },
  },
  /** `XRANGE key from to [COUNT most]`. */
  XRANGE: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => page(keyspace, words, 2, 3, nowMs),
  },
  /** As XRANGE, with its ends and its answer the other way round. */
  XREVRANGE: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => page(keyspace, words, 3, 2, nowMs),
  },
  /** `XREAD [COUNT most] [BLOCK ms] STREAMS key … id …`. */
  XREAD: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const { count, streams } = readingOf(words, 1);
      const found = streams.map(([key, text]) => ({
        key,
        entries: keyspace.find(key, "stream", nowMs)?.entries ?? [],
        after: idOf(text),
      }));
      const answer: Reply[] = [];
      for (const { key, entries, after } of found) {
        const from = indexAfter(entries, after);
        if (from === entries.length) continue;
        answer.push([key, entries.slice(from, from + count).map(entryReply)]);
      }
      return answer.length > 0 ? answer : null;
    },
  },
};

/** An entry as all commands give it. */
export function entryReply({ id, fields }: StreamEntry): Reply {
  return [id, fields.slice()];
}

/** What a reading command asks for: its options and its streams, each with the id after which it reads. */
export interface Reading {
  /** The most of each stream. */
  readonly count: number;
  /** How long it waits where there is nothing; 0 is for ever, null not at all. */
  readonly blockMs: number | null;
  readonly isUnacknowledged: boolean;
  readonly streams: readonly (readonly [key: string, after: string])[];
}

/** Reads the words of XREAD and XREADGROUP from `index` on. */
export function readingOf(words: readonly Word[], index: number): Reading {
  let count = Infinity, blockMs: number | null = null, isUnacknowledged = false, at = index;
  for (; words[at] !== "STREAMS"; at++) {
    if (words[at] === "NOACK") isUnacknowledged = true;
    else if (words[at] === "COUNT") count = integerOf(textAt(words, ++at));
    else if (words[at] === "BLOCK") {
      blockMs = integerOf(textAt(words, ++at), "timeout is not an integer or out of range");
      if (blockMs < 0) throw new ReplyError("ERR timeout is negative");
    } else throw notModelled(words);
  }
  const texts = textsFrom(words, at + 1);
  if (texts.length % 2 !== 0) throw notModelled(words);
  const half = texts.length / 2;
  // What is newest when it is sent is only known then: an answer that comes later could not be the same.
  if (texts.includes("$", half)) throw notModelled(words);
  return {
    count: count <= 0 ? Infinity : count,
    blockMs,
    isUnacknowledged,
    streams: texts.slice(0, half).map((key, one) => [key, texts[half + one]!] as const),
  };
}

/** `XADD key [MAXLEN [~] most] id field value …`, where the id may be `*`. */
function add(keyspace: Keyspace, words: readonly Word[], nowMs: number): Reply {
  let at = 2, most = Infinity, slack = 0;
  if (words[at] === "MAXLEN") {
    if (words[++at] === "=") throw notModelled(words);
    if (words[at] === "~") {
      slack = NODE_ENTRIES - 1;
      at++;
    }
    most = integerOf(textAt(words, at++));
    if (most < 0) throw new ReplyError("ERR The MAXLEN argument must be >= 0.");
  }
  const text = textAt(words, at++);
  const given = text === "*" ? null : idOf(text);
  if (words.length - at < 2 || (words.length - at) % 2 !== 0) throw notModelled(words);
  if (given && given.ms === 0 && given.seq === 0) {
    throw new ReplyError("ERR The ID specified in XADD must be greater than 0-0");
  }
  const stream = keyspace.open(textAt(words, 1), "stream", nowMs);
  const id = given ?? nextId(stream, nowMs);
  if (compareIds(id, stream.last) <= 0) {
    throw new ReplyError(
      "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    );
  }
  const entry = { ms: id.ms, seq: id.seq, id: idText(id), fields: words.slice(at) };
  stream.entries.push(entry);
  stream.last = id;
  const over = stream.entries.length - most;
  if (over > slack) stream.entries.splice(0, slack === 0 ? over : over - over % NODE_ENTRIES);
  return entry.id;
}

/** A clock that went back keeps the last time and counts on. */
function nextId({ last }: StreamValue, nowMs: number): StreamId {
  return nowMs > last.ms ? { ms: nowMs, seq: 0 } : { ms: last.ms, seq: last.seq + 1 };
}

function page(
  keyspace: Keyspace,
  words: readonly Word[],
  from: number,
  to: number,
  nowMs: number,
): Reply {
  if (words.length !== 4 && (words.length !== 6 || words[4] !== "COUNT")) throw notModelled(words);
  const range = rangeOf(textAt(words, from), textAt(words, to));
  const count = words.length === 4 ? Infinity : Math.max(0, integerOf(textAt(words, 5)));
  const stream = keyspace.find(textAt(words, 1), "stream", nowMs);
  if (!stream) return [];
  if (count === 0) return null;
  const [first, end] = within(stream.entries, range);
  if (from < to) return stream.entries.slice(first, Math.min(end, first + count)).map(entryReply);
  return stream.entries.slice(Math.max(first, end - count), end).reverse().map(entryReply);
}
