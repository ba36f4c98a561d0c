/**
 * How long a node needs for a large fleet on Redis, from the log alone and from a snapshot, and what an idle instance
 * takes of its memory. Design §3.
 *
 *     deno task bench:redis-recovery [--instances 100000]
 */
import { Redis } from "ioredis";
import { InstanceTable } from "../actors/instance_table.ts";
import { recover } from "../actors/recovery.ts";
import { SnapshotKeeper } from "../actors/snapshot_keeper.ts";
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openRedisBroker } from "../adapters/redis/redis_broker.ts";
import { RedisServer } from "../tests/support/redis_server.ts";
import { historyOf } from "./histories.ts";

const EVENTS_EACH = 10;
const NAMESPACE = "bench";
/** Events written in one go. */
const BATCH = 5_000;

if (import.meta.main) {
  const at = Deno.args.indexOf("--instances");
  const instances = at < 0 ? 100_000 : Number(Deno.args[at + 1]);
  const server = await RedisServer.start({ config: ["appendonly no"] });
  try {
    await fill(server, instances);
    await say("from the log alone", await recovered(server, true));
    await say("from a snapshot", await recovered(server, false));
  } finally {
    await server.close();
  }
}

/** The log as the functions write it: an entry an event, each instance's events in order. */
async function fill(server: RedisServer, instances: number): Promise<void> {
  const client = new Redis(server.url);
  const histories = new Map<number, ReturnType<typeof historyOf>>();
  let pipeline = client.pipeline();
  let bytes = 0;
  for (let index = 0; index < EVENTS_EACH; index++) {
    for (let instance = 0; instance < instances; instance++) {
      const history = histories.get(instance % 1_000) ?? historyOf(instance % 1_000, EVENTS_EACH);
      histories.set(instance % 1_000, history);
      const event = history[index]!;
      const id = `instance-${String(instance).padStart(24, "0")}`;
      const data = JSON.stringify(event.data).replaceAll(event.instanceId, id);
      const meta = JSON.stringify(event.meta).replaceAll(event.instanceId, id);
      bytes += data.length + meta.length + id.length;
      const place = (of: number) => of < 0 ? "0-0" : `${1_700_000_000_000 + of}-${instance}`;
      const fields = ["i", id, "v", index + 1, "t", event.type, "s", 1, "d", data, "m", meta];
      const key = `{draas:${NAMESPACE}}:log`;
      pipeline.xadd(key, place(index), ...fields, "p", place(index - 1));
      if (pipeline.length < BATCH) continue;
      await pipeline.exec();
      pipeline = client.pipeline();
    }
  }
  await pipeline.exec();
  const events = instances * EVENTS_EACH;
  await write(
    `${events} events of ${instances} instances, ${Math.round(bytes / events)} bytes each`,
  );
  client.disconnect();
}

async function recovered(server: RedisServer, thenSaves: boolean): Promise<string> {
  const before = heapUsed();
  const startedAt = performance.now();
  const broker = await openRedisBroker({
    url: server.url,
    namespace: NAMESPACE,
    clock: hostClock,
    ids: hostIds,
  });
  const { log, retention, leadership } = broker;
  const table = new InstanceTable();
  const fold = (events: Parameters<InstanceTable["fold"]>[0]) => table.fold(events);
  const { fromSnapshot, events, tail } = await recover({
    log,
    retention,
    table,
    fold,
    trustedUpTo: null,
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const perInstance = (heapUsed() - before) / table.fleetSize;
  if (thenSaves) {
    const fence = await leadership.acquire("bench", 60_000);
    await new SnapshotKeeper({
      retention,
      table,
      clock: hostClock,
      fence: () => fence,
      onBug: (error) => {
        throw error;
      },
    }).save();
  }
  tail.close();
  await broker.close();
  return `${seconds.toFixed(2)} s (${fromSnapshot} states, ${events} events), ${
    Math.round(perInstance)
  } bytes of heap an instance`;
}

/** After a forced collection: `--v8-flags=--expose-gc`. */
function heapUsed(): number {
  const { gc } = globalThis as { gc?: () => void };
  for (let n = 0; n < 3; n++) gc?.();
  return Deno.memoryUsage().heapUsed;
}

async function say(what: string, told: string): Promise<void> {
  await write(`${what}: ${told}`);
}

async function write(text: string): Promise<void> {
  const writer = Deno.stdout.writable.getWriter();
  await writer.write(new TextEncoder().encode(`${text}\n`));
  writer.releaseLock();
}
