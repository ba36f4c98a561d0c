/** The groups of streams: who was given which entry, and has not acknowledged it yet. */
import type { Group, Keyspace, Pending, StreamValue } from "../keyspace.ts";
import { type Reply, ReplyError, type Word } from "../reply.ts";
import { idOf, indexAfter, indexOf, rangeOf, within } from "./stream_ids.ts";
import { entryReply, type Reading, readingOf } from "./streams.ts";
import { type Command, integerOf, notModelled, textAt, textsFrom } from "./words.ts";

export const GROUP_COMMANDS: Readonly<Record<string, Command>> = {
  /** `XGROUP CREATE key group id [MKSTREAM]`. */
  XGROUP: {
    writes: true,
    needsMemory: true,
    run: (keyspace, words, nowMs) => {
      const makes = words[5] === "MKSTREAM";
      if (words[1] !== "CREATE" || words.length !== (makes ? 6 : 5)) throw notModelled(words);
      const [key, name] = [textAt(words, 2), textAt(words, 3)];
      if (!keyspace.find(key, "stream", nowMs) && !makes) {
        throw new ReplyError("ERR The XGROUP subcommand requires the key to exist.");
      }
      const text = textAt(words, 4);
      const from = text === "$" ? null : idOf(text);
      const { groups, last } = keyspace.open(key, "stream", nowMs);
      if (groups.has(name)) {
        throw new ReplyError("BUSYGROUP Consumer Group name already exists");
      }
      groups.set(name, { last: from ?? last, pending: [] });
      return "OK";
    },
  },
  XREADGROUP: { writes: true, needsMemory: false, run: readAsGroup },
  XACK: {
    writes: true,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const stream = keyspace.find(textAt(words, 1), "stream", nowMs);
      const group = stream?.groups.get(textAt(words, 2));
      const texts = textsFrom(words, 3);
      if (!group) return 0;
      const before = group.pending.length;
      for (const id of texts.map((text) => idOf(text))) {
        dropPending(group, indexOf(group.pending, id));
      }
      return before - group.pending.length;
    },
  },
  /** `XPENDING key group [IDLE ms] from to count`: for each its id, consumer, idle milliseconds, deliveries. */
  XPENDING: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const hasIdle = words[3] === "IDLE";
      const at = hasIdle ? 5 : 3;
      if (words.length !== at + 3) throw notModelled(words);
      const idleMs = hasIdle ? integerOf(textAt(words, 4)) : 0;
      const count = Math.max(0, integerOf(textAt(words, at + 2)));
      const range = rangeOf(textAt(words, at), textAt(words, at + 1));
      const { group } = groupAt(keyspace, textAt(words, 1), textAt(words, 2), nowMs);
      const answer: Reply[] = [];
      const [first, end] = within(group.pending, range);
      for (let index = first; index < end && answer.length < count; index++) {
        const { id, consumer, deliveredAtMs, deliveries } = group.pending[index]!;
        const elapsedMs = nowMs - deliveredAtMs;
        if (idleMs !== 0 && elapsedMs < idleMs) continue;
        answer.push([id, consumer, Math.max(0, elapsedMs), deliveries]);
      }
      return answer;
    },
  },
  XCLAIM: { writes: true, needsMemory: false, run: claim },
};

/** `XREADGROUP GROUP group consumer [COUNT most] [BLOCK ms] [NOACK] STREAMS key … id …`; an id may be `>`. */
function readAsGroup(keyspace: Keyspace, words: readonly Word[], nowMs: number): Reply {
  if (words[1] !== "GROUP") throw notModelled(words);
  const [name, consumer] = [textAt(words, 2), textAt(words, 3)];
  const reading = readingOf(words, 4);
  const found = reading.streams.map(([key, text]) => ({
    key,
    ...groupAt(keyspace, key, name, nowMs, " in XREADGROUP with GROUP option"),
    after: text === ">" ? null : idOf(text),
  }));
  const answer: Reply[] = [];
  for (const { key, stream, group, after } of found) {
    if (after) {
      const [first] = within(group.pending, { ...ALL, from: after, isFromOut: true });
      answer.push([key, again(stream, group, first, consumer, reading.count, nowMs)]);
    } else {
      const entries = deliver(stream, group, consumer, reading, nowMs);
      if (entries.length > 0) answer.push([key, entries]);
    }
  }
  return answer.length > 0 ? answer : null;
}

