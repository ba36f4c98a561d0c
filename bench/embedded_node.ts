/** A whole embedded node without HTTP: system, worker and broker, put together as `main.ts` does it. */
import { type FleetSystem, openInstanceSystem } from "../actors/instance_system.ts";
import { hostIds, hostRandomness, idFromKey, nextTurn } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { SystemParts } from "../actors/system_parts.ts";
import type { EmbeddedBroker } from "../adapters/embedded/embedded_broker.ts";
import { openMemoryBroker } from "../adapters/memory/memory_broker.ts";
import { openSqliteBroker } from "../adapters/sqlite/sqlite_broker.ts";
import type { JsonObject } from "../events/json.ts";
import { specificationSchema } from "../events/specification.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import type { Platform } from "../workers/platform.ts";
import type { WorkerParts } from "../workers/worker_loop.ts";
import { fail, startBenchWorker } from "./bench_worker.ts";

const ASK = { timeoutMs: 30_000, wait: true, requestedBy: "bench" } as const;

/** The configuration of the instances that start nothing. */
const CONFIGURATION = { host: "127.0.0.1", port: 8080, logLevel: "info" };

/** A node under load. */
export interface EmbeddedNode {
  readonly system: FleetSystem;
  /** Makes an instance; gives its id. */
  create(template?: "drasi-server" | "command", configuration?: JsonObject): Promise<string>;
  /** One ask that has to succeed. */
  ask(instanceId: string, request: InstanceRequest): Promise<void>;
  close(): Promise<void>;
}

/** A broker whose log is in `folder`, as durable as the product's. */
export function sqliteBroker(folder: string): EmbeddedBroker {
  return openSqliteBroker({
    folder,
    clock: hostClock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: fail,
  });
}

/** A broker that keeps nothing: what is left of an ask without its disk. */
export function memoryBroker(): EmbeddedBroker {
  return openMemoryBroker({ clock: hostClock, ids: hostIds, defer: nextTurn });
}

/** Opens a node over `broker`, which it closes; `watched` is what looks at it, as programs put it around. */
export async function openEmbeddedNode(
  broker: EmbeddedBroker,
  platform: Platform,
  watched: Partial<SystemParts> & Pick<WorkerParts, "aroundCommand"> = {},
): Promise<EmbeddedNode> {
  const { aroundCommand, ...parts } = watched;
  const system = await openInstanceSystem({
    ...broker,
    ...parts,
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId: "bench",
    queueTimeoutMs: 30_000,
    deriveId: (key) => idFromKey("bench", key),
    onBug: fail,
  });
  const worker = await startBenchWorker(broker, platform, aroundCommand);
  const ask = async (instanceId: string | null, request: InstanceRequest) => {
    const outcome = await system.ask(instanceId, request, ASK);
    if (outcome.kind === "done") return outcome.state.context.instanceId;
    throw new Error(`${request.type} came to ${JSON.stringify(outcome)}`);
  };
  return {
    system,
    create: (template = "drasi-server", configuration = CONFIGURATION) =>
      ask(null, {
        type: "create",
        specification: specificationSchema.parse({ name: "bench", template, configuration }),
      }),
    ask: async (instanceId, request) => void await ask(instanceId, request),
    close: async () => {
      await worker.stop(3_000);
      await system.shutdown();
      await broker.close();
    },
  };
}

/** A temporary folder for the time of `work`. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "draas-bench-" });
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
