/** Random tapes of Redis commands over few keys, in the forms that DRaaS sends and in some that fail. */
import fc from "fast-check";

/**
 * The words of one command. Of ids, `@2` stands for the third newest that an XADD of the tape gave, `@2ms` for its time
 * alone, and `next` for one that is greater than all that were named so far.
 */
export type TapedCommand = string[];

type Part = string | fc.Arbitrary<string | string[]>;

/** Of a key's kind mostly, and now and then of any other. */
const keyOf = (kind: string) =>
  fc.oneof(
    { weight: 24, arbitrary: fc.constant(kind) },
    { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
  );
/** All keys of a tape. `log` has ids by the clock, `jobs` such as are told; `soon` expires. */
export const KEYS = ["text", "soon", "hash", "set", "names", "log", "jobs", "none"] as const;

const text = keyOf("text");
const soon = keyOf("soon");
const hash = keyOf("hash");
/** Never a key that is asked for a range by member: that is only right where all scores are the same. */
const set = fc.oneof(
  { weight: 24, arbitrary: fc.constant("set") },
  { weight: 1, arbitrary: fc.constantFrom("hash", "log") },
);
const names = keyOf("names");
const stream = fc.oneof(keyOf("log"), keyOf("jobs"));
const field = fc.constantFrom("a", "b", "c", "d", "e", "f");
const value = fc.constantFrom("", "0", "x", "1e3", "a longer text with spaces", "-");
const score = fc.constantFrom("0", "1", "2", "-1.5", "1e3", "1732405000123", "+inf", "-inf", "x");
const scoreEnd = fc.constantFrom("-inf", "+inf", "0", "1", "(1", "(2", "-2", "(1732405000123", "y");
const member = fc.constantFrom("s|a", "s|b", "s|c", "t|a", "s", "z");
const memberEnd = fc.constantFrom("-", "+", "[s|", "(s}", "[s|b", "(s|b", "[t|\u007f", "(", "s");
const limit = fc.constantFrom([] as string[], ["LIMIT", "0", "1"], ["LIMIT", "1", "2"], [
  "LIMIT",
  "0",
  "-1",
]);
const count = fc.constantFrom([] as string[], ["COUNT", "1"], ["COUNT", "2"], ["COUNT", "0"], [
  "COUNT",
  "-1",
]);
const id = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 9 }).map((back) => `@${back}ms`) },
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 9 }).map((back) => `@${back}`) },
  { weight: 2, arbitrary: fc.constantFrom("0", "0-0", "3", "5-1", "12-0", "99999999999999-7") },
  { weight: 1, arbitrary: fc.constantFrom("x", "1-", "1-x", "-1") },
);
const idEnd = fc.oneof(
  fc.constantFrom("-", "+"),
  id,
  id.map((one) => `(${one}`),
  fc.constantFrom("(-", "(", "(7"),
);
const ids = fc.array(id, { minLength: 1, maxLength: 3 });
const group = fc.oneof(
  { weight: 12, arbitrary: fc.constant("workers") },
  { weight: 1, arbitrary: fc.constantFrom("others", "nobody") },
);
const consumer = fc.constantFrom("w1", "w2", "w3");
const few = fc.constantFrom("0", "1", "2", "10", "-1");
/** Idle for any time, or for longer than a tape takes. */
const idle = fc.constantFrom("0", "0", "0", "3600000", "-1");
const items = fc.array(fc.tuple(field, value), { minLength: 1, maxLength: 3 })
  .map((pairs) => pairs.flat());

const form = (weight: number, ...parts: Part[]) => ({
  weight,
  arbitrary: fc.tuple(
    ...parts.map((part) => typeof part === "string" ? fc.constant(part) : part),
  ).map((words): TapedCommand => words.flat()),
});

