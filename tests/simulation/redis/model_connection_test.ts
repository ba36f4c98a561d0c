/** The modelled connection does what ioredis does with the adapter's options: states, events, errors and time limits. */
import { assert, assertEquals } from "@std/assert";
import type { RedisConnection } from "../../../adapters/redis/redis_connection.ts";
import { settled } from "../virtual_time.ts";
import type { ModelProcess } from "./model_world.ts";
import { ModelWorld } from "./model_world.ts";

const NOT_WRITABLE = "Stream isn't writeable and enableOfflineQueue options is false";
const GIVEN_UP =
  'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.';

/** What a promise comes to, as soon as it does. */
function outcomeOf(promise: Promise<unknown>): { now: string } {
  const outcome = { now: "open" };
  promise.then(
    (reply) => outcome.now = `${reply}`,
    (error) => outcome.now = `${error.name}: ${error.message}`,
  );
  return outcome;
}

function eventsOf(connection: RedisConnection): string[] {
  const heard: string[] = [];
  for (const event of ["ready", "close", "end"] as const) {
    connection.on(event, () => heard.push(event));
  }
  connection.on("error", (error) => heard.push(error.message));
  return heard;
}

async function ready(
  world: ModelWorld,
  { way }: ModelProcess,
  role: Parameters<typeof way.open>[0],
) {
  const connection = way.open(role);
  await world.until("it is ready", () => connection.status === "ready");
  return connection;
}

Deno.test("a connection that is not ready refuses at once", async () => {
  const world = new ModelWorld();
  const { way } = world.process();
  const calls = way.open("calls");
  const replies = way.open("replies");
  const refused = [outcomeOf(calls.call("PING")), outcomeOf(replies.psubscribe("r.*"))];
  await settled();
  assertEquals(calls.status, "connecting");
  for (const { now } of refused) assertEquals(now, `Error: ${NOT_WRITABLE}`);
});

Deno.test("answers come in the order of the calls, whatever the network does, also after a freeze", async () => {
  const world = new ModelWorld();
  const one = world.process();
  const connection = await ready(world, one, "calls");
  const answered: number[] = [];
  const calls = Array.from({ length: 200 }, async (_, index) => {
    await connection.call("HSET", "order", `field-${index}`, index);
    answered.push(index);
  });
  one.life.frozenUntil = world.time.now + 1_000;
  await world.ended(Promise.all(calls));
  assertEquals(answered, Array.from({ length: 200 }, (_, index) => index));
  assert(world.time.now >= one.life.frozenUntil, "a frozen process hears nothing");
  const fields = world.redis.execute("HGETALL", "order") as string[];
  assertEquals(fields.filter((_, index) => index % 2 === 1).map(Number), answered);
});

Deno.test("bytes are kept, and given as bytes or as text", async () => {
  const world = new ModelWorld();
  const connection = await ready(world, world.process(), "calls");
  const bytes = new Uint8Array([104, 105]);
  await world.ended(connection.call("SET", "key", bytes as unknown as string));
  assertEquals(await world.ended(connection.call("GET", "key")), "hi");
  const got = await world.ended(connection.callBuffer("GET", "key"));
  assert(got instanceof Uint8Array);
  assertEquals([...got], [...bytes]);
});

Deno.test("a cut connection rejects what was in flight, does not send it again, and connects anew", async () => {
  const executed = new Set<number>();
  for (let seed = 1; seed <= 60; seed++) {
    const world = new ModelWorld(seed);
    const one = world.process();
    const connection = await ready(world, one, "calls");
    const heard = eventsOf(connection);
    const calls = [1, 2, 3].map((value) =>
      outcomeOf(connection.call("XADD", "log", "*", "v", value))
    );
    // Some answers are on their way by then.
    if (seed % 2 === 0) await world.pass(1);
    const open = calls.filter(({ now }) => now === "open");
    one.way.cut();
    await world.until("it is lost", () => connection.status === "reconnecting");
    for (const { now } of open) assertEquals(now, `MaxRetriesPerRequestError: ${GIVEN_UP}`);
    await world.until("it is back", () => connection.status === "ready");
    assertEquals(heard, ["read ECONNRESET", "close", "ready"]);
    await world.pass(5_000);
    const entries = world.redis.execute("XRANGE", "log", "-", "+") as [string, string[]][];
    assertEquals(entries.map(([, [, value]]) => value), ["1", "2", "3"].slice(0, entries.length));
    executed.add(entries.length);
  }
  assertEquals([...executed].sort(), [0, 1, 2, 3], "lost before or after they were executed");
});

Deno.test("a call that is not answered times out; its late answer is dropped, and the next gets its own", async () => {
  const world = new ModelWorld();
  const one = world.process();
  const connection = await ready(world, one, "calls");
  const startedAt = world.time.now;
  const first = outcomeOf(connection.call("HSET", "hash", "field", "first"));
  one.way.silence(5_000);
  await world.until("it times out", () => first.now !== "open");
  assertEquals([first.now, world.time.now - startedAt], ["Error: Command timed out", 3_000]);
  const second = connection.call("HGET", "hash", "field");
  assertEquals(await world.ended(second), "first", "it was executed after all");
  assertEquals(connection.status, "ready", "nobody was told of the silence");
});

