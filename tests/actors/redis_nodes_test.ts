/** Nodes over a real Redis: a request of one node is the other's at once, and a long log is cut behind proved baselines. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import { verifyLog } from "../../actors/log_verification.ts";
import type { AskOptions } from "../../actors/system_port.ts";
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import type { Clock } from "../../events/clock.ts";
import { START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import { statusOf } from "../../machines/status.ts";
import { brokerOn, freshNamespace } from "../adapters/redis_world.ts";
import { appended, batch } from "../contracts/broker_samples.ts";
import { RedisServer } from "../support/redis_server.ts";
import { creation } from "./system_world.ts";

const ASKED: AskOptions = { timeoutMs: 5_000, wait: true, requestedBy: "test" };
const DAY_MS = 24 * 3_600_000;

let server: RedisServer;
Deno.test.beforeAll(async () => {
  server = await RedisServer.start();
});
Deno.test.afterAll(() => server.close());

/** A node of its own process, as far as Redis can tell; `clock` is what it takes the time from. */
async function nodeOn(
  namespace: string,
  nodeId: string,
  more: { clock?: Clock; retentionMs?: number } = {},
): Promise<{ broker: RedisBroker; system: FleetSystem; close(): Promise<void> }> {
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
    ...more,
  });
  const close = async () => {
    await system.shutdown();
    await broker.close();
  };
  return { broker, system, close };
}

Deno.test("redis: what one node has answered stands for the other at once, a hundred times in turn", async () => {
  const namespace = freshNamespace();
  const nodes = [await nodeOn(namespace, "a"), await nodeOn(namespace, "b")];
  assertEquals(nodes.filter(({ system }) => system.fence !== null).length, 1, "one of them leads");
  for (let n = 0; n < 100; n++) {
    const [one, other] = n % 2 ? nodes : nodes.toReversed();
    const idempotency = { key: `key-${n}`, digest: "d" };
    const created = await one!.system.ask(null, creation(), { ...ASKED, idempotency });
    const id = created.state!.context.instanceId;
    assertEquals(statusOf((await other!.system.get(id))!), "Created");
    const again = await other!.system.ask(null, creation(), { ...ASKED, idempotency });
    assertEquals(again.state?.context.instanceId, id);
    const changes = { name: `n${n}` };
    const changed = await other!.system.ask(id, { type: "configure", changes }, ASKED);
    assert(changed.kind === "done");
    const page = await one!.system.list({ limit: 1_000 }, changed.position);
    assertEquals(page.items.at(-1)?.context.specification?.name, `n${n}`);
  }
  for (const node of nodes) await node.close();
});

Deno.test("redis: a log that is older than its bound is cut behind baselines, and the fleet is the same", async () => {
  const namespace = freshNamespace();
  const writer = await nodeOn(namespace, "writer");
  const outcome = await writer.system.ask(null, creation(), ASKED);
  const id = outcome.state!.context.instanceId;
  const idle = await writer.system.ask(null, creation(), ASKED);
  for (let version = 1; version < 1_501; version += 50) {
    const events = Array.from(
      { length: 50 },
      (_, n) => newEvent("InstanceConfigured", { changes: { name: `n${version + n}` } }),
    );
    await appended(writer.broker, batch(id, version, { events }));
  }
  await writer.close();
  // Three days later, as far as this node can tell.
  const clock: Clock = { ...hostClock, now: () => hostClock.now() + 3 * DAY_MS };
  clock.monotonic = () => hostClock.monotonic();
  clock.after = (delayMs, run) => hostClock.after(delayMs, run);
  const keeper = await nodeOn(namespace, "keeper", { clock, retentionMs: DAY_MS });
  assertEquals(await keeper.system.keepWithinBounds(), { baselines: 2, cut: 999 });
  const error = await assertRejects(
    () => keeper.broker.log.read(START, 1),
    OperationalError,
  );
  assertEquals(error.code, "log_truncated");
  const report = await verifyLog(keeper.broker.log, keeper.broker.retention);
  assertEquals([report.differences, report.instances], [[], 2]);
  await keeper.system.shutdown();
  await keeper.broker.retention.dropSnapshot();
  await keeper.broker.close();
  const next = await nodeOn(namespace, "next");
  const { items } = await next.system.list({ limit: 9 });
  assertEquals(items.map(({ context }) => [context.instanceId, context.specification?.name]), [
    [id, "n1500"],
    [idle.state!.context.instanceId, "one"],
  ]);
  await next.close();
});

Deno.test("redis: a log that is emptied under a node is folded anew with the next request, and told as a loss", async () => {
  const { system, close } = await nodeOn(freshNamespace(), "a");
  try {
    const outcome = await system.ask(null, creation(), ASKED);
    if (outcome.kind !== "done") throw new Error(`it was ${outcome.kind}`);
    const id = outcome.state.context.instanceId;
    await server.cli("FLUSHALL");
    const change = { type: "configure", changes: { name: "two" } } as const;
    const after = await system.ask(id, change, ASKED);
    assert(
      after.kind === "rejected" && after.state === null,
      "the node knows at once that it is gone",
    );
    const { items } = await system.list({ limit: 9 });
    const { incidents } = await system.status();
    assertEquals([items.length, incidents.length], [0, 1]);
    assertEquals([incidents[0]?.code, incidents[0]?.instanceIds], ["HISTORY_ROLLBACK", [id]]);
  } finally {
    await close();
  }
});
