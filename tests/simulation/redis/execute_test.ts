/** What the model of Redis does that a tape over a real one cannot show: its clock, its copies, its own faults. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { blockingOf, COMMAND_NAMES, execute } from "./execute.ts";
import { Keyspace } from "./keyspace.ts";
import { ReplyError, type Word } from "./reply.ts";

const ADAPTER = new URL("../../../adapters/redis/", import.meta.url);
/** What the server itself does, and no data is needed for. */
const OF_THE_SERVER = ["CONFIG", "FCALL", "FUNCTION", "INFO", "PUBLISH"];

/** Commands as one would type them, at the same time; gives the last answer. */
function played(keyspace: Keyspace, nowMs: number, ...lines: string[]) {
  return lines.map((line) => execute(keyspace, line.split(" "), nowMs)).at(-1)!;
}

Deno.test("a clock that goes back keeps the last time of a stream and counts on", () => {
  const keyspace = new Keyspace();
  assertEquals(played(keyspace, 2_000, "XADD log * a b"), "2000-0");
  assertEquals(played(keyspace, 1_500, "XADD log * a b"), "2000-1");
  assertEquals(played(keyspace, 1_500, "XDEL log 2000-0 2000-1", "XADD log * a b"), "2000-2");
  assertEquals(played(keyspace, 2_001, "XADD log * a b"), "2001-0");
});

Deno.test("a clock that goes back makes nothing idle", () => {
  const keyspace = new Keyspace();
  played(keyspace, 2_000, "XGROUP CREATE jobs workers 0 MKSTREAM", "XADD jobs * a b");
  played(keyspace, 2_000, "XREADGROUP GROUP workers w1 STREAMS jobs >");
  assertEquals(played(keyspace, 1_000, "XPENDING jobs workers - + 1"), [["2000-0", "w1", 0, 1]]);
  assertEquals(played(keyspace, 1_000, "XCLAIM jobs workers w2 1 2000-0"), []);
});

Deno.test("a key is there through its last millisecond, and for good when it is kept or set anew", () => {
  const keyspace = new Keyspace();
  played(keyspace, 1_000, "SET a x PX 10", "SET b x PX 10", "SET c x EX 1");
  assertEquals(played(keyspace, 1_010, "GET a"), "x");
  assertEquals(played(keyspace, 1_010, "PERSIST a", "SET b y"), "OK");
  assertEquals(played(keyspace, 1_011, "DEL c"), 1);
  assertEquals(played(keyspace, 9_999, "GET a"), "x");
  assertEquals(played(keyspace, 9_999, "GET b"), "y");
  played(keyspace, 9_999, "SET d x PX 10");
  assertEquals(played(keyspace, 10_010, "DEL d"), 0);
});

Deno.test("the time is told in seconds and microseconds", () => {
  assertEquals(played(new Keyspace(), 1_732_405_000_123, "TIME"), ["1732405000", "123000"]);
});

Deno.test("bytes are kept as they are, whatever becomes of the buffer that they came in", () => {
  const keyspace = new Keyspace();
  const buffer = Uint8Array.of(0, 255, 10);
  execute(keyspace, ["SET", "chunk", buffer, "EX", "60"], 0);
  buffer.fill(7);
  assertEquals(execute(keyspace, ["GET", "chunk"], 0), Uint8Array.of(0, 255, 10));
});

