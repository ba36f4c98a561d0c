/** The modelled server: blocked readers, messages, functions, and each way in which Redis fails. */
import { assert, assertEquals } from "@std/assert";
import type { Role } from "../../../adapters/redis/redis_connection.ts";
import type { Reply } from "./reply.ts";
import { type ModelProcess, ModelWorld } from "./model_world.ts";

const LIBRARY = `#!lua name=small
redis.register_function('add', function(keys) return redis.call('XADD', keys[1], '*', 'by', 'add') end)
redis.register_function{ function_name = 'spare', flags = { 'allow-oom' },
  callback = function(keys, args) return redis.call('XADD', keys[1], '*', 'by', args[1]) end }
redis.register_function{ function_name = 'look', flags = { 'no-writes' },
  callback = function(keys) return redis.call('XRANGE', keys[1], '-', '+') end }
redis.register_function{ function_name = 'meddle', flags = { 'no-writes' },
  callback = function(keys) return redis.call('XADD', keys[1], '*', 'by', 'meddle') end }
redis.register_function('half', function(keys)
  redis.call('SET', keys[1], 'written')
  return redis.call('XADD', keys[1], '*', 'by', 'half')
end)
redis.register_function('tell', function(keys, args) return redis.call('PUBLISH', args[1], args[2]) end)
`;
const OOM = "ReplyError: OOM command not allowed when used memory > 'maxmemory'.";
const READONLY = "ReplyError: READONLY You can't write against a read only replica.";

async function connected(world: ModelWorld, process: ModelProcess, role: Role = "calls") {
  const connection = process.way.open(role);
  await world.until("it is ready", () => connection.status === "ready", 60_000);
  const ask = (...words: (string | number)[]): Promise<unknown> => {
    const [name, ...args] = words;
    return connection.call(`${name}`, ...args).catch((error) => `${error.name}: ${error.message}`);
  };
  return { connection, ask, get: (...words: (string | number)[]) => world.ended(ask(...words)) };
}

function valuesOf(entries: unknown): string[] {
  return (entries as [string, string[]][]).map(([, [, value]]) => value!);
}

async function withLibrary(seed = 1, fsync: "everysec" | "always" = "everysec") {
  const world = new ModelWorld(seed, fsync);
  const process = world.process();
  const calls = await connected(world, process);
  assertEquals(await calls.get("FUNCTION", "LOAD", "REPLACE", LIBRARY), "small");
  return { world, process, ...calls };
}

Deno.test("a blocked reader is woken by a write to its key, also by a function's, and holds up what comes after it", async () => {
  const { world, get } = await withLibrary();
  const tail = await connected(world, world.process(), "tail");
  const order: string[] = [];
  const read = async (after: string) => {
    const answer = await tail.ask(
      "XREAD",
      "BLOCK",
      60_000,
      "STREAMS",
      "log",
      "other",
      after,
      "0-0",
    );
    order.push("read");
    return valuesOf((answer as [string, unknown][])[0]![1]);
  };
  const first = read("0-0");
  const behind = tail.ask("PING").then(() => order.push("ping"));
  await world.until("it waits", () => world.redis.blocked === 1);
  await world.pass(100);
  assertEquals(order, []);
  await get("FCALL", "add", 1, "log");
  assertEquals(await world.ended(first), ["add"]);
  await world.ended(behind);
  assertEquals(order, ["read", "ping"]);
  const second = read(world.redis.execute("XADD", "log", "*", "by", "test") as string);
  await world.until("it waits again", () => world.redis.blocked === 1);
  world.redis.execute("XADD", "log", "*", "by", "later");
  assertEquals(await world.ended(second), ["later"]);
});

Deno.test("a blocking read that finds nothing in its time gives null", async () => {
  const world = new ModelWorld();
  const { get } = await connected(world, world.process(), "tail");
  const startedAt = world.time.now;
  assertEquals(await get("XREAD", "BLOCK", 1_000, "STREAMS", "log", "0-0"), null);
  const tookMs = world.time.now - startedAt;
  assert(tookMs >= 1_000 && tookMs <= 1_100, `it took ${tookMs} ms`);
  assertEquals(world.redis.blocked, 0);
});