/** Any command. */
const commandArbitrary: fc.Arbitrary<TapedCommand> = fc.oneof(
  form(2, "GET", fc.oneof(text, soon)),
  form(2, "SET", text, value, fc.constantFrom([], ["EX", "100"], ["PX", "100000"], ["PX", "0"])),
  form(2, "SET", soon, value, "PX", fc.constantFrom("1", "2", "3")),
  form(1, "PERSIST", fc.oneof(text, soon)),
  form(
    1,
    fc.constantFrom("DEL", "UNLINK"),
    fc.uniqueArray(fc.constantFrom(...KEYS), {
      minLength: 1,
      maxLength: 2,
    }),
  ),
  form(4, "HSET", hash, items),
  form(2, "HGET", hash, field),
  form(1, "HMGET", hash, fc.array(field, { minLength: 1, maxLength: 3 })),
  form(2, "HGETALL", hash),
  form(1, "HEXISTS", hash, field),
  form(1, "HLEN", hash),
  form(3, "HDEL", hash, fc.array(field, { minLength: 1, maxLength: 3 })),
  form(
    4,
    "ZADD",
    set,
    fc.array(fc.tuple(score, member), { minLength: 1, maxLength: 2 })
      .map((pairs) => pairs.flat()),
  ),
  form(3, "ZADD", names, "0", member),
  form(3, "ZREM", fc.oneof(set, names), fc.array(member, { minLength: 1, maxLength: 2 })),
  form(4, "ZRANGEBYSCORE", fc.oneof(set, names), scoreEnd, scoreEnd, limit),
  form(
    4,
    "ZRANGEBYLEX",
    fc.constantFrom("names", "names", "none", "text"),
    memberEnd,
    memberEnd,
    limit,
  ),
  form(
    5,
    "XADD",
    keyOf("log"),
    fc.constantFrom([], [], ["MAXLEN", "4"], ["MAXLEN", "~", "1000"]),
    "*",
    items,
  ),
  form(
    7,
    "XADD",
    keyOf("jobs"),
    fc.constantFrom([], [], [], ["MAXLEN", "5"]),
    fc.oneof({ weight: 9, arbitrary: fc.constant("next") }, { weight: 1, arbitrary: id }),
    items,
  ),
  form(3, "XDEL", stream, ids),
  form(1, "XTRIM", stream, "MINID", "=", id),
  form(3, "XRANGE", stream, idEnd, idEnd, count),
  form(3, "XREVRANGE", stream, idEnd, idEnd, count),
  form(3, "XREAD", count, "STREAMS", stream, id),
  form(1, "XREAD", count, "STREAMS", stream, stream, id, id),
  form(
    4,
    "XGROUP",
    "CREATE",
    stream,
    group,
    fc.constantFrom("0", "0", "$", "x"),
    fc.constantFrom([], ["MKSTREAM"], ["MKSTREAM"]),
  ),
  form(
    7,
    "XREADGROUP",
    "GROUP",
    group,
    consumer,
    count,
    fc.constantFrom([], [], [], ["NOACK"]),
    "STREAMS",
    stream,
    ">",
  ),
  form(2, "XREADGROUP", "GROUP", group, consumer, count, "STREAMS", stream, stream, ">", ">"),
  form(2, "XREADGROUP", "GROUP", group, consumer, count, "STREAMS", stream, id),
  form(4, "XACK", stream, group, ids),
  form(
    4,
    "XPENDING",
    stream,
    group,
    fc.oneof(fc.constant([] as string[]), idle.map((ms) => ["IDLE", ms])),
    idEnd,
    idEnd,
    few,
  ),
  form(
    6,
    "XCLAIM",
    stream,
    group,
    consumer,
    idle,
    ids,
    fc.constantFrom([], [], ["RETRYCOUNT", "0"], ["RETRYCOUNT", "3", "JUSTID"], ["JUSTID"]),
  ),
  // What the others have left.
  form(5, "XPENDING", fc.constantFrom("log", "jobs"), "workers", "-", "+", "10"),
  form(2, "XRANGE", fc.constantFrom("log", "jobs"), "-", "+"),
  form(1, "PING"),
);

/** A few hundred commands. */
export const tapeArbitrary: fc.Arbitrary<TapedCommand[]> = fc.array(commandArbitrary, {
  minLength: 1,
  maxLength: 400,
  size: "max",
});

/** Puts real ids in the place of those that a tape names by their order. */
export class IdNames {
  readonly #given: string[] = [];
  #count = 0;

  wordsOf(command: TapedCommand): string[] {
    return command.map((word) => {
      if (word === "next") return `${++this.#count}-${this.#count % 3}`;
      const [, open, back, isTime] = /^(\(?)@(\d)(ms)?$/.exec(word) ?? [];
      if (back === undefined) return word;
      const id = this.#given.at(-1 - Number(back)) ?? "1-1";
      return `${open}${isTime ? id.split("-")[0] : id}`;
    });
  }

  /** Learns from an answer. */
  hear(words: readonly string[], answer: unknown): void {
    if (words[0] === "XADD" && typeof answer === "string") this.#given.push(answer);
  }
}
