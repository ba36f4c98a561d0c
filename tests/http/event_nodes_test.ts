/** Event streams of several nodes over a real Redis: one goes on where another one's has ended, and one history is not another. */
import { assertEquals, assertMatch } from "@std/assert";
import { openInstanceSystem } from "../../actors/instance_system.ts";
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { createHttpApp } from "../../http/app.ts";
import { brokerOn, freshNamespace } from "../adapters/redis_world.ts";
import { RedisServer } from "../support/redis_server.ts";
import { apiClient, type Fetching } from "./support/api_client.ts";
import { apiOptions, TEST_INSTANCE } from "./support/api_world.ts";
import { EventReader } from "./support/event_reader.ts";

let server: RedisServer;
Deno.test.beforeAll(async () => {
  server = await RedisServer.start();
});
Deno.test.afterAll(() => server.close());

async function nodeOn(namespace: string, nodeId: string) {
  const broker = await brokerOn(server, namespace);
  const system = await openInstanceSystem({
    ...broker,
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId,
    queueTimeoutMs: 60_000,
    deriveId: (key) => `of-${key}`,
    onBug: (error) => {
      throw error;
    },
  });
  const app = createHttpApp(apiOptions(system));
  const call = apiClient(app);
  return {
    app,
    call,
    create: async () =>
      (await call("POST /api/server/instances", { body: TEST_INSTANCE })).json.id as string,
    close: async () => {
      await system.shutdown();
      await broker.close();
    },
  };
}

async function open(app: Fetching, query: string, lastEventId = "") {
  const headers = lastEventId === "" ? {} : { "last-event-id": lastEventId };
  return new EventReader(
    await app.fetch(new Request(`http://localhost/api/events${query}`, { headers })),
  );
}

Deno.test("redis: a stream goes on at another node where one has ended, without a gap or a repeat", async () => {
  const namespace = freshNamespace();
  const [one, other] = [await nodeOn(namespace, "a"), await nodeOn(namespace, "b")];
  const created: string[] = [];
  for (let n = 0; n < 5; n++) created.push(await one.create());
  const first = await open(one.app, "?after=0-0");
  const seen = (await first.take(4)).slice(1);
  await first.close();
  const second = await open(other.app, "?after=0-0", seen.at(-1)!.id);
  created.push(await other.create(), await one.create());
  const [connected, ...rest] = await second.take(5);
  assertEquals(connected!.id, seen.at(-1)!.id);
  assertEquals([...seen, ...rest].map(({ data }) => data.instanceId), created);
  await second.close();
  await one.close();
  await other.close();
});

Deno.test("redis: a place in a history that is no more is a gap, and what comes after it is told", async () => {
  const namespace = freshNamespace();
  const before = await nodeOn(namespace, "a");
  for (let n = 0; n < 3; n++) await before.create();
  const reader = await open(before.app, "?after=0-0");
  const last = (await reader.take(4)).at(-1)!.id;
  await reader.close();
  await before.close();
  await server.cli("FLUSHALL");
  const after = await nodeOn(namespace, "a");
  await after.create();
  const [gap] = await (await open(after.app, "", last)).take(1);
  assertEquals([gap!.event, gap!.data.code], ["gap", "HISTORY_ROLLBACK"]);
  assertMatch(gap!.data.detail, new RegExp(last));
  const next = await open(after.app, "", gap!.id);
  const id = await after.create();
  assertEquals((await next.take(2))[1]!.data.instanceId, id);
  await next.close();
  await after.close();
});
