/** A real Redis holds the model to its answers: random tapes, and the boundaries of time that a tape does not hit. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { assert, assertEquals } from "@std/assert";
import { type RedisServer, testWithRedis } from "../../support/redis_server.ts";
import { IdNames, KEYS, tapeArbitrary } from "./command_tapes.ts";
import { COMMAND_NAMES, execute, isWrite, needsMemory } from "./execute.ts";
import { Keyspace } from "./keyspace.ts";
import { ReplyError } from "./reply.ts";

/** What Redis answered, and the milliseconds of its clock that it did so between. */
interface Heard {
  answer: unknown;
  fromMs: number;
  toMs: number;
}

testWithRedis("the model gives the answers of a real Redis to any tape", async (server) => {
  const useful = new Map<string, number>();
  await withClient(server, (client) =>
    fc.assert(
      fc.asyncProperty(tapeArbitrary, async (tape) => {
        await client.call("DEL", ...KEYS);
        let keyspace = new Keyspace();
        const ids = new IdNames();
        for (const command of tape) {
          const words = ids.wordsOf(command);
          const heard = await hear(client, words);
          ids.hear(words, heard.answer);
          keyspace = agreeing(keyspace, words, heard);
          if (isUseful(heard.answer)) useful.set(words[0]!, (useful.get(words[0]!) ?? 0) + 1);
        }
      }),
      { numRuns: 100 },
    ));
  const unreached = COMMAND_NAMES.filter((name) => name !== "TIME" && !useful.has(name));
  assertEquals(unreached, [], "each command had an answer that was no error and not empty");
});

testWithRedis(
  "an entry is idle, and a key is gone, from the same millisecond on",
  async (server) => {
    await withClient(server, async (client) => {
      let keyspace = new Keyspace();
      const play = async (line: string) => {
        const heard = await hear(client, line.split(" "));
        keyspace = agreeing(keyspace, line.split(" "), heard);
        return heard;
      };
      await play("XGROUP CREATE jobs workers 0 MKSTREAM");
      const jobs: string[] = [];
      let given: Heard;
      do {
        jobs.push((await play("XADD jobs * a b")).answer as string);
        given = await play("XREADGROUP GROUP workers w1 STREAMS jobs >");
        // One that was given within one millisecond, so that the model knows which.
      } while (given.fromMs !== given.toMs);
      await play("SET soon x PX 30");
      const job = jobs.at(-1)!;
      let claimed: Heard;
      let looks = 0;
      do {
        looks++;
        await play("GET soon");
        await play(`XPENDING jobs workers IDLE 30 ${job} ${job} 1`);
        claimed = await play(`XCLAIM jobs workers w2 30 ${job} JUSTID`);
      } while ((claimed.answer as string[]).length === 0 && claimed.fromMs < given.fromMs + 5_000);
      assertEquals(claimed.answer, [job]);
      assert(looks > 3, `it was looked at ${looks} times only, and hardly at the boundary`);
    });
  },
);

testWithRedis(
  "a stream with a length that is about forgets whole nodes of entries",
  async (server) => {
    await withClient(server, async (client) => {
      let keyspace = new Keyspace();
      for (let index = 0; index < 350; index++) {
        for (const line of ["XADD queries MAXLEN ~ 130 * q x", "XRANGE queries - + COUNT 1"]) {
          keyspace = agreeing(keyspace, line.split(" "), await hear(client, line.split(" ")));
        }
      }
    });
  },
);

testWithRedis("the model denies the commands that a real Redis denies", async (server) => {
  await withClient(server, async (client) => {
    for (const name of COMMAND_NAMES) {
      const full = name === "XGROUP" ? "xgroup|create" : name.toLowerCase();
      const [said] = await client.call("COMMAND", "INFO", full) as [[string, number, string[]]];
      const flags = said[2];
      assertEquals(
        [name, isWrite([name]), needsMemory([name])],
        [name, flags.includes("write"), flags.includes("denyoom")],
      );
    }
  });
});

async function withClient(server: RedisServer, use: (client: Redis) => Promise<void>) {
  const client = new Redis({ port: server.port, protocol: 2 });
  try {
    await use(client);
  } finally {
    client.disconnect();
  }
}

/** Asks Redis; what depends on the very millisecond and may be asked twice is, until the millisecond is known. */
async function hear(client: Redis, words: readonly string[]): Promise<Heard> {
  for (;;) {
    const [before, answered, after] = await client.pipeline().call("TIME").call(
      words[0]!,
      ...words.slice(1),
    ).call("TIME").exec() as [Error | null, unknown][];
    const [fromMs, toMs] = [before, after].map((one) => millisecondsOf(one![1] as string[]));
    const [error, answer] = answered!;
    if (words[0] === "SET" && words[3] === "PX" && fromMs !== toMs) continue;
    return { answer: error ? errorOf(error) : answer, fromMs: fromMs!, toMs: toMs! };
  }
}

function millisecondsOf([seconds, micros]: string[]): number {
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
}

/** The keyspace after the command, at a time that Redis may have done it at and with which the answers are the same. */
function agreeing(keyspace: Keyspace, words: readonly string[], heard: Heard): Keyspace {
  const { answer, fromMs, toMs } = heard;
  const times = Array.from({ length: toMs - fromMs + 1 }, (_, index) => fromMs + index);
  let first: unknown;
  for (const [index, nowMs] of times.entries()) {
    const copy = keyspace.clone();
    const modelled = answerOf(copy, words, nowMs);
    if (index === 0) first = modelled;
    const slackMs = toMs - fromMs + 5;
    if (isSame(words, modelled, answer, slackMs)) return copy;
  }
  assertEquals(first, answer, `${words.join(" ")}, at ${fromMs} to ${toMs}`);
  return keyspace;
}

function answerOf(keyspace: Keyspace, words: readonly string[], nowMs: number): unknown {
  try {
    return execute(keyspace, words, nowMs);
  } catch (error) {
    if (error instanceof ReplyError) return errorOf(error);
    throw error;
  }
}

/** Of an error the first word: the others differ from version to version. */
function errorOf(error: Error): { error: string } {
  return { error: error.message.split(" ")[0]! };
}

/** How long an entry has been idle is known but for `slackMs`. */
function isSame(
  words: readonly string[],
  modelled: unknown,
  answer: unknown,
  slackMs: number,
): boolean {
  if (words[0] !== "XPENDING" || !Array.isArray(modelled) || !Array.isArray(answer)) {
    return JSON.stringify(modelled) === JSON.stringify(answer);
  }
  const idle = (rows: unknown[][]) => rows.map(([, , ms]) => ms as number);
  const rest = (rows: unknown[][]) => rows.map(([id, by, , times]) => [id, by, times]);
  return JSON.stringify(rest(modelled)) === JSON.stringify(rest(answer)) &&
    idle(modelled).every((ms, index) => Math.abs(ms - idle(answer)[index]!) <= slackMs);
}

function isUseful(answer: unknown): boolean {
  if (Array.isArray(answer)) return answer.length > 0;
  if (answer !== null && typeof answer === "object") return false;
  return answer !== null && answer !== 0;
}
