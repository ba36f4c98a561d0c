/** A control plane with the real instance system on the memory broker, its API, and a worker when one is wanted. */
import { FleetSystem, openInstanceSystem } from "../../../actors/instance_system.ts";
import { hostClock } from "../../../adapters/host/host_clock.ts";
import {
  hostIds,
  hostRandomness,
  idFromKey,
  nextTurn,
} from "../../../adapters/host/host_chance.ts";
import { openMemoryBroker } from "../../../adapters/memory/memory_broker.ts";
import { createHttpApp } from "../../../http/app.ts";
import type { HttpOptions } from "../../../http/options.ts";
import { apiOptions } from "./api_options.ts";
import { Worker } from "../../../workers/worker_loop.ts";
import { type ApiClient, apiClient, type Fetching } from "./api_client.ts";
import { ScriptedPlatform } from "./scripted_platform.ts";

export { apiOptions };

export interface ApiWorld {
  call: ApiClient;
  app: Fetching;
  system: FleetSystem;
  platform: ScriptedPlatform;
  bugs: unknown[];
  /** Registers one worker over `platform`. */
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  /** Creates an instance; gives its id. */
  create(fields?: Record<string, unknown>): Promise<string>;
}

/** The body of scenario 1. */
export const TEST_INSTANCE = {
  name: "test-instance",
  description: "Test instance",
  serverConfiguration: { host: "127.0.0.1", port: 8080, logLevel: "info" },
};

/** Runs `test` in a world of its own and takes it down. */
export async function withApi(
  test: (world: ApiWorld) => Promise<void>,
  changed: Partial<HttpOptions> = {},
): Promise<void> {
  const broker = openMemoryBroker({ clock: hostClock, ids: hostIds, defer: nextTurn });
  const bugs: unknown[] = [];
  const system = await openInstanceSystem({
    log: broker.log,
    retention: broker.retention,
    leadership: broker.leadership,
    availability: broker.availability,
    bus: broker.bus,
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId: "node-1",
    queueTimeoutMs: 60_000,
    deriveId: (key) => idFromKey("test", key),
    onBug: (error) => bugs.push(error),
  });
  const app = createHttpApp({ ...apiOptions(system, (error) => bugs.push(error)), ...changed });
  const call = apiClient(app);
  const platform = new ScriptedPlatform();
  let worker: Worker | null = null;
  const stopWorker = async () => {
    await worker?.stop(1_000);
    worker = null;
  };
  const startWorker = async () => {
    const openChannel = () =>
      broker.workerChannel({
        workerId: "worker-1",
        platform: "process",
        site: platform.site,
        incarnation: crypto.randomUUID(),
        machineId: "machine-1",
        slots: 4,
        version: "0.0.0-test",
        labels: {},
      });
    const onBug = (error: unknown) => void bugs.push(error);
    worker = new Worker({
      openChannel,
      platform,
      clock: hostClock,
      ids: hostIds,
      slots: 4,
      onBug,
      onSuperseded: () => {},
      onStranger: () => {},
    });
    await worker.start();
  };
  const create = async (fields: Record<string, unknown> = {}) =>
    (await call("POST /api/server/instances", { body: { ...TEST_INSTANCE, ...fields } })).json.id;
  try {
    await test({ call, app, system, platform, bugs, startWorker, stopWorker, create });
  } finally {
    await stopWorker();
    await system.shutdown();
    await broker.close();
  }
}
