/** Holds the compiled Lua to the Lua of a real Redis: the same text, loaded in both, answers the same for chance inputs. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Redis } from "ioredis";
import { functionLibrary } from "../../../../adapters/redis/function_library.ts";
import { testWithRedis } from "../../../support/redis_server.ts";
import { type Reply, ReplyError } from "../reply.ts";
import { compileLibrary } from "./lua_library.ts";
import probes from "./probes.lua" with { type: "text" };

const CHOSEN = { seed: 20_240, numRuns: 600 };

/** An answer, or the beginning of the error that is one. */
type Answer = Reply | { error: string };
type Ask = (name: string, ...args: string[]) => Promise<{ real: Answer; ours: Answer }>;

function testBoth(name: string, run: (ask: Ask) => Promise<void>): void {
  testWithRedis(name, async (server) => {
    const redis = new Redis(server.url);
    try {
      await redis.call("FUNCTION", "LOAD", probes);
      const { functions } = compileLibrary(probes);
      await run(async (called, ...args) => {
        const compiled = functions.get(called);
        if (!compiled) throw new Error(`no probe is called ${called}`);
        const real = await answerOf(() => redis.call("FCALL", called, 0, ...args));
        // The probes' only command is ECHO.
        const ours = await answerOf(() => compiled.run((words) => words[1] ?? null, [], args));
        return { real: withoutScript(real), ours: asText(ours) };
      });
    } finally {
      redis.disconnect();
    }
  });
}

async function answerOf(ask: () => unknown): Promise<Answer> {
  try {
    return await ask() as Reply;
  } catch (error) {
    if (error instanceof ReplyError || (error as Error).name === "ReplyError") {
      return { error: (error as Error).message };
    }
    throw error;
  }
}

/** Our texts hold a byte in each character; the client has read Redis' bytes as UTF-8. */
function asText(answer: Answer): Answer {
  if (Array.isArray(answer)) return answer.map((one) => asText(one) as Reply);
  if (typeof answer !== "string") return answer;
  return new TextDecoder().decode(Uint8Array.from(answer, (sign) => sign.charCodeAt(0)));
}

/** Redis adds to an error which function it left, and where. */
function withoutScript(answer: Answer): Answer {
  if (answer === null || typeof answer !== "object" || !("error" in answer)) return answer;
  return { error: answer.error.replace(/ script: \w+, on @\w+:\d+\.$/, "") };
}

async function agree(ask: Ask, name: string, args: fc.Arbitrary<string[]>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(args, async (given) => {
      const { real, ours } = await ask(name, ...given);
      assertEquals(
        ours,
        real,
        `${name} ${JSON.stringify(given)}: ${JSON.stringify({ ours, real })}`,
      );
    }),
    CHOSEN,
  );
}

const signs = (of: string) => fc.constantFrom(...of);
const ascii = fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code));
const subject = fc.string({ unit: fc.oneof(signs("ab1,- .%]"), ascii), maxLength: 14 });

const classes = signs("acdlpsuwxzACDLPSUWXZ").map((name) => `%${name}`);
const literal = fc.oneof(signs("ab1, :|"), signs("-.%]()[^$*+?").map((sign) => `%${sign}`));
const range = fc.constantFrom("a-c", "0-9", "+-/", "\x01-\x1f", "b-a", "A-z");
const set = fc.tuple(
  fc.constantFrom("", "^", "]", "^]"),
  fc.array(fc.oneof(literal, classes, range), { minLength: 1, maxLength: 4 }),
  fc.constantFrom("", "-"),
).map(([begin, parts, end]) => `[${begin}${parts.join("")}${end}]`);
const item = fc.tuple(
  fc.oneof(literal, classes, set, fc.constant("."), fc.constantFrom("^", "$")),
  fc.constantFrom("", "", "", "*", "+", "-", "?"),
).map(([one, repetition]) => /^[$^]$/.test(one) ? one : one + repetition);
const items = fc.array(item, { minLength: 1, maxLength: 4 }).map((all) => all.join(""));
const group = fc.oneof(items, items.map((one) => `(${one})`), items.map((one) => `(a?(${one}))`));
const inner = fc.array(group, { minLength: 1, maxLength: 3 }).map((all) => all.join(""));
const pattern = fc.tuple(
  signs(" ^").map((sign) => sign.trim()),
  inner,
  fc.constantFrom("", "", "$"),
)
  .map((parts) => parts.join(""));
const unanchored = pattern.filter((one) => !one.startsWith("^"));

testBoth("patterns find in JavaScript what they find in Redis' Lua", async (ask) => {
  await agree(ask, "match", fc.tuple(subject, pattern));
  const from = fc.integer({ min: -16, max: 17 }).map(String);
  await agree(ask, "find", fc.tuple(subject, pattern, from));
  await agree(
    ask,
    "find_plain",
    fc.tuple(subject, fc.string({ unit: signs("ab1,"), maxLength: 2 })),
  );
  await agree(ask, "gmatch", fc.tuple(subject, unanchored));
});

testBoth("gsub puts in what Redis' Lua puts in", async (ask) => {
  const by = fc.string({ unit: fc.constantFrom("x", "%0", "%1", "%%", "%-"), maxLength: 4 });
  const most = fc.integer({ min: 0, max: 20 }).map(String);
  await agree(ask, "gsub", fc.tuple(subject, pattern, by, most));
});

