/** What is compared over Redis: the least that can be done, this project, and a queue of jobs; each with its worker. */
import { openInstanceSystem } from "../actors/instance_system.ts";
import { hostIds, hostRandomness, idFromKey } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { openRedisBroker } from "../adapters/redis/redis_broker.ts";
import { specificationSchema } from "../events/specification.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import { IdlePlatform } from "./idle_platform.ts";
import { fail, startBenchWorker } from "./bench_worker.ts";
import { bullmqAsker, bullmqWorker } from "./redis_bullmq.ts";
import { floorAsker, floorWorker } from "./redis_floor.ts";

/** Who is compared. */
export const CONTESTANTS = ["floor", "draas", "bullmq"] as const;
export type Contestant = (typeof CONTESTANTS)[number];

/** The asking side, in the process that measures. */
export interface Asker {
  /** One ask about an instance, from its start to its answer; the n-th about it starts it, the next stops it. */
  ask(instance: number): Promise<void>;
  close(): Promise<void>;
}

const NAMESPACE = "bench";
const ASK = { timeoutMs: 30_000, wait: true, requestedBy: "bench" } as const;
const SPECIFICATION = specificationSchema.parse({
  name: "bench",
  template: "drasi-server",
  configuration: { host: "127.0.0.1", port: 8080, logLevel: "info" },
});

/** Opens the asking side; the worker is there already. `instances` will be asked about. */
export function openAsker(who: Contestant, url: string, instances: number): Promise<Asker> {
  return { floor: floorAsker, draas: draasAsker, bullmq: bullmqAsker }[who](url, instances);
}

/** Works until its process ends; calls `ready` once it takes what comes. */
export function work(who: Contestant, url: string, ready: () => void): Promise<void> {
  return { floor: floorWorker, draas: draasWorker, bullmq: bullmqWorker }[who](url, ready);
}

async function draasAsker(url: string, instances: number): Promise<Asker> {
  const broker = await openRedisBroker({
    url,
    namespace: NAMESPACE,
    clock: hostClock,
    ids: hostIds,
  });
  const system = await openInstanceSystem({
    ...broker,
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId: hostIds.next("incarnation"),
    queueTimeoutMs: 30_000,
    deriveId: (key) => idFromKey(NAMESPACE, key),
    onBug: fail,
  });
  const ask = async (instanceId: string | null, request: InstanceRequest) => {
    const outcome = await system.ask(instanceId, request, ASK);
    if (outcome.kind === "done") return outcome.state.context.instanceId;
    throw new Error(`${request.type} came to ${JSON.stringify(outcome)}`);
  };
  const created = await Promise.all(
    Array.from(
      { length: instances },
      () => ask(null, { type: "create", specification: SPECIFICATION }),
    ),
  );
  const asked = created.map(() => 0);
  return {
    ask: async (instance) => {
      const type = asked[instance]!++ % 2 === 0 ? "start" : "stop";
      await ask(created[instance]!, { type });
    },
    close: async () => {
      await system.shutdown();
      await broker.close();
    },
  };
}

async function draasWorker(url: string, ready: () => void): Promise<void> {
  const broker = await openRedisBroker({
    url,
    namespace: NAMESPACE,
    clock: hostClock,
    ids: hostIds,
  });
  const platform = new IdlePlatform();
  await startBenchWorker(broker, platform);
  ready();
}