/** What nobody in the group has been given yet. */
function deliver(
  stream: StreamValue,
  group: Group,
  consumer: string,
  { count, isUnacknowledged }: Reading,
  nowMs: number,
): Reply[] {
  const from = indexAfter(stream.entries, group.last);
  const entries = stream.entries.slice(from, from + count);
  for (const entry of entries) {
    const { ms, seq, id } = entry;
    group.last = entry;
    if (isUnacknowledged) continue;
    // The ids that a group is given only grow: what is new stands at the end.
    group.pending.push({ ms, seq, id, consumer, deliveredAtMs: nowMs, deliveries: 1 });
  }
  return entries.map(entryReply);
}

/** What a consumer has pending is given to it again; of what was deleted since, it hears the id. */
function again(
  stream: StreamValue,
  group: Group,
  first: number,
  consumer: string,
  count: number,
  nowMs: number,
): Reply {
  const answer: Reply[] = [];
  for (let index = first; index < group.pending.length && answer.length < count; index++) {
    const one = group.pending[index]!;
    if (one.consumer !== consumer) continue;
    const entry = stream.entries[indexOf(stream.entries, one)];
    if (entry) {
      group.pending[index] = { ...one, deliveredAtMs: nowMs, deliveries: one.deliveries + 1 };
    }
    answer.push(entry ? entryReply(entry) : [one.id, null]);
  }
  return answer;
}

/** `XCLAIM key group consumer min-idle-ms id … [RETRYCOUNT count] [JUSTID]`. */
function claim(keyspace: Keyspace, words: readonly Word[], nowMs: number): Reply {
  const [key, name, consumer] = [textAt(words, 1), textAt(words, 2), textAt(words, 3)];
  const { stream, group } = groupAt(keyspace, key, name, nowMs);
  const idleMs = integerOf(textAt(words, 4), "Invalid min-idle-time argument for XCLAIM");
  let end = words.length, isIdOnly = false, retries: number | null = null;
  if (words[end - 1] === "JUSTID") {
    isIdOnly = true;
    end--;
  }
  if (words[end - 2] === "RETRYCOUNT") {
    retries = integerOf(textAt(words, end - 1), "Invalid RETRYCOUNT option argument for XCLAIM");
    if (retries < 0) throw notModelled(words);
    end -= 2;
  }
  const answer: Reply[] = [];
  for (const id of textsFrom(words.slice(0, end), 5).map((text) => idOf(text))) {
    const index = indexOf(group.pending, id);
    const entry = stream.entries[indexOf(stream.entries, id)];
    if (!entry) dropPending(group, index);
    const one = group.pending[index];
    if (!entry || !one || nowMs - one.deliveredAtMs < idleMs) continue;
    const deliveries = retries ?? one.deliveries + (isIdOnly ? 0 : 1);
    group.pending[index] = { ...one, consumer, deliveredAtMs: nowMs, deliveries };
    answer.push(isIdOnly ? one.id : entryReply(entry));
  }
  return answer;
}

const ALL = rangeOf("-", "+");

function groupAt(
  keyspace: Keyspace,
  key: string,
  name: string,
  nowMs: number,
  where = "",
): { stream: StreamValue; group: Group } {
  const stream = keyspace.find(key, "stream", nowMs);
  const group = stream?.groups.get(name);
  if (stream && group) return { stream, group };
  throw new ReplyError(`NOGROUP No such key '${key}' or consumer group '${name}'${where}`);
}

/** Takes what is pending at `index` off the list; -1 is nothing. */
function dropPending(group: Group, index: number): Pending | undefined {
  return index < 0 ? undefined : group.pending.splice(index, 1)[0];
}
