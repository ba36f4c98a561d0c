/** Redis at its limits: no memory, no functions, another release's functions beside ours, keys of the wrong type. `traps.md` 16, 17, 20. */
import { functionLibrary } from "../../adapters/redis/function_library.ts";
import { RedisKeys } from "../../adapters/redis/keys.ts";
import {
  batch,
  command,
  joined,
  observed,
  request,
  running,
  startedBy,
  success,
} from "../contracts/broker_samples.ts";
import { type RedisServer, testWithRedis } from "../support/redis_server.ts";
import { assert, assertEquals } from "@std/assert";
import { brokerAt, failureOf, until } from "./redis_fault_world.ts";

const DEBUGGABLE = { config: ["enable-debug-command yes"] };

testWithRedis(
  "without memory an append writes nothing, and work that was begun is still ended",
  async (server) => {
    const broker = await brokerAt(server.url, "test");
    try {
      const channel = await joined(broker, "worker-1");
      const sent = await startedBy(broker, channel, "i-1");
      await server.cli("CONFIG", "SET", "maxmemory", "1");
      const before = await server.cli("DEBUG", "DIGEST");
      const { code } = await failureOf(broker.log.append(request(command("i-2", "start-2"), 0)));
      assertEquals(code, "redis_out_of_memory");
      assertEquals(await server.cli("DEBUG", "DIGEST"), before, "nothing was written");
      assertEquals(broker.availability.away(), null, "a full Redis is not away");
      assertEquals(await channel.heartbeat(1), "ok");
      const response = success("StartInstanceCommand", "i-1", running("i-1", "run-1"));
      assertEquals((await channel.complete(sent.messageId, 1, response)).kind, "completed");
      assertEquals(await channel.observe(observed("Lost", running("i-1", "run-1"))), "recorded");
      await server.cli("CONFIG", "SET", "maxmemory", "0");
      assertEquals((await broker.log.append(batch("i-2", 0))).kind, "appended");
    } finally {
      await broker.close();
    }
  },
  DEBUGGABLE,
);

testWithRedis(
  "functions that are flushed under use are loaded anew, and nobody notices",
  async (server) => {
    const broker = await brokerAt(server.url, "test");
    try {
      for (let round = 0; round < 5; round++) {
        const calls = Array.from(
          { length: 40 },
          (_, n) => broker.log.append(batch(`i-${n}`, round)),
        );
        await server.cli("FUNCTION", "FLUSH");
        const kinds = (await Promise.all(calls)).map(({ kind }) => kind);
        assertEquals(new Set(kinds), new Set(["appended"]));
      }
      assertEquals((await broker.log.read("0-0", 1_000)).length, 200);
    } finally {
      await broker.close();
    }
  },
);

testWithRedis("two releases' functions stand side by side over one namespace", async (server) => {
  const old = await brokerAt(server.url, "test", { functions: functionLibrary(901) });
  const young = await brokerAt(server.url, "test", { functions: functionLibrary(902) });
  try {
    const channel = await joined(young, "worker-1");
    const sent = await startedBy(old, channel, "i-1");
    const response = success("StartInstanceCommand", "i-1", running("i-1", "run-1"));
    assertEquals((await channel.complete(sent.messageId, 1, response)).kind, "completed");
    assertEquals((await old.log.append(batch("i-1", 3))).kind, "appended");
    assertEquals((await young.log.latest("i-1")).version, 4);
    const libraries = await server.cli("FUNCTION", "LIST");
    assert(libraries.includes("draas_v901") && libraries.includes("draas_v902"));
  } finally {
    await old.close();
    await young.close();
  }
});

/** One call of a function as the adapter made it. */
interface Call {
  name: string;
  keys: string[];
  args: string[];
}

/** Values that no caller of ours sends. */
const WRONG = ["", "x", "-1", "{}", "null", "[]", '{"a":', "9".repeat(400), "1e999"];

