/** Sorted sets: members in the order of their scores, read by score or by member. */
import type { Scored } from "../keyspace.ts";
import { ReplyError, type Word } from "../reply.ts";
import { type Command, floatOf, integerOf, notModelled, textAt, textsFrom } from "./words.ts";

/** One end of a range; what is exactly there belongs to it unless `isOut`. */
interface End<T> {
  readonly at: T;
  readonly isOut: boolean;
}

export const SORTED_SET_COMMANDS: Readonly<Record<string, Command>> = {
  /** `ZADD key score member …`; gives how many members are new. */
  ZADD: {
    writes: true,
    needsMemory: true,
    run: (keyspace, words, nowMs) => {
      if (words.length < 4 || words.length % 2 !== 0) throw notModelled(words);
      const added: Scored[] = [];
      for (let at = 2; at < words.length; at += 2) {
        const score = floatOf(textAt(words, at), "value is not a valid float");
        added.push({ score, member: textAt(words, at + 1) });
      }
      const { scores, order } = keyspace.open(textAt(words, 1), "sortedSet", nowMs);
      const before = scores.size;
      for (const one of added) {
        const known = scores.get(one.member);
        if (known === one.score) continue;
        if (known !== undefined) order.splice(indexOf(order, { ...one, score: known }), 1);
        scores.set(one.member, one.score);
        order.splice(indexOf(order, one), 0, one);
      }
      return scores.size - before;
    },
  },
  ZREM: {
    writes: true,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const key = textAt(words, 1);
      const members = textsFrom(words, 2);
      const set = keyspace.find(key, "sortedSet", nowMs);
      if (!set) return 0;
      const before = set.scores.size;
      for (const member of members) {
        const score = set.scores.get(member);
        if (score === undefined) continue;
        set.scores.delete(member);
        set.order.splice(indexOf(set.order, { score, member }), 1);
      }
      const left = set.scores.size;
      if (left === 0) keyspace.remove(key, nowMs);
      return before - left;
    },
  },
  /** `ZRANGEBYSCORE key min max [LIMIT offset count]`. */
  ZRANGEBYSCORE: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const [offset, most] = limitOf(words);
      const from = scoreEnd(textAt(words, 2));
      const to = scoreEnd(textAt(words, 3));
      const order = keyspace.find(textAt(words, 1), "sortedSet", nowMs)?.order ?? [];
      return membersBetween(order, from, to, (one) => one.score, offset, most);
    },
  },
  /** `ZRANGEBYLEX key min max [LIMIT offset count]`, of members that all have the same score. */
  ZRANGEBYLEX: {
    writes: false,
    needsMemory: false,
    run: (keyspace, words, nowMs) => {
      const [offset, most] = limitOf(words);
      const from = memberEnd(textAt(words, 2));
      const to = memberEnd(textAt(words, 3));
      const order = keyspace.find(textAt(words, 1), "sortedSet", nowMs)?.order ?? [];
      // Redis leaves open what it gives then.
      if (order[0]?.score !== order.at(-1)?.score) throw notModelled(words);
      return membersBetween(order, from, to, (one) => one.member, offset, most);
    },
  },
};

/** The offset and the most of a range; a count below 0 is no limit. */
function limitOf(words: readonly Word[]): [number, number] {
  if (words.length === 4) return [0, Infinity];
  if (words.length !== 7 || words[4] !== "LIMIT") throw notModelled(words);
  const [offset, count] = [integerOf(textAt(words, 5)), integerOf(textAt(words, 6))];
  return [offset, count < 0 ? Infinity : count];
}

function scoreEnd(text: string): End<number> {
  const isOut = text.startsWith("(");
  return { at: floatOf(isOut ? text.slice(1) : text, "min or max is not a float"), isOut };
}

/** After all members there are, since a character of theirs stands for a byte. */
const BEYOND = "\uffff";

function memberEnd(text: string): End<string> {
  if (text === "-") return { at: "", isOut: false };
  if (text === "+") return { at: BEYOND, isOut: false };
  if (!/^[[(]/.test(text)) throw new ReplyError("ERR min or max not valid string range item");
  return { at: text.slice(1), isOut: text.startsWith("(") };
}

function membersBetween<T>(
  order: readonly Scored[],
  from: End<T>,
  to: End<T>,
  valueOf: (one: Scored) => T,
  offset: number,
  most: number,
): string[] {
  if (offset < 0) return [];
  const isBefore = ({ at, isOut }: End<T>, one: Scored) =>
    isOut ? valueOf(one) <= at : valueOf(one) < at;
  const start = partition(order, (one) => isBefore(from, one)) + offset;
  const end = partition(order, (one) => isBefore({ ...to, isOut: !to.isOut }, one));
  return order.slice(start, Math.max(start, Math.min(end, start + most))).map((one) => one.member);
}

/** Where `one` is, or belongs. */
function indexOf(order: readonly Scored[], { score, member }: Scored): number {
  return partition(
    order,
    (other) => other.score < score || (other.score === score && other.member < member),
  );
}

/** How many of a list are at its beginning for which `isBefore` holds. */
function partition(order: readonly Scored[], isBefore: (one: Scored) => boolean): number {
  let low = 0, high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(order[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
