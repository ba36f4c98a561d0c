/** What anybody may send to Redis: nothing of it damages the log, the fleet's records or a node. */
import { Redis } from "ioredis";
import { assert, assertEquals } from "@std/assert";
import { functionLibrary } from "../../adapters/redis/function_library.ts";
import { RedisKeys } from "../../adapters/redis/keys.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { exitSchema } from "../../events/runtime_info.ts";
import {
  appended,
  batch,
  command,
  joined,
  observed,
  PLATFORM,
  registration,
  request,
  running,
  startedBy,
  stopped,
  success,
} from "../contracts/broker_samples.ts";
import { RedisServer } from "../support/redis_server.ts";
import { brokerOn, freshNamespace } from "./redis_world.ts";

let server: RedisServer;
Deno.test.beforeAll(async () => {
  server = await RedisServer.start();
});
Deno.test.afterAll(() => server.close());

/** A fleet, and a client that calls its functions as a program of another language would. */
interface Strangers {
  broker: RedisBroker;
  client: Redis;
  keys: RedisKeys;
  /** The function's answer, or the text of its error. */
  call(step: string, args: (string | number)[], more?: string[]): Promise<unknown>;
}

function test(sentence: string, run: (world: Strangers) => Promise<void>): void {
  Deno.test(`redis: ${sentence}`, async () => {
    const namespace = freshNamespace();
    const keys = new RedisKeys(namespace);
    const broker = await brokerOn(server, namespace);
    const client = new Redis(server.url);
    const call = (step: string, args: (string | number)[], more: string[] = []) => {
      const all = [...keys.base, ...more];
      const name = `${functionLibrary().name}_${step}`;
      return client.call("FCALL", name, all.length, ...all, ...args)
        .catch((error) => (error as Error).message);
    };
    try {
      await run({ broker, client, keys, call });
    } finally {
      client.disconnect();
      await broker.close();
    }
  });
}

/** What a start of `i` by `w` is ended with, as text, with a place for what is wrong with it. */
function completion(commandId: string, info: string, more = ""): string {
  return `{"commandId":"${commandId}","attempt":1,"workerId":"w","response":` +
    `{"type":"StartInstanceResponse","instanceId":"i","success":true${more},"runtimeInfo":${info}}}`;
}

const GOOD = JSON.stringify(running("i", "run-1"));

const BAD_COMPLETIONS: Record<string, (id: string) => string> = {
  "a time beyond all numbers": (id) => completion(id, GOOD.replace("1000", "1e999")),
  "a fact beyond all numbers": (id) => completion(id, GOOD.replace("{", '{"load":1e999,')),
  "a number that is none": (id) => completion(id, GOOD, ',"load":NaN'),
  "a number without its digits": (id) => completion(id, GOOD, ',"load":1.'),
  "a hexadecimal number": (id) => completion(id, GOOD, ',"load":0x10'),
  "a line break within a text": (id) => completion(id, GOOD, ',"errorMessage":"a\nb"'),
  "a generation beyond all numbers": (id) =>
    completion(id, GOOD.replace('"generation":1', '"generation":1e300')),
  "a generation between two": (id) =>
    completion(id, GOOD.replace('"generation":1', '"generation":1.5')),
  "a generation below nothing": (id) =>
    completion(id, GOOD.replace('"generation":1', '"generation":-1')),
  "a response as long as a book": (id) =>
    completion(id, GOOD, `,"errorMessage":"${"x".repeat(300_000)}"`),
};

for (const [what, make] of Object.entries(BAD_COMPLETIONS)) {
  test(`${what} is refused before anything is written`, async ({ broker, call }) => {
    const channel = await joined(broker, "w");
    const sent = await startedBy(broker, channel, "i");
    const before = await broker.log.head();
    const answer = await call("complete", ["w", "w-life-1", make(sent.messageId)]);
    assert(String(answer).startsWith("DRAASMALFORMED"), String(answer));
    assertEquals(await broker.log.head(), before);
    const outcome = await channel.complete(
      sent.messageId,
      1,
      success(sent.type, "i", running("i", "run-1")),
    );
    assertEquals(outcome.kind, "completed");
    const { version } = await broker.log.latest("i");
    await appended(broker, batch("i", version));
    assertEquals((await broker.log.history("i", 9)).length, version + 1);
  });
}

test("a report says whose it is", async ({ broker, call }) => {
  await joined(broker, "w");
  await appended(broker, batch("i", 0));
  const { instanceId, observation, runtimeInfo } = observed("Found", running("i", "run-1"));
  for (const worker of [{}, { workerId: "someone-else" }]) {
    const text = JSON.stringify({ instanceId, observation, runtimeInfo, ...worker });
    const answer = await call("observe", ["w", "w-life-1", text]);
    assert(String(answer).startsWith("DRAASMALFORMED"), String(answer));
  }
  assertEquals((await broker.log.latest("i")).version, 1);
});