Deno.test("of readers of one group the one that waited first is served first, each entry once", async () => {
  const world = new ModelWorld();
  world.redis.execute("XGROUP", "CREATE", "work", "workers", "0", "MKSTREAM");
  const served: string[] = [];
  for (const name of ["first", "second", "third"]) {
    const { ask } = await connected(world, world.process(), "take");
    const words = ["GROUP", "workers", name, "COUNT", 1, "BLOCK", 60_000, "STREAMS", "work", ">"];
    const waiting = world.redis.blocked;
    ask("XREADGROUP", ...words).then((answer) => {
      served.push(`${name} ${valuesOf((answer as [string, unknown][])[0]![1])}`);
    });
    await world.until("it waits", () => world.redis.blocked === waiting + 1);
  }
  for (const value of ["1", "2"]) world.redis.execute("XADD", "work", "*", "v", value);
  await world.pass(200);
  assertEquals([served.sort(), world.redis.blocked], [["first 1", "second 2"], 1]);
});

Deno.test("what is given to a process that has died is lost with it, or it is known to be dead", async () => {
  const pending = new Set<number>();
  for (let seed = 1; seed <= 30; seed++) {
    const world = new ModelWorld(seed);
    world.redis.execute("XGROUP", "CREATE", "work", "workers", "0", "MKSTREAM");
    const dead = world.process();
    const { ask } = await connected(world, dead, "take");
    ask("XREADGROUP", "GROUP", "workers", "dead", "BLOCK", 5_000, "STREAMS", "work", ">");
    await world.until("it waits", () => world.redis.blocked === 1);
    dead.life.isAlive = false;
    world.redis.execute("XADD", "work", "*", "v", "1");
    await world.pass(100);
    assertEquals(world.redis.blocked, 0);
    const left = world.redis.execute("XPENDING", "work", "workers", "-", "+", "9");
    pending.add((left as Reply[]).length);
    await world.pass(6_000);
    assertEquals(world.redis.connections, 0);
  }
  assertEquals([...pending].sort(), [0, 1]);
});

Deno.test("a frozen process is given what it waits for, and reads it when it thaws", async () => {
  const world = new ModelWorld();
  const frozen = world.process();
  const { ask } = await connected(world, frozen, "tail");
  const read = ask("XREAD", "BLOCK", 60_000, "STREAMS", "log", "0-0");
  await world.until("it waits", () => world.redis.blocked === 1);
  frozen.life.frozenUntil = world.time.now + 5_000;
  world.redis.execute("XADD", "log", "*", "v", "1");
  assertEquals(world.redis.blocked, 0);
  await world.ended(read);
  assert(world.time.now >= frozen.life.frozenUntil);
});

Deno.test("a message reaches everybody who listens, in order, also from a function", async () => {
  const { world, get } = await withLibrary();
  const heard: string[][] = [];
  for (let index = 0; index < 2; index++) {
    const mine: string[] = [];
    heard.push(mine);
    const { connection } = await connected(world, world.process(), "replies");
    connection.on("pmessage", (_pattern, _channel, message) => mine.push(message));
    await world.ended(connection.psubscribe("a.?.[xy]"));
  }
  assertEquals(await get("PUBLISH", "a.1.x", "one"), 2);
  assertEquals(await get("FCALL", "tell", 0, "a.1.y", "two"), 2);
  assertEquals(await get("PUBLISH", "a.1.z", "another's"), 0);
  await world.pass(200);
  assertEquals(heard, [["one", "two"], ["one", "two"]]);
});

