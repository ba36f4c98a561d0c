/** The ids of streams: their order, their texts, and where one stands in a list. */
import { ReplyError } from "../reply.ts";

/** The first half is a time in milliseconds, the second counts within one. */
export interface StreamId {
  readonly ms: number;
  readonly seq: number;
}

/** A range of ids with its ends, as XRANGE and XPENDING are told it. */
export interface IdRange {
  readonly from: StreamId;
  readonly isFromOut: boolean;
  readonly to: StreamId;
  readonly isToOut: boolean;
}

export const FIRST_ID: StreamId = { ms: 0, seq: 0 };
const LAST_ID: StreamId = { ms: Infinity, seq: Infinity };

export function compareIds(a: StreamId, b: StreamId): number {
  return a.ms - b.ms || a.seq - b.seq;
}

export function idText({ ms, seq }: StreamId): string {
  return `${ms}-${seq}`;
}

/**
 * Reads an id; a lone time is taken with `seq`.
 * @throws {ReplyError} ERR
 */
export function idOf(text: string, seq = 0): StreamId {
  // An option that is not modelled stands where an id should.
  if (/^[A-Z]/.test(text)) throw new Error(`the model of Redis does not know the option ${text}`);
  const dash = text.indexOf("-");
  const ms = dash < 0 ? text : text.slice(0, dash);
  const rest = dash < 0 ? null : text.slice(dash + 1);
  if (!isDigits(ms) || (rest !== null && !isDigits(rest))) {
    throw new ReplyError("ERR Invalid stream ID specified as stream command argument");
  }
  return { ms: whole(ms), seq: rest === null ? seq : whole(rest) };
}

/** `-`, `+`, an id, or an id after `(`, which is left out itself. */
export function rangeOf(from: string, to: string): IdRange {
  const isFromOut = from.startsWith("(") && from.length > 1;
  const isToOut = to.startsWith("(") && to.length > 1;
  const last = isToOut ? idOf(to.slice(1), Infinity) : endOf(to, Infinity);
  if (isToOut && compareIds(last, FIRST_ID) === 0) {
    throw new ReplyError("ERR invalid end ID for the interval");
  }
  return {
    from: isFromOut ? idOf(from.slice(1)) : endOf(from, 0),
    isFromOut,
    to: last,
    isToOut,
  };
}

/** The indexes of a list by id, from the first in the range to after the last. */
export function within(list: readonly StreamId[], range: IdRange): [number, number] {
  const first = range.isFromOut ? indexAfter(list, range.from) : indexFrom(list, range.from);
  const end = range.isToOut ? indexFrom(list, range.to) : indexAfter(list, range.to);
  return [first, Math.max(first, end)];
}

/** The index of the first that is not before `id`. */
export function indexFrom(list: readonly StreamId[], id: StreamId): number {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = list[middle]!;
    if (one.ms < id.ms || (one.ms === id.ms && one.seq < id.seq)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the first that comes after `id`. */
export function indexAfter(list: readonly StreamId[], id: StreamId): number {
  const index = indexFrom(list, id);
  const one = list[index];
  return one && one.ms === id.ms && one.seq === id.seq ? index + 1 : index;
}

/** The index of the one with this id, or -1. */
export function indexOf(list: readonly StreamId[], id: StreamId): number {
  const index = indexFrom(list, id);
  const one = list[index];
  return one && one.ms === id.ms && one.seq === id.seq ? index : -1;
}

function endOf(text: string, seq: number): StreamId {
  if (text === "-") return FIRST_ID;
  if (text === "+") return LAST_ID;
  return idOf(text, seq);
}

function isDigits(text: string): boolean {
  return /^\d+$/.test(text);
}

function whole(digits: string): number {
  const value = Number(digits);
  if (!Number.isSafeInteger(value)) throw new Error(`the model of Redis cannot count to ${digits}`);
  return value;
}
