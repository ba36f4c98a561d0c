/** Faults that strike at one exact moment, or for long: the adapter on a modelled Redis, in virtual time. */
import { assert, assertEquals } from "@std/assert";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  openRedisBroker,
  type RedisBroker,
  type RedisBrokerOptions,
} from "../../adapters/redis/redis_broker.ts";
import type { RedisConnection, Role } from "../../adapters/redis/redis_connection.ts";
import { sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import { START } from "../../events/envelope.ts";
import type { AvailabilityChange } from "../../events/event_log.ts";
import { batch, joined } from "../contracts/broker_samples.ts";
import { countingIds } from "../simulation/chance.ts";
import { type ModelProcess, ModelWorld } from "../simulation/redis/model_world.ts";

/** A broker of a process of the world. */
function brokerOf(
  world: ModelWorld,
  { way, life }: ModelProcess,
  more: Partial<RedisBrokerOptions> = {},
): Promise<RedisBroker> {
  const clock = world.time.clockOf(life);
  const options = { url: "", namespace: "test", clock, ids: countingIds(), connector: way };
  return world.ended(openRedisBroker({ ...options, ...more }));
}

/** Counts what a process opens, and lets go of, from now on. */
function connectionsOf({ way }: ModelProcess) {
  const opened: Role[] = [];
  const letGo = new Map<RedisConnection, number>();
  const open = way.open.bind(way);
  way.open = (role) => {
    const connection = open(role);
    opened.push(role);
    const disconnect = connection.disconnect.bind(connection);
    connection.disconnect = () => {
      letGo.set(connection, (letGo.get(connection) ?? 0) + 1);
      disconnect();
    };
    return connection;
  };
  return { opened, letGo };
}

Deno.test("an append whose functions are lost again once they were loaded fails as one that may be repeated", async () => {
  const world = new ModelWorld();
  const broker = await brokerOf(world, world.process());
  const { redis } = world;
  const receive = redis.receive.bind(redis);
  redis.receive = (client, parcel) => {
    if (parcel.kind === "call" && parcel.words[0] === "FCALL") redis.loseFunctions();
    receive(client, parcel);
  };
  const error = await world.ended(broker.log.append(batch("i-1", 0)).catch((cause) => cause));
  assert(error instanceof OperationalError, `${error}`);
  assertEquals([error.code, error.retryable], ["log_unavailable", true]);
  redis.receive = receive;
  assertEquals((await world.ended(broker.log.append(batch("i-1", 0)))).kind, "appended");
  await world.ended(broker.close());
});

Deno.test("an event that was only read in a page, and not told by a tail, is missed once the log has lost it", async () => {
  const world = new ModelWorld();
  const [writer, reader] = [
    await brokerOf(world, world.process()),
    await brokerOf(world, world.process()),
  ];
  const changes: AvailabilityChange[] = [];
  reader.availability.watch((change) => changes.push(change));
  await world.ended(writer.log.append(batch("i-1", 0)));
  world.redis.markSynced();
  await world.ended(writer.log.append(batch("i-2", 0)));
  const pages = await world.ended(reader.log.read(START, 10));
  assertEquals(pages.map(({ instanceId }) => instanceId), ["i-1", "i-2"]);
  world.redis.rollBack(100);
  await world.until("the reader is back", () => changes.at(-1)?.kind === "back");
  const told = changes.find(({ kind }) => kind === "rollback");
  assert(told?.kind === "rollback", JSON.stringify(changes));
  assertEquals(told.rollback.instanceIds, ["i-2"]);
  await world.ended(Promise.all([writer.close(), reader.close()]));
});

Deno.test("while Redis is away nobody opens connections; what was let go is not held until the end", async () => {
  const world = new ModelWorld();
  using _ = world.asHostClock();
  const process = world.process();
  const { opened, letGo } = connectionsOf(process);
  const broker = await brokerOf(world, process);
  const channel = await world.ended(joined(broker, "worker-1"));
  const clock = world.time.clockOf(process.life);
  channel.serveQueries(() => Promise.resolve([]));
  await world.ended(broker.log.tail(START, () => {}));
  let isOver = false;
  const take = async (max: number) => {
    while (!isOver) {
      await channel.take(max, 400).catch(() => {});
      await sleep(clock, 10);
    }
  };
  const taking = Promise.all([take(1), take(0)]);
  await world.pass(5_000);
  const rolesInUse = [...opened];
  assertEquals(rolesInUse.toSorted(), ["calls", "queries", "tail", "take", "take"]);
  world.redis.kill(60_000);
  await world.until("its absence is known", () => broker.availability.away() !== null);
  const atOnce = opened.length;
  await world.pass(55_000);
  assertEquals(opened.slice(atOnce), [], "in an outage of a minute");
  await world.until("it is back", () => broker.availability.away() === null);
  await world.pass(5_000);
  assertEquals(world.redis.connections, rolesInUse.length, "each role has its connection again");
  isOver = true;
  await world.ended(taking);
  const before = new Map(letGo);
  assert(before.size > 0, "some were let go in the outage");
  await world.ended(broker.close());
  const again = [...before].filter(([one, times]) => letGo.get(one)! > times);
  assertEquals(again.length, 0, "held until the end");
  assertEquals(letGo.size, opened.length, "all are let go");
});

Deno.test("two waits of a worker for the same share one connection", async () => {
  const world = new ModelWorld();
  const process = world.process();
  const { opened } = connectionsOf(process);
  const broker = await brokerOf(world, process);
  const channel = await world.ended(joined(broker, "worker-1"));
  await world.ended(Promise.all([channel.take(0, 400), channel.take(0, 400)]));
  assertEquals(opened.filter((role) => role === "take"), ["take"]);
  await world.ended(broker.close());
});

Deno.test("a worker hears what the log holds of it once the log's clock has jumped ahead, and not else", async () => {
  const world = new ModelWorld();
  const broker = await brokerOf(world, world.process());
  const worker = await world.ended(joined(broker, "w1"));
  let heard = 0;
  worker.whenBack(() => heard++);
  const beat = async () => assertEquals(await world.ended(worker.heartbeat(0)), "ok");
  await beat();
  world.redis.jumpClock(4_000);
  await beat();
  world.redis.jumpClock(-60_000);
  await beat();
  assertEquals(heard, 0);
  world.redis.jumpClock(6_000);
  await beat();
  await world.until("it hears of it", () => heard === 1);
  await beat();
  assertEquals(heard, 1);
  await world.ended(broker.close());
});

Deno.test("snapshots are packed as the process was told to, and any other process can unpack them", async () => {
  const world = new ModelWorld();
  let [packed, unpacked] = [0, 0];
  const compression = {
    pack: (bytes: Uint8Array) => {
      packed++;
      return Promise.resolve(gzipSync(bytes));
    },
    unpack: (bytes: Uint8Array) => {
      unpacked++;
      return Promise.resolve(gunzipSync(bytes));
    },
  };
  const broker = await brokerOf(world, world.process(), { compression });
  const other = await brokerOf(world, world.process());
  const fence = await world.ended(broker.leadership.acquire("node", 60_000));
  const snapshot = { position: "1-0", schema: 1, states: ['{"name":"Jürgen"}', '{"n":2}'] };
  await world.ended(broker.retention.saveSnapshot(snapshot, fence!));
  assertEquals(await world.ended(broker.retention.loadSnapshot()), snapshot);
  assertEquals([packed, unpacked], [1, 1]);
  const pump = world.pump();
  assertEquals(await other.retention.loadSnapshot(), snapshot, "by the usual compression");
  await pump.stop();
  await world.ended(Promise.all([broker.close(), other.close()]));
});

Deno.test("a loss is told also where the tail is back, and hears what came since, before calls are answered", async () => {
  for (let silentMs = 3_000; silentMs <= 6_500; silentMs += 250) {
    const world = new ModelWorld();
    const process = world.process();
    const broker = await brokerOf(world, process);
    const changes: AvailabilityChange[] = [];
    broker.availability.watch((change) => changes.push(change));
    await world.ended(broker.log.tail(START, () => {}));
    await world.ended(broker.log.append(batch("kept", 0)));
    await world.pass(1_000);
    world.redis.markSynced();
    await world.ended(broker.log.append(batch("lost", 0)));
    await world.pass(1_000);
    process.way.silence(silentMs);
    await world.pass(1_000);
    world.redis.rollBack(1_000);
    await world.pass(1_500);
    const other = await brokerOf(world, world.process());
    await world.ended(other.log.append(batch("since", 0)));
    await world.pass(20_000);
    const told = changes.filter(({ kind }) => kind === "rollback").length;
    assertEquals(told, 1, `after ${silentMs} ms of silence`);
    await world.ended(Promise.all([broker.close(), other.close()]));
  }
});