Deno.test("a function that is not there is an error, and one that was lost can be loaded again", async () => {
  const { world, get } = await withLibrary();
  assertEquals(await get("FCALL", "none", 0), "ReplyError: ERR Function not found");
  world.redis.loseFunctions();
  assertEquals(await get("FCALL", "add", 1, "log"), "ReplyError: ERR Function not found");
  assertEquals(await get("FUNCTION", "LOAD", LIBRARY), "small");
  assertEquals(
    await get("FUNCTION", "LOAD", LIBRARY),
    "ReplyError: ERR Library 'small' already exists",
  );
  await get("FCALL", "add", 1, "log");
  assertEquals(valuesOf(await get("FCALL", "look", 1, "log")), ["add"]);
});

Deno.test("a function that fails leaves what it wrote before; one that may only read writes nothing", async () => {
  const { world, get } = await withLibrary();
  assert(`${await get("FCALL", "half", 1, "key")}`.startsWith("ReplyError: WRONGTYPE"));
  assertEquals(world.redis.execute("GET", "key"), "written");
  assertEquals(
    `${await get("FCALL", "meddle", 1, "log")}`.includes("Write commands are not allowed"),
    true,
  );
  assertEquals(await get("FCALL", "look", 1, "log"), []);
});

Deno.test("with memory full only what needs none is done, and functions that may do without", async () => {
  const { world, get } = await withLibrary();
  world.redis.refuse("full", 10_000);
  assertEquals(await get("FCALL", "add", 1, "log"), OOM);
  assertEquals(await get("SET", "key", "value"), OOM);
  assertEquals(await get("FUNCTION", "LOAD", "REPLACE", LIBRARY), OOM);
  await get("FCALL", "spare", 1, "log", "spare");
  assertEquals(valuesOf(await get("FCALL", "look", 1, "log")), ["spare"]);
  assertEquals(await get("XDEL", "log", "0-1"), 0);
  await world.pass(10_000);
  await get("FCALL", "add", 1, "log");
  assertEquals(valuesOf(await get("XRANGE", "log", "-", "+")), ["spare", "add"]);
});

Deno.test("a replica refuses every write, and lets go of those who waited when it became one", async () => {
  const { world, get } = await withLibrary();
  const tail = await connected(world, world.process(), "tail");
  const read = tail.ask("XREAD", "BLOCK", 60_000, "STREAMS", "log", "0-0");
  await world.until("it waits", () => world.redis.blocked === 1);
  world.redis.refuse("read-only", 10_000);
  assert(`${await world.ended(read)}`.startsWith("ReplyError: UNBLOCKED force unblock"));
  await world.until("it is closed", () => tail.connection.status !== "ready");
  assertEquals(await get("FCALL", "spare", 1, "log", "x"), READONLY);
  assertEquals(await get("SET", "key", "value"), READONLY);
  assertEquals(await get("FCALL", "look", 1, "log"), []);
  assertEquals(await get("GET", "key"), null);
});

Deno.test("a busy Redis refuses everything; one that cannot save, what writes and PING", async () => {
  for (const fsync of ["everysec", "always"] as const) {
    const { world, get } = await withLibrary(1, fsync);
    world.redis.refuse("misconf", 5_000);
    for (const words of [["PING"], ["SET", "key", "value"], ["FCALL", "spare", 1, "log", "x"]]) {
      const told = fsync === "always"
        ? "configured to save RDB snapshots"
        : "Errors writing to the AOF";
      const answer = `${await get(...words)}`;
      assert(answer.startsWith("ReplyError: MISCONF") && answer.includes(told), answer);
    }
    assertEquals(await get("GET", "key"), null);
    world.redis.refuse("busy", 6_000);
    assert(`${await get("GET", "key")}`.startsWith("ReplyError: BUSY Redis is busy"));
  }
});

Deno.test("a killed Redis comes back with all that it did; calls on their way are lost, their answers or both", async () => {
  const kept = new Set<number>();
  for (let seed = 1; seed <= 20; seed++) {
    const { world, connection, ask, get } = await withLibrary(seed);
    await get("SET", "acknowledged", "yes");
    const calls = [1, 2, 3].map(() => ask("FCALL", "add", 1, "log"));
    await world.pass(1);
    world.redis.kill(500);
    const answers = await world.ended(Promise.all(calls));
    const told = answers.filter((answer) => !`${answer}`.startsWith("MaxRetries")).length;
    await world.until("it is back", () => connection.status === "ready");
    assertEquals(await get("GET", "acknowledged"), "yes");
    const { length } = await get("FCALL", "look", 1, "log") as unknown[];
    assert(told <= length, "an acknowledged write was lost");
    kept.add(length - told);
  }
  assert(kept.has(0) && kept.size > 1, `written without an answer: ${[...kept]}`);
});

