/** A fleet for the bench of the terminal UI: ten thousand instances in memory, of which many change every second. */
import type { InstanceAnswer } from "../http/client/answers.ts";
import type { FleetNews, FleetPort } from "../http/client/fleet_port.ts";

const STATUSES = ["Running", "Stopped", "Failed", "Starting"] as const;

export interface BenchFleet {
  port: FleetPort;
  /** One more event of an instance taken at random. */
  change(): void;
}

/** A port that answers at once; what the UI never asks is not there. */
export function benchFleet(size: number): BenchFleet {
  const items = Array.from({ length: size }, (_, at) => instance(at, 1));
  const byId = new Map(items.map((one) => [one.id, one]));
  let hear: (news: FleetNews) => void = () => {};
  let position = 0;
  const readiness = {
    ready: true,
    reasons: [],
    durability: "disk",
    position: "0-0",
    instances: size,
    commandsInFlight: 0,
    incidents: [],
    version: "0.1.0",
  };
  const port = {
    url: "http://127.0.0.1:4700",
    instances: {
      list: async () => ({ items: [...byId.values()], position: `${position}-0`, isStale: false }),
      get: async (id: string) => byId.get(id)!,
    },
    workers: { list: async () => [] },
    node: { readiness: async () => readiness },
    watch(listener: (news: FleetNews) => void) {
      hear = listener;
      const availability = { kind: "live" as const, since: Date.now() };
      queueMicrotask(() => listener({ kind: "availability", availability }));
      return { availability, close: () => hear = () => {} };
    },
  } as unknown as FleetPort;
  return {
    port,
    change() {
      const at = Math.floor(Math.random() * size);
      const before = byId.get(items[at]!.id)!;
      const after = instance(at, Number(before.version) + 1);
      byId.set(after.id, after);
      const event = {
        position: `${++position}-0`,
        instanceId: after.id,
        version: Number(after.version),
        type: "RuntimeObserved",
        at: new Date().toISOString(),
        data: {},
      };
      hear({ kind: "event", event });
    },
  };
}

function instance(at: number, version: number): InstanceAnswer {
  const status = STATUSES[(at + version) % STATUSES.length]!;
  const now = new Date().toISOString();
  return {
    id: `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`,
    name: `server-${at}`,
    description: "",
    platform: "process",
    template: "command",
    labels: { team: `t${at % 20}` },
    status,
    desired: "running",
    health: status === "Running" ? "healthy" : "unknown",
    restarts: version % 5,
    version,
    configuration: { revision: 1, runningRevision: 1, serverConfiguration: { port: 8080 } },
    createdAt: now,
    lastModifiedAt: now,
    worker: `w${at % 8}`,
    allowed: ["start", "stop", "restart", "delete"],
    ...(status === "Running"
      ? {
        runtimeInfo: {
          instanceId: "",
          status: "Running",
          startedAt: now,
          port: 8_000 + at % 1_000,
        },
        metrics: { cpuShare: 0.1, memoryBytes: 50_000_000 },
      }
      : {}),
  };
}
