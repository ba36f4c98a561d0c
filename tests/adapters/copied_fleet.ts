/** A fleet in a real Redis whose log is copied, with a command in every state, and where its copies go. */
import { assertEquals, assertRejects } from "@std/assert";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { CopyPlace } from "../../adapters/redis/copy/copy_link.ts";
import { openRedisCopySource } from "../../adapters/redis/copy/redis_copy_source.ts";
import { openRedisCopyTarget } from "../../adapters/redis/copy/redis_copy_target.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import { OperationalError } from "../../events/errors.ts";
import type { LogCopyTarget } from "../../events/log_copy.ts";
import {
  appended,
  batch,
  command,
  created,
  joined,
  request,
  running,
  success,
} from "../contracts/broker_samples.ts";
import { copyOf } from "../support/copied_log.ts";
import { RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { brokerOn, freshNamespace } from "./redis_world.ts";

/** For so long a key stands for its answer. */
export const DAY_MS = 24 * 3_600_000;

let server: RedisServer | null = null;
Deno.test.afterAll(async () => await server?.close());

/** Registers a test over the file's own server. */
export function test(sentence: string, run: (server: RedisServer) => Promise<void>): void {
  testWith(
    ["redis-server", "redis-cli"],
    sentence,
    async () => await run(server ??= await RedisServer.start()),
  );
}

/** A namespace that nobody has used. */
export function placeOf(redis: RedisServer): CopyPlace {
  return { url: redis.url, namespace: freshNamespace(), clock: hostClock };
}

/** Opens a namespace for an import. */
export function openOn(place: CopyPlace): () => Promise<LogCopyTarget> {
  return () => openRedisCopyTarget({ ...place, ids: hostIds });
}

/** Runs `use` with a broker. */
export async function withBroker<T>(
  redis: RedisServer,
  { namespace }: CopyPlace,
  use: (broker: RedisBroker) => Promise<T>,
): Promise<T> {
  const broker = await brokerOn(redis, namespace);
  try {
    return await use(broker);
  } finally {
    await broker.close();
  }
}

/** A fleet with a command in every state, and its copy; nobody of it lives any more. */
export async function aCopy(redis: RedisServer): Promise<{ text: string; place: CopyPlace }> {
  const place = placeOf(redis);
  await withBroker(redis, place, async (broker) => {
    for (const id of ["a", "b", "c"]) {
      const meta = { requestedBy: "tester", idempotency: { key: `key-${id}`, digest: id } };
      await appended(broker, batch(id, 0, { events: [created(id)], meta, keepKeyMs: DAY_MS }));
      await appended(broker, request(command(id, `start-${id}`), 1));
    }
    const channel = await joined(broker, "w1");
    await channel.accept("start-a");
    const done = success("StartInstanceCommand", "a", running("a", "run-a"));
    await channel.complete("start-a", 1, done);
    await channel.observe({ ...health, runId: "run-a" });
    await channel.accept("start-b");
  });
  return { ...await copyOf(await openRedisCopySource(place)), place };
}

const health = { instanceId: "a", runGeneration: 1, health: "healthy" as const };

/** All that is in Redis of a namespace. */
export async function keysOf(redis: RedisServer, { namespace }: CopyPlace): Promise<string[]> {
  const keys = await redis.cli("--scan", "--pattern", `{draas:${namespace}}:*`);
  return keys.split("\n").sort();
}

/** Fails unless `work` fails with this code. */
export async function refused(
  work: () => Promise<unknown>,
  code: string,
): Promise<OperationalError> {
  const error = await assertRejects(work, OperationalError);
  assertEquals(error.code, code, error.message);
  return error;
}