Deno.test("a blocking role has no time limit of its own", async () => {
  const world = new ModelWorld();
  const one = world.process();
  const connection = await ready(world, one, "tail");
  const read = outcomeOf(connection.call("PING"));
  one.way.silence(20_000);
  await world.pass(19_000);
  assertEquals(read.now, "open");
  await world.until("it is answered", () => read.now === "PONG");
});

Deno.test("connecting into a silence is given up after three seconds and tried again", async () => {
  const world = new ModelWorld();
  const one = world.process();
  one.way.silence(4_000);
  const connection = one.way.open("calls");
  const heard = eventsOf(connection);
  await world.until("it gives up", () => heard.length >= 2);
  assertEquals([heard, world.time.elapsed], [["connect ETIMEDOUT", "close"], 3_000]);
  await world.until("it is ready", () => connection.status === "ready");
  await world.pass(1_000);
  assertEquals(world.redis.connections, 1, "the server has forgotten what was given up");
});

Deno.test("while Redis is down connections are refused, and tried again at growing distances", async () => {
  const world = new ModelWorld();
  const connection = await ready(world, world.process(), "calls");
  const heard = eventsOf(connection);
  const closedAt: number[] = [];
  connection.on("close", () => closedAt.push(world.time.elapsed));
  world.redis.kill(10_000);
  await world.until("it is lost", () => connection.status !== "ready");
  await world.until("it is back", () => connection.status === "ready", 20_000);
  assertEquals(new Set(heard), new Set(["close", "connect ECONNREFUSED", "ready"]));
  const gaps = closedAt.slice(1).map((at, index) => at - closedAt[index]!);
  assert(gaps[0]! >= 50 && gaps[0]! <= 250, `the first is after ${gaps[0]} ms`);
  assert(gaps.slice(6).every((gap) => gap >= 500 && gap <= 1_150), `later ones: ${gaps}`);
});

Deno.test("a connection that is let go closes and ends; what it was asked fails", async () => {
  const world = new ModelWorld();
  const connection = await ready(world, world.process(), "take");
  const heard = eventsOf(connection);
  const read = outcomeOf(connection.call("XREAD", "BLOCK", 60_000, "STREAMS", "log", "0-0"));
  await world.until("it waits", () => world.redis.blocked === 1);
  connection.disconnect();
  const late = outcomeOf(connection.call("PING"));
  await world.until("it has ended", () => connection.status === "end");
  assertEquals(heard, ["close", "end"]);
  assertEquals([read.now, late.now], ["Error: Connection is closed.", `Error: ${NOT_WRITABLE}`]);
  assertEquals(world.redis.blocked, 0, "the server has forgotten it");
  const after = outcomeOf(connection.call("PING"));
  await settled();
  assertEquals(after.now, "Error: Connection is closed.");
  await world.pass(5_000);
  assertEquals(world.redis.connections, 0, "it does not connect again");
});

Deno.test("one that is let go within a silence ends after two seconds; the server hears of it after the silence", async () => {
  const world = new ModelWorld();
  const one = world.process();
  const connection = await ready(world, one, "take");
  connection.call("XREAD", "BLOCK", 60_000, "STREAMS", "log", "0-0").catch(() => {});
  await world.until("it waits", () => world.redis.blocked === 1);
  one.way.silence(10_000);
  const startedAt = world.time.now;
  connection.disconnect();
  await world.until("it has ended", () => connection.status === "end");
  assertEquals([world.time.now - startedAt, world.redis.blocked], [2_000, 1]);
  await world.until("the server knows", () => world.redis.blocked === 0, 12_000);
});

Deno.test("a pattern is heard until the connection is lost, and again once it is subscribed to anew", async () => {
  const world = new ModelWorld();
  const one = world.process();
  const replies = await ready(world, one, "replies");
  const heard: string[] = [];
  replies.on(
    "pmessage",
    (pattern, channel, message) => heard.push(`${pattern} ${channel} ${message}`),
  );
  const publish = (channel: string, text: string) => world.redis.execute("PUBLISH", channel, text);
  assertEquals(await world.ended(replies.psubscribe("r.*.x")), 1);
  assertEquals([publish("r.1.x", "one"), publish("r.1.y", "another's")], [1, 0]);
  await world.until("it is heard", () => heard.length === 1);
  one.way.cut();
  await world.until("it is lost", () => replies.status !== "ready");
  await world.until("it is back", () => replies.status === "ready");
  await world.pass(1_000);
  assertEquals(publish("r.2.x", "two"), 0, "nobody subscribes by itself");
  assertEquals(await world.ended(replies.psubscribe("r.*.x")), 1);
  assertEquals(publish("r.3.x", "three"), 1);
  await world.pass(100);
  assertEquals(heard, ["r.*.x r.1.x one", "r.*.x r.3.x three"]);
});

Deno.test("as in ioredis, one that is let go between two attempts stays as it is, and tries no more", async () => {
  const world = new ModelWorld();
  world.redis.kill(5_000);
  const connection = world.process().way.open("take");
  const heard = eventsOf(connection);
  await world.until("it was refused", () => connection.status === "reconnecting");
  connection.disconnect();
  await world.pass(10_000);
  assertEquals(connection.status, "reconnecting");
  assertEquals(heard, ["connect ECONNREFUSED", "close"]);
});
