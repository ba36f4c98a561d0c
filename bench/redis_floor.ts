/**
 * The floor of an ask over Redis: three writes and one delivery with a plain client, and nothing else. Design §3.
 * No versions are compared, nothing is fenced, nothing is remembered: no fleet could be run with it.
 */
import { Redis } from "ioredis";
import type { Asker } from "./redis_askers.ts";

const LOG = "floor:log";
const COMMANDS = "floor:commands";
const GROUP = "workers";
const REPLY = "floor:reply:";
const BLOCK_MS = 1_000;
const AT_ONCE = 64;
/** As large as the events of an ask are. */
const EVENT = JSON.stringify({ data: "x".repeat(180) });
const META = JSON.stringify({ requestId: "x".repeat(24), requestedBy: "bench" });

/** The asking side: the event and its command are one write of two entries; the answer comes by pub/sub. */
export async function floorAsker(url: string): Promise<Asker> {
  const client = new Redis(url, { protocol: 2 });
  const subscriber = new Redis(url, { protocol: 2 });
  const waiting = new Map<string, () => void>();
  subscriber.on("pmessage", (_pattern: string, channel: string) => waiting.get(channel)?.());
  await subscriber.psubscribe(`${REPLY}*`);
  let asked = 0;
  return {
    ask: async (instance) => {
      const channel = `${REPLY}${++asked}`;
      const answered = new Promise<void>((resolve) => waiting.set(channel, resolve));
      await client.pipeline()
        .xadd(LOG, "*", "i", `instance-${instance}`, "t", "StartRequested", "d", EVENT, "m", META)
        .xadd(COMMANDS, "*", "i", `instance-${instance}`, "c", EVENT, "r", channel)
        .exec();
      await answered;
      waiting.delete(channel);
    },
    close: async () => {
      client.disconnect();
      subscriber.disconnect();
    },
  };
}

/** The working side: an accept is one write, an end is one write and its delivery. It goes on until its connection ends. */
export async function floorWorker(url: string, ready: () => void): Promise<void> {
  const client = new Redis(url, { protocol: 2 });
  const reader = new Redis(url, { protocol: 2 });
  await client.xgroup("CREATE", COMMANDS, GROUP, "0", "MKSTREAM");
  ready();
  for (;;) {
    const read = await reader.call(
      "XREADGROUP",
      ...["GROUP", GROUP, "worker", "COUNT", AT_ONCE, "BLOCK", BLOCK_MS],
      ...["STREAMS", COMMANDS, ">"],
    ) as [string, [string, string[]][]][] | null;
    for (const [, [, instance = "", , , , channel = ""]] of read?.[0]?.[1] ?? []) {
      void work(client, instance, channel);
    }
  }
}

async function work(client: Redis, instance: string, channel: string): Promise<void> {
  await client.xadd(LOG, "*", "i", instance, "t", "CommandAccepted", "d", EVENT, "m", META);
  await client.pipeline()
    .xadd(LOG, "*", "i", instance, "t", "CommandSucceeded", "d", EVENT, "m", META)
    .publish(channel, EVENT)
    .exec();
}
