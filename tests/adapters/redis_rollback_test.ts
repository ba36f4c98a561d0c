/** A Redis that comes back with less than it had acknowledged: the loss is counted and named, and the tail goes on. `traps.md` 7, 33. */
import type { Rollback } from "../../events/event_log.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { batch } from "../contracts/broker_samples.ts";
import { type RedisServer, testWithRedis } from "../support/redis_server.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { assertEquals } from "@std/assert";
import { brokerAt, changesOf, tailOf, until } from "./redis_fault_world.ts";

/** Three events that stay and three, of two instances, that are lost with the end of the file. */
async function writeAndLose(server: RedisServer, broker: RedisBroker): Promise<void> {
  const { log } = broker;
  for (let version = 0; version < 3; version++) await log.append(batch("kept", version));
  const keptBytes = await server.appendOnlyFileBytes();
  await log.append(batch("lost-1", 0));
  await log.append(batch("lost-1", 1));
  await log.append(batch("lost-2", 0));
  await server.kill();
  server.cutAppendOnlyFile(await server.appendOnlyFileBytes() - keptBytes);
}

async function rollbackIn(changes: ReturnType<typeof changesOf>): Promise<Rollback> {
  const change = await until(
    "the loss is told",
    () => changes.find((one) => one.kind === "rollback"),
  );
  if (change.kind !== "rollback") throw new Error("unreachable");
  return change.rollback;
}

testWithRedis(
  "a log that lost its end is told with the number of events and whose they were; its tail goes on",
  async (server) => {
    const broker = await brokerAt(server.url, "test");
    try {
      const changes = changesOf(broker);
      const heard = await tailOf(broker);
      await writeAndLose(server, broker);
      await server.restart();
      const { lostEvents, instanceIds, head } = await rollbackIn(changes);
      assertEquals([lostEvents, instanceIds.sort()], [3, ["lost-1", "lost-2"]]);
      assertEquals(head, (await broker.log.history("kept", 1))[0]?.position);
      await until("it is back", () => broker.availability.away() === null);
      await broker.log.append(batch("after", 0));
      await until(
        "the tail hears of it",
        () => heard.some(({ instanceId }) => instanceId === "after"),
      );
    } finally {
      await broker.close();
    }
  },
);

testWithRedis(
  "it is told exactly so when another node has appended before this one came back",
  async (server) => {
    const proxy = new TcpProxy(server.port);
    const broker = await brokerAt(`redis://127.0.0.1:${proxy.port}`, "test");
    try {
      const changes = changesOf(broker);
      const heard = await tailOf(broker);
      await writeAndLose(server, broker);
      proxy.hold();
      await server.restart();
      const other = await brokerAt(server.url, "test");
      await other.log.append(batch("other", 0));
      await other.log.append(batch("other", 1));
      proxy.release();
      const { lostEvents, instanceIds } = await rollbackIn(changes);
      assertEquals([lostEvents, instanceIds.sort()], [3, ["lost-1", "lost-2"]]);
      await other.log.append(batch("other", 2));
      await until(
        "the tail hears on",
        () => heard.some(({ version, instanceId }) => instanceId === "other" && version === 3),
      );
      await other.close();
    } finally {
      await broker.close();
      await proxy.close();
    }
  },
);

testWithRedis(
  "a Redis that was emptied is told as a loss of everything as soon as it is met anew",
  async (server) => {
    const broker = await brokerAt(server.url, "test");
    try {
      const changes = changesOf(broker);
      const heard = await tailOf(broker);
      for (let version = 0; version < 3; version++) await broker.log.append(batch("i-1", version));
      await server.cli("FLUSHALL");
      assertEquals(await broker.log.append(batch("i-1", 3)), {
        kind: "conflict",
        version: 0,
        missed: [],
      });
      await server.cli("CLIENT", "KILL", "TYPE", "normal");
      const { lostEvents, instanceIds, head } = await rollbackIn(changes);
      assertEquals([lostEvents, instanceIds, head], [3, ["i-1"], "0-0"]);
      await until("it takes appends", () => broker.log.append(batch("i-2", 0)));
      await until(
        "the tail hears of it",
        () => heard.some(({ instanceId }) => instanceId === "i-2"),
      );
    } finally {
      await broker.close();
    }
  },
);
