/** The data that a modelled Redis holds: values by key, of four kinds, with their times of expiry. */
import type { StreamId } from "./commands/stream_ids.ts";
import { ReplyError, type Word } from "./reply.ts";

export interface StringValue {
  readonly kind: "string";
  readonly value: Word;
}

/** Fields in the order in which they were first set, as Redis keeps them in a small hash. */
export interface HashValue {
  readonly kind: "hash";
  readonly fields: Map<string, Word>;
}

export interface Scored {
  readonly score: number;
  readonly member: string;
}

/** `order`: by score, then by member. */
export interface SortedSetValue {
  readonly kind: "sortedSet";
  readonly scores: Map<string, number>;
  readonly order: Scored[];
}

export interface StreamEntry extends StreamId {
  readonly id: string;
  readonly fields: readonly Word[];
}

/** An entry that a consumer was given and has not acknowledged; the entry itself may be gone. */
export interface Pending extends StreamId {
  readonly id: string;
  readonly consumer: string;
  readonly deliveredAtMs: number;
  readonly deliveries: number;
}

export interface Group {
  /** The last entry that was given to anyone. */
  last: StreamId;
  /** By id. Each is replaced when it changes, so that a clone may share it. */
  readonly pending: Pending[];
}

export interface StreamValue {
  readonly kind: "stream";
  readonly entries: StreamEntry[];
  /** The newest id that there ever was; its entry may be gone. */
  last: StreamId;
  readonly groups: Map<string, Group>;
}

interface Values {
  string: StringValue;
  hash: HashValue;
  sortedSet: SortedSetValue;
  stream: StreamValue;
}
type Value = Values[keyof Values];
type Collection = Exclude<keyof Values, "string">;

/** All keys of a server. Whoever reads or writes says what time it is: what has expired by then is gone. */
export class Keyspace {
  readonly #values = new Map<string, Value>();
  readonly #expiries = new Map<string, number>();

  /** Shares nothing that changes: a server that loses its unsynced end goes back to one. */
  clone(): Keyspace {
    const copy = new Keyspace();
    for (const [key, value] of this.#values) copy.#values.set(key, copyOf(value));
    for (const [key, atMs] of this.#expiries) copy.#expiries.set(key, atMs);
    return copy;
  }

  /**
   * What is at `key`, which must be of this kind or nothing.
   * @throws {ReplyError} WRONGTYPE
   */
  find<K extends keyof Values>(key: string, kind: K, nowMs: number): Values[K] | undefined {
    const value = this.#alive(key, nowMs);
    if (value === undefined || value.kind === kind) return value as Values[K] | undefined;
    throw new ReplyError(
      "WRONGTYPE Operation against a key holding the wrong kind of value",
    );
  }

  /** As `find`, and makes an empty value where there is none. */
  open<K extends Collection>(key: string, kind: K, nowMs: number): Values[K] {
    const found = this.find(key, kind, nowMs);
    if (found) return found;
    const made = EMPTY[kind]();
    this.#values.set(key, made);
    return made;
  }

  /** Puts a string in the place of whatever was there; `expiresAtMs` null keeps it for good. */
  put(key: string, value: Word, expiresAtMs: number | null): void {
    this.#values.set(key, { kind: "string", value });
    if (expiresAtMs === null) this.#expiries.delete(key);
    else this.#expiries.set(key, expiresAtMs);
  }

  /** Whether there was anything to remove. */
  remove(key: string, nowMs: number): boolean {
    if (this.#alive(key, nowMs) === undefined) return false;
    this.#forget(key);
    return true;
  }

  /** Keeps `key` for good; whether it was to expire. */
  persist(key: string, nowMs: number): boolean {
    return this.#alive(key, nowMs) !== undefined && this.#expiries.delete(key);
  }

  #alive(key: string, nowMs: number): Value | undefined {
    // Few keys expire: most look-ups need no second one.
    if (this.#expiries.size > 0) {
      const atMs = this.#expiries.get(key);
      // Redis keeps a key through the millisecond that its time is over in.
      if (atMs !== undefined && nowMs > atMs) this.#forget(key);
    }
    return this.#values.get(key);
  }

  #forget(key: string): void {
    this.#values.delete(key);
    this.#expiries.delete(key);
  }
}

const EMPTY: { [K in Collection]: () => Values[K] } = {
  hash: () => ({ kind: "hash", fields: new Map() }),
  sortedSet: () => ({ kind: "sortedSet", scores: new Map(), order: [] }),
  stream: () => ({ kind: "stream", entries: [], last: { ms: 0, seq: 0 }, groups: new Map() }),
};

function copyOf(value: Value): Value {
  switch (value.kind) {
    case "string":
      return value;
    case "hash":
      return { kind: "hash", fields: new Map(value.fields) };
    case "sortedSet":
      return { kind: "sortedSet", scores: new Map(value.scores), order: value.order.slice() };
    case "stream": {
      const { entries, last, groups } = value;
      const copies = [...groups].map(([name, group]): [string, Group] => [
        name,
        { last: group.last, pending: group.pending.slice() },
      ]);
      return { kind: "stream", entries: entries.slice(), last, groups: new Map(copies) };
    }
  }
}