testWithRedis(
  "no function writes anything when it fails: wrong types at keys, malformed arguments",
  async (server) => {
    const calls = await recordedCalls(server);
    const names = new Set(calls.map(({ name }) => name.replace(/^draas_v\d+_/, "")));
    for (const name of ["append", "accept", "complete", "observe", "register", "take", "lead"]) {
      assert(names.has(name), `${name} was recorded`);
    }
    const broken: string[] = [];
    let failures = 0;
    const attempt = async ({ name, keys, args }: Call, what: string) => {
      const before = await server.cli("DEBUG", "DIGEST");
      try {
        await server.cli("FCALL", name, `${keys.length}`, ...keys, ...args);
      } catch {
        failures++;
        if (await server.cli("DEBUG", "DIGEST") !== before) broken.push(`${name}: ${what}`);
      }
    };
    for (const call of calls) {
      for (const [place, key] of call.keys.entries()) {
        const wrong = `{draas:test}:wrong`;
        const isList = place % 2 === 0;
        await server.cli("DEL", wrong);
        await server.cli(...(isList ? ["RPUSH", wrong, "1"] : ["SET", wrong, "text"]));
        await attempt({ ...call, keys: call.keys.with(place, wrong) }, `wrong type for ${key}`);
      }
      for (const place of call.args.keys()) {
        const value = WRONG[(place + call.args.length) % WRONG.length]!;
        await attempt(
          { ...call, args: call.args.with(place, value) },
          `argument ${place}: ${value}`,
        );
      }
      await attempt({ ...call, args: [] }, "no arguments");
    }
    assert(failures > 50, `only ${failures} calls failed: the test has lost its teeth`);
    assertEquals(broken, []);
  },
  DEBUGGABLE,
);

/** The calls of a short life of a fleet, one of each function, as Redis saw them. */
async function recordedCalls(server: RedisServer): Promise<Call[]> {
  const seen = new Map<string, Call>();
  await using monitor = await Monitor.open(server.port);
  const broker = await brokerAt(server.url, "test");
  try {
    await broker.leadership.acquire("node", 60_000);
    const channel = await joined(broker, "worker-1");
    const sent = await startedBy(broker, channel, "i-1");
    await channel.heartbeat(1);
    const response = success("StartInstanceCommand", "i-1", running("i-1", "run-1"));
    await channel.complete(sent.messageId, 1, response);
    await channel.observe(observed("Lost", running("i-1", "run-1")));
    await broker.log.append(request(command("i-2", "start-2"), 0));
    await channel.take(1, 1_000);
    await broker.bus.forget("worker-1", 0).catch(() => {});
    await until("all was seen", () => {
      for (const call of monitor.calls()) seen.set(call.name, call);
      return [...seen.keys()].some((name) => name.endsWith("_forget"));
    });
  } finally {
    await broker.close();
  }
  assertEquals(new RedisKeys("test").base.length, 11, "keys come first in each call");
  return [...seen.values()];
}

/** What Redis is told by everybody, as its MONITOR prints it. */
class Monitor {
  #text = "";

  private constructor(private readonly connection: Deno.TcpConn) {
    void this.#read().catch(() => {});
  }

  static async open(port: number): Promise<Monitor> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode("MONITOR\r\n"));
    return new Monitor(connection);
  }

  calls(): Call[] {
    return this.#text.split("\r\n").flatMap((line) => {
      const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) =>
        unquoted(word)
      );
      if (words[0] !== "FCALL") return [];
      const count = Number(words[2]);
      return [{ name: words[1]!, keys: words.slice(3, 3 + count), args: words.slice(3 + count) }];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.close();
    await Promise.resolve();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    for (let count; (count = await this.connection.read(buffer)) !== null;) {
      this.#text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
  }
}

function unquoted(word: string): string {
  return word.replace(
    /\\(x([0-9a-f]{2})|.)/g,
    (_, one: string, hex?: string) =>
      hex ? String.fromCharCode(parseInt(hex, 16)) : { n: "\n", r: "\r", t: "\t" }[one] ?? one,
  );
}