Deno.test("while it loads a Redis that was started again is not ready", async () => {
  const { world, connection, get } = await withLibrary();
  world.redis.kill(0);
  await world.until("it is lost", () => connection.status !== "ready");
  world.redis.refuse("loading", 2_000);
  const loadedAt = world.time.now + 2_000;
  await world.until("it is back", () => connection.status === "ready");
  assert(world.time.now >= loadedAt);
  world.redis.refuse("loading", 1_000);
  assertEquals(
    await get("GET", "key"),
    "ReplyError: LOADING Redis is loading the dataset in memory",
  );
});

Deno.test("a rollback loses what came after the mark, functions too, and nothing else", async () => {
  const { world, connection, get } = await withLibrary();
  await get("SET", "before", "kept");
  world.redis.markSynced();
  await get("SET", "after", "lost");
  await get(
    "FUNCTION",
    "LOAD",
    "REPLACE",
    LIBRARY.replace("name=small", "name=later").replaceAll("_function('", "_function('later_")
      .replaceAll("= '", "= 'later_"),
  );
  for (let times = 0; times < 2; times++) {
    world.redis.rollBack(100);
    await world.until("it is lost", () => connection.status !== "ready");
    await world.until("it is back", () => connection.status === "ready");
    assertEquals([await get("GET", "before"), await get("GET", "after")], ["kept", null]);
    assertEquals(await get("FCALL", "look", 1, "log"), []);
    assertEquals(await get("FCALL", "later_look", 1, "log"), "ReplyError: ERR Function not found");
    await get("SET", "before", "kept");
    await get("SET", "after", "again");
  }
});

Deno.test("a jump of its clock moves the ids of streams and the ends of keys, and no wait", async () => {
  const world = new ModelWorld();
  const { get, ask } = await connected(world, world.process(), "tail");
  await get("SET", "key", "value", "PX", 60_000);
  const read = ask("XREAD", "BLOCK", 5_000, "STREAMS", "log", "0-0");
  world.redis.jumpClock(3_600_000);
  const startedAt = world.time.now;
  assertEquals(await world.ended(read), null);
  assert(world.time.now - startedAt >= 5_000);
  assertEquals(await get("GET", "key"), null);
  const [seconds] = await get("TIME") as string[];
  assertEquals(Number(seconds), Math.floor((world.time.now + 3_600_000) / 1_000));
});

Deno.test("a slow Redis, or a slow way, answers later, and in order", async () => {
  const world = new ModelWorld();
  const one = world.process();
  const { ask } = await connected(world, one);
  for (const makeSlow of [() => world.redis.slow(500, 2_000), () => one.way.delay(250, 2_000)]) {
    makeSlow();
    const startedAt = world.time.now;
    const answers = await world.ended(Promise.all([ask("PING"), ask("TIME"), ask("PING")]));
    assertEquals([answers[0], answers[2]], ["PONG", "PONG"]);
    const tookMs = world.time.now - startedAt;
    assert(tookMs >= 100 && tookMs <= 1_200, `it took ${tookMs} ms`);
    await world.pass(2_000);
  }
});

Deno.test("the same seed gives the same run", async () => {
  const run = async () => {
    const { world, process, ask } = await withLibrary(7);
    const told: string[] = [];
    const writers = Array.from({ length: 50 }, async (_, index) => {
      told.push(`${index} ${await ask("FCALL", "add", 1, "log")} ${world.time.now}`);
    });
    await world.pass(1);
    process.way.cut();
    await world.ended(Promise.all(writers));
    return told;
  };
  assertEquals(await run(), await run());
});
