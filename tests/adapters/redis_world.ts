/** A world for the contract suites on a real Redis: one server for all tests of a file, a namespace for each. */
import { openRedisBroker, type RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { BrokerWorld } from "../contracts/broker_world.ts";
import type { RedisServer } from "../support/redis_server.ts";

let worlds = 0;

/** A namespace that no other world of this process has. */
export function freshNamespace(): string {
  return `test-${++worlds}`;
}

/** A broker on `server`; whatever it cannot explain fails the test. */
export function brokerOn(server: RedisServer, namespace: string): Promise<RedisBroker> {
  return openRedisBroker({
    url: server.url,
    namespace,
    clock: hostClock,
    ids: hostIds,
    onBug: (error) => {
      throw error;
    },
  });
}

/** A world with empty storage. */
export async function redisWorld(server: RedisServer): Promise<BrokerWorld> {
  const namespace = freshNamespace();
  let broker = await brokerOn(server, namespace);
  return {
    get broker() {
      return broker;
    },
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    reopen: async () => {
      await broker.close();
      broker = await brokerOn(server, namespace);
    },
    entriesRead: async () => {
      const said = await server.cli("INFO", "commandstats");
      return Number(/cmdstat_xrange:calls=(\d+)/.exec(said)?.[1] ?? 0);
    },
    damageSnapshot: async () => {
      const keys = await server.cli("KEYS", `{draas:${namespace}}:snapshot:*`);
      const [chunk = ""] = keys.split("\n");
      await server.cli("SETRANGE", chunk, "20", "damage");
    },
    close: () => broker.close(),
  };
}