testBoth("the library's own patterns agree on texts that nearly fit", async (ask) => {
  const own = new Set<string>();
  for (
    const [, one] of functionLibrary().text.matchAll(/string\.(?:match|find)\([^']*'([^']*)'/g)
  ) {
    if (one) own.add(one);
  }
  assert(own.size > 10, `${own.size} patterns`);
  const word = fc.constantFrom("0", "17", "1700-0", "1700-0:1", "worker-1", "a,b", "-0.5", "x");
  const text = fc.array(word, { maxLength: 6 }).map((words) => words.join(" "));
  const patternText = fc.constantFrom(...own).map((one) => one.replaceAll("\\1-\\31", "\x01-\x1f"));
  await agree(ask, "match", fc.tuple(fc.oneof(text, word), patternText));
});

const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc.maxSafeInteger().map(String),
  fc.double({ min: -1e20, max: 1e20, noNaN: true }).map(String),
  fc.double({ min: -2, max: 2, noNaN: true }).map((value) => value.toFixed(5)),
  fc.constantFrom(
    "0",
    "-0",
    "1e14",
    "99999999999999",
    "1e15",
    "1e-4",
    "0.00001",
    "1e308",
    "5e-324",
  ),
);

testBoth("numbers are written, cut and joined as in Redis", async (ask) => {
  await agree(ask, "number", fc.tuple(numberText, numberText));
});

testBoth("texts are read as numbers as in Redis", async (ask) => {
  const nearly = fc.string({ unit: signs("0123456789.eExX+-aAfFpP \t"), maxLength: 7 });
  const odd = fc.constantFrom(
    "0x10",
    " 7 ",
    "1e",
    "0x",
    "",
    " ",
    "inf",
    "-Infinity",
    ".5",
    "5.",
    ".",
  );
  await agree(ask, "tonumber", fc.tuple(fc.oneof(nearly, odd, numberText)));
});

testBoth("arithmetic, comparison and parts of texts are as in Redis", async (ask) => {
  await agree(ask, "arithmetic", fc.tuple(numberText, numberText));
  const at = fc.integer({ min: -9, max: 9 }).map(String);
  await agree(ask, "sub", fc.tuple(subject, at, at));
  await agree(ask, "compare", fc.tuple(subject, subject));
});

const json = fc.json({ stringUnit: ascii, maxDepth: 4 });
const damaged = fc.tuple(
  json,
  fc.nat(),
  fc.nat(2),
  fc.string({ unit: signs('0123456789.eExX+-nNaAiIfFtru"\\/{}[],: \t\n\0'), maxLength: 3 }),
).map(([text, place, cut, put]) => {
  const at = place % (text.length + 1);
  return text.slice(0, at) + put + text.slice(at + cut);
});
const odd = fc.constantFrom(
  ...'nan|-inf|Infinity|0x1F|01|1.|-.5|+5|1e5x|[1,]|{"a":}|"a\nb"|"\\ud83d\\ude00"|"\\ud800"'
    .split("|").filter((one) => !/nan/i.test(one)),
  "[1]\0x",
  '"\\u00e9\\u0000"',
  '{"a":1,"a":2}',
  "",
  "[".repeat(1000) + "]".repeat(1000),
  "[".repeat(1001) + "]".repeat(1001),
);

testBoth("cjson reads what Redis' cjson reads, and the same out of it", async (ask) => {
  await agree(
    ask,
    "decode",
    fc.tuple(fc.oneof(json, damaged, odd).filter((one) => !/nan/i.test(one))),
  );
});

testBoth("cjson writes what Redis' cjson writes", async (ask) => {
  await agree(ask, "encode_text", fc.tuple(fc.string({ unit: ascii })));
  await agree(ask, "encode_number", fc.tuple(numberText));
  // A key that is minus zero is zero to JavaScript's maps.
  const key = numberText.filter((text) => Number(text) !== 0);
  await agree(ask, "encode_list", fc.tuple(fc.integer({ min: 1, max: 30 }).map(String), key));
  // The order of an object's members is Lua's own; their texts must be the same.
  const sorted = (answer: Answer) =>
    typeof answer === "string" ? [...answer].sort().join("") : answer;
  await fc.assert(
    fc.asyncProperty(json, async (text) => {
      const { real, ours } = await ask("encode", text);
      assertEquals(sorted(ours), sorted(real), `encode ${text}: ${JSON.stringify({ ours, real })}`);
    }),
    CHOSEN,
  );
});

testBoth("a result becomes the reply that Redis makes of it", async (ask) => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      fc.oneof(fc.integer(), fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.boolean()),
      fc.constantFrom(null, "text", ""),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.record({ a: fc.integer() }),
      fc.record({ ok: fc.constant("FINE") }),
    ),
  })).any;
  await agree(ask, "reply", fc.tuple(value.map((one) => JSON.stringify(one))));
  await agree(
    ask,
    "reply",
    fc.constantFrom('{"err":"CODE why"}', '{"err":"two\\nlines"}', '{"err":"X"}').map((
      one,
    ) => [one]),
  );
});

testBoth("errors are told as Redis tells them", async (ask) => {
  const text = fc.constantFrom("CODE why", "single", "-CODE why", "-single", "", "a b\r\n");
  await agree(ask, "error_reply", fc.tuple(text));
  await agree(ask, "raise", fc.constantFrom(["text"], ["table"], ["caught"], ["word"]));
});