Deno.test("what is done to a keyspace is not seen in its clone", () => {
  const keyspace = new Keyspace();
  played(
    keyspace,
    1_000,
    ...["SET text a", "SET soon a PX 50", "HSET hash a 1", "ZADD set 1 a 2 b"],
    ...["XADD jobs * a b", "XADD jobs * a b", "XGROUP CREATE jobs workers 0"],
    "XREADGROUP GROUP workers w1 COUNT 1 STREAMS jobs >",
  );
  const looks = [
    ...["GET text", "GET soon", "HGETALL hash", "ZRANGEBYSCORE set -inf +inf", "XRANGE jobs - +"],
    "XPENDING jobs workers - + 9",
  ];
  const all = (one: Keyspace) => looks.map((look) => played(one, 1_000, look));
  const before = all(keyspace);
  const copy = keyspace.clone();
  played(
    keyspace,
    1_000,
    ...["SET text b", "PERSIST soon", "HSET hash b 1", "HDEL hash a", "ZADD set 3 a", "ZREM set b"],
    ...["XADD jobs * a b", "XDEL jobs 1000-0", "XCLAIM jobs workers w2 0 1000-0"],
    "XREADGROUP GROUP workers w2 STREAMS jobs >",
  );
  assertEquals(all(copy), before);
  assertEquals(played(copy, 1_051, "GET soon"), null);
  assertEquals(
    played(copy, 1_051, "XREADGROUP GROUP workers w3 STREAMS jobs >"),
    [["jobs", [["1000-1", ["a", "b"]]]]],
  );
});

Deno.test("whoever is given an answer may change it without changing what is kept", () => {
  const keyspace = new Keyspace();
  played(keyspace, 1_000, "XADD log * a b");
  const [[, fields]] = played(keyspace, 1_000, "XRANGE log - +") as [[string, string[]]];
  fields.push("c");
  assertEquals(played(keyspace, 1_000, "XRANGE log - +"), [["1000-0", ["a", "b"]]]);
});

Deno.test("a read that waits says for which keys and how long", () => {
  const blocking = (line: string) => blockingOf(line.split(" "));
  assertEquals(blocking("XREAD COUNT 9 BLOCK 500 STREAMS log 0-0"), {
    keys: ["log"],
    blockMs: 500,
  });
  assertEquals(
    blocking("XREADGROUP GROUP workers w1 COUNT 1 BLOCK 0 NOACK STREAMS a b > >"),
    { keys: ["a", "b"], blockMs: 0 },
  );
  assertEquals(blocking("XREAD COUNT 9 STREAMS log 0-0"), null);
  assertEquals(blocking("GET log"), null);
});

Deno.test("a form that is not modelled is a fault of the test, never an answer of Redis", () => {
  const words: Word[][] = [
    ...["MGET a", "get a", "GET", "GET a b", "SET a b NX", "SET a b EX", "DEL", "HSET a b"],
    ...[
      "ZADD a NX 1 b",
      "ZADD a NX CH 1 b",
      "ZRANGEBYSCORE a 0 1 WITHSCORES",
      "XADD a NOMKSTREAM * b c",
      "XADD a * b",
    ],
    ...["XADD a MAXLEN = 4 * b c"],
    ...["XTRIM a MAXLEN = 1", "XREAD BLOCK 5 STREAMS log $", "XREAD STREAMS a b 0", "XREAD"],
    ...[
      "XGROUP DESTROY a b",
      "XPENDING a b",
      "XACK a b",
      "XDEL a",
      "XPENDING a b - + 1 w1",
      "XRANGE a - + 5",
    ],
    ...["XADD a 99999999999999999999-0 b c", "XREADGROUP GROUP a b STREAMS"],
  ].map((line) => line.split(" "));
  for (const one of [...words, [new Uint8Array(1)], []]) {
    const error = assertThrows(() => execute(new Keyspace(), one, 0), Error);
    assert(!(error instanceof ReplyError), `${one.join(" ")}: ${error}`);
  }
});

Deno.test("the model knows every command that is sent to Redis, and no other", () => {
  const sent = new Set<string>();
  for (
    const [folder, ending, call] of [
      ["functions/", ".lua", /redis\.p?call\(\s*'([A-Z]+)'/g],
      ["", ".ts", /\b(?:ask|askBytes|look|send)\([^"()]*"([A-Z]+)"/g],
    ] as const
  ) {
    for (const { name } of Deno.readDirSync(new URL(folder, ADAPTER))) {
      if (!name.endsWith(ending)) continue;
      const text = Deno.readTextFileSync(new URL(folder + name, ADAPTER));
      for (const [, command] of text.matchAll(call)) sent.add(command!);
    }
  }
  const known = [...COMMAND_NAMES, ...OF_THE_SERVER];
  assertEquals([...sent].sort(), known.sort());
});