test("what is said of health is marked as one that an older release may pass over, and must be well formed", async ({ broker, call, client, keys }) => {
  const channel = await joined(broker, "w");
  await appended(broker, batch("i", 0));
  await channel.observe(observed("Found", running("i", "run-1")));
  const sound = { instanceId: "i", runId: "run-1", runGeneration: 1, health: "unhealthy" };
  const components = [{ kind: "source", name: "s1", status: "Error" }];
  const told = { ...sound, cause: "components", reason: "s1", components, workerId: "w" };
  assertEquals(await call("observe", ["w", "w-life-1", JSON.stringify(told)]), ["recorded"]);
  const [[, fields] = ["", []]] = await client.xrevrange(keys.log, "+", "-", "COUNT", 1);
  assertEquals(fields.slice(-2), ["x", "1"]);
  const { version } = await broker.log.latest("i");
  for (
    const fault of [
      { runId: 7 },
      { runGeneration: -1 },
      { health: "well" },
      { cause: "weather" },
      { reason: "x".repeat(5_000) },
      { components: [] },
      { components: {} },
      { components: [{ kind: "source" }] },
      { components: Array.from({ length: 21 }, () => components[0]) },
      { start: { step: "dancing", since: 1 } },
      { workerId: "someone-else" },
    ]
  ) {
    const text = JSON.stringify({ ...told, ...fault });
    const answer = await call("observe", ["w", "w-life-1", text]);
    assert(String(answer).startsWith("DRAASMALFORMED"), text);
  }
  const capsule = { environment: { A: "x".repeat(20_000) }, probes: [] };
  const large = JSON.stringify({
    ...observed("Exited", { ...stopped("i", "run-1"), capsule }),
    workerId: "w",
  });
  assert(String(await call("observe", ["w", "w-life-1", large])).startsWith("DRAASMALFORMED"));
  assertEquals((await broker.log.latest("i")).version, version);
});

for (const reason of exitSchema.shape.reason.options) {
  test(`a run that ended with ${reason} is taken as it is`, async ({ broker }) => {
    const channel = await joined(broker, "w");
    await appended(broker, batch("i", 0));
    const info = stopped("i", "run-1");
    const told = { ...info, leaseMs: 30_000, exit: { ...info.exit!, reason } };
    assertEquals(await channel.observe(observed("Exited", told)), "recorded");
    const [event] = await broker.log.history("i", 1);
    assertEquals(event?.type === "RuntimeObserved" && event.data.runtimeInfo, told);
  });
}

test("a message that was cut in the middle of a character ends its command all the same", async ({ broker }) => {
  const channel = await joined(broker, "w");
  const sent = await startedBy(broker, channel, "i");
  const failed = {
    ...success(sent.type, "i"),
    success: false,
    errorMessage: "it said \\ud83d and 😀".slice(0, -1),
  };
  const outcome = await channel.complete(sent.messageId, 1, failed);
  assert(outcome.kind === "completed" && outcome.event.type === "CommandFailed");
  assertEquals(outcome.event.data.response.errorMessage, "it said \\ud83d and \ufffd");
  const info = { ...running("i", "run-1"), logTail: "😀".slice(1) };
  assertEquals(await channel.observe(observed("Found", info)), "recorded");
});

const REGISTRATION = ["w", "life-1", "machine", PLATFORM, "site-1", "4", "1.0.0", "{}", 5000, 64];
const BAD_REGISTRATIONS: Record<string, [number, string]> = {
  "an id with a space": [0, "a b"],
  "an incarnation with a space": [1, "a b"],
  "an empty incarnation": [1, ""],
  "a platform with a dot": [3, "process.x"],
  "a site with a bar": [4, "a|b"],
  "a site that would read another's stops": [4, "a:urgent"],
  "slots that are no number": [5, "many"],
  "labels that are no object": [7, "[]x"],
  "labels that are no texts": [7, '{"zone":1}'],
};

for (const [what, [place, text]] of Object.entries(BAD_REGISTRATIONS)) {
  test(`a worker with ${what} is refused at the door`, async ({ broker, keys, call }) => {
    const args = REGISTRATION.with(place, text);
    const [worker, , , platform, site] = args.map(String) as [
      string,
      string,
      string,
      string,
      string,
    ];
    const more = [keys.control(worker), ...keys.workerStreams(platform, site)];
    const answer = await call("register", args, [...more, keys.queries(platform, site)]);
    assert(String(answer).startsWith("DRAASMALFORMED"), JSON.stringify(answer));
    assertEquals(await broker.bus.workers(), []);
  });
}

test("a beat that does not say how busy it is changes nothing", async ({ broker, call }) => {
  await joined(broker, "w");
  const answer = await call("heartbeat", ["w", "w-life-1", "a lot"]);
  assert(String(answer).startsWith("DRAASMALFORMED"), JSON.stringify(answer));
  assertEquals((await broker.bus.workers())[0]?.busy, 0);
});

test("what is no reply is not taken for one, and the reply that comes is heard", async ({ broker, client }) => {
  const channel = await joined(broker, "w");
  const reply = await broker.bus.expectReply(PLATFORM);
  const sent = command("i", "c", { replyChannel: reply.replyChannel });
  await appended(broker, request(sent, 0));
  await channel.accept("c");
  for (const text of ["no JSON", "null", "[]", '{"type":"NeverHeardOf","schema":1}']) {
    await client.publish(reply.replyChannel, text);
  }
  await channel.complete("c", 1, success(sent.type, "i"));
  assertEquals((await reply.ended).type, "CommandSucceeded");
  reply.close();
});

test("an answer of a site that is none fails the question, and the node lives on", async ({ broker, client, keys }) => {
  await joined(broker, "w");
  const stream = keys.queries(PLATFORM, registration("w").site);
  for (const text of ["no JSON", "null", '{"number":"x","lines":1}']) {
    const asked = broker.bus.query("site-1", { type: "logs", instanceId: "i", tailLines: 1 }, 2_000)
      .catch((error) => error.code);
    const read = await client.xread("BLOCK", 2_000, "STREAMS", stream, "0");
    const [entry, [, question]] = read![0]![1]![0]! as [string, [string, string]];
    await client.xdel(stream, entry);
    await client.publish(JSON.parse(question).replyChannel, text);
    assertEquals(await asked, "query_failed");
  }
});
