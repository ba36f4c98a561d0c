/** A Redis Cluster: nothing is sent twice behind the log's back, and the functions are where the fleet's slot is. */
import { assertEquals, assertRejects } from "@std/assert";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { openRedisCopySource } from "../../adapters/redis/copy/redis_copy_source.ts";
import { openRedisCopyTarget } from "../../adapters/redis/copy/redis_copy_target.ts";
import { openRedisBroker, type RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { appended, batch, command, created, request } from "../contracts/broker_samples.ts";
import { bodyOf, copyOf, imported } from "../support/copied_log.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";

/** Masters that share the slots evenly, and a broker for each namespace that is asked for. */
async function withCluster(
  size: number,
  run: (servers: RedisServer[], open: (namespace: string) => Promise<RedisBroker>) => Promise<void>,
): Promise<void> {
  const servers: RedisServer[] = [];
  const brokers: RedisBroker[] = [];
  try {
    for (let index = 0; index < size; index++) {
      const config = [
        "cluster-enabled yes",
        `cluster-port ${freePort()}`,
        "cluster-announce-ip 127.0.0.1",
      ];
      servers.push(await RedisServer.start({ config }));
    }
    const share = Math.ceil(16_384 / size);
    for (const [index, server] of servers.entries()) {
      const last = Math.min(16_384, (index + 1) * share) - 1;
      await server.cli("CLUSTER", "ADDSLOTSRANGE", String(index * share), String(last));
      const bus = (await servers[0]!.cli("CONFIG", "GET", "cluster-port")).trim().split("\n")[1]!;
      if (index > 0) {
        await server.cli("CLUSTER", "MEET", "127.0.0.1", String(servers[0]!.port), bus);
      }
    }
    for (const server of servers) {
      await until(async () => {
        const info = await server.cli("CLUSTER", "INFO");
        return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${size}`);
      });
    }
    await run(servers, async (namespace) => {
      const url = `redis+cluster://127.0.0.1:${servers[0]!.port}`;
      const broker = await openRedisBroker({ url, namespace, clock: hostClock, ids: hostIds });
      brokers.push(broker);
      return broker;
    });
  } finally {
    for (const broker of brokers) await broker.close();
    for (const server of servers) await server.close();
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!await condition()) {
    if (performance.now() > end) throw new Error("waited 15 s in vain for the cluster");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

testWith(
  ["redis-server", "redis-cli"],
  "redis: a write to a cluster whose answer is lost is not sent again",
  async () => {
    await withCluster(3, async (servers, open) => {
      const broker = await open("test");
      const slot = Number(await servers[0]!.cli("CLUSTER", "KEYSLOT", "{draas:test}"));
      const server = servers[Math.floor(slot / Math.ceil(16_384 / 3))]!;
      await server.cli("CLIENT", "PAUSE", "400", "WRITE");
      const lost = assertRejects(() => broker.log.append(batch("i", 0)), OperationalError);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await server.cli("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      assertEquals((await lost).code, "log_indeterminate");
    });
  },
);

testWith(
  ["redis-server", "redis-cli"],
  "redis: a fleet is served wherever in a cluster its slot is",
  async () => {
    await withCluster(3, async (servers, open) => {
      for (const namespace of ["a", "b", "c", "d", "e", "f"]) {
        const broker = await open(namespace);
        await appended(broker, batch("i", 0));
      }
      for (const server of servers) await server.cli("FUNCTION", "FLUSH");
      const broker = await open("g");
      await appended(broker, batch("i", 0));
    });
  },
);

testWith(
  ["redis-server", "redis-cli"],
  "redis: a log is copied from one master of a cluster to another one",
  async () => {
    await withCluster(3, async (servers, open) => {
      const placeOf = (namespace: string) => ({
        url: `redis+cluster://127.0.0.1:${servers[0]!.port}`,
        namespace,
        clock: hostClock,
      });
      const slots = ["one", "two", "three", "four"].map(async (namespace) => ({
        namespace,
        master: Math.floor(
          Number(await servers[0]!.cli("CLUSTER", "KEYSLOT", `{draas:${namespace}}`)) / 5_462,
        ),
      }));
      const [from, ...others] = await Promise.all(slots);
      const to = others.find(({ master }) => master !== from!.master)!;
      const broker = await open(from!.namespace);
      await appended(broker, batch("a", 0, { events: [created("a")] }));
      await appended(broker, request(command("a", "start-a"), 1));
      const { text } = await copyOf(await openRedisCopySource(placeOf(from!.namespace)));
      await imported(
        text,
        () => openRedisCopyTarget({ ...placeOf(to.namespace), ids: hostIds }),
        hostClock.now(),
      );
      const back = await copyOf(await openRedisCopySource(placeOf(to.namespace)));
      assertEquals(bodyOf(back.text), bodyOf(text));
      const other = await open(to.namespace);
      assertEquals(await other.log.read(START, 9), await broker.log.read(START, 9));
    });
  },
);
