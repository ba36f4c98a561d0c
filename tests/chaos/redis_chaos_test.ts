/** A worker over Redis is killed at each named place of a start, and its next life leaves one server and one truth. */
import { assertEquals } from "@std/assert";
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { RedisBroker } from "../../adapters/redis/redis_broker.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { specificationSchema } from "../../events/specification.ts";
import { brokerAt } from "../adapters/redis_fault_world.ts";
import { endProcessesOf } from "../support/marked_processes.ts";
import { testWithRedis } from "../support/redis_server.ts";
import { serversOf } from "./inspection.ts";
import type { KillPoint } from "./kill_points.ts";
import { NAMESPACE } from "./redis_worker_victim.ts";

const POINTS: readonly KillPoint[] = [
  "accept:before",
  "accept:after",
  "spawn:before",
  "spawn:after",
  "complete:before",
  "complete:after",
];
const OPTIONS = { timeoutMs: 30_000, wait: true, requestedBy: "test" };
const VICTIM = decodeURIComponent(new URL("./redis_worker_victim.ts", import.meta.url).pathname);
const ENDS = ["CommandSucceeded", "CommandFailed", "CommandExpired", "CommandForgotten"];

for (const point of POINTS) {
  testWithRedis(
    `a worker killed at ${point} leaves one server, one end of its command, and a true status`,
    async (server) => {
      const folder = await Deno.makeTempDir({ prefix: "draas-redis-chaos-" });
      const broker = await brokerAt(server.url, NAMESPACE);
      const system = await openSystem(broker);
      const lives: Deno.ChildProcess[] = [];
      let site = "";
      try {
        const id = await create(system);
        const first = await begin(server.url, folder, point);
        lives.push(first.child);
        site = first.site;
        const asked = system.ask(id, { type: "start" }, OPTIONS);
        assertEquals((await first.child.status).signal, "SIGKILL", "it was killed at the place");
        lives.push((await begin(server.url, folder, "")).child);
        const outcome = await asked;
        assertEquals(outcome.kind, "done", JSON.stringify(outcome));
        const state = await system.get(id);
        const servers = serversOf(site).filter(({ instanceId, leads }) =>
          leads && instanceId === id
        );
        const events = await broker.log.history(id, 100);
        assertEquals(servers.length, 1, "one server");
        assertEquals(
          servers[0]!.runId,
          state?.context.run?.runtimeInfo?.runId,
          "the one of the log",
        );
        assertEquals(endsIn(events), ["CommandSucceeded"], "one end");
      } finally {
        for (const child of lives) await end(child);
        await system.shutdown();
        await broker.close();
        if (site) await endProcessesOf(site);
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

function endsIn(events: readonly RecordedEvent[]): string[] {
  return events.map(({ type }) => type).filter((type) => ENDS.includes(type));
}

function openSystem(broker: RedisBroker): Promise<FleetSystem> {
  return openInstanceSystem({
    ...broker,
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId: "node",
    queueTimeoutMs: 30_000,
    deriveId: (key) => `of-${key}`,
    onBug: (error) => {
      throw error;
    },
  });
}

async function create(system: FleetSystem): Promise<string> {
  const specification = specificationSchema.parse({
    name: "one",
    template: "command",
    configuration: { command: ["sleep", "600"] },
  });
  const outcome = await system.ask(null, { type: "create", specification }, OPTIONS);
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.state.context.instanceId;
}

/** A life of the worker that has begun to work. */
async function begin(
  url: string,
  folder: string,
  point: string,
): Promise<{ child: Deno.ChildProcess; site: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      "--allow-all",
      VICTIM,
      url,
      folder,
      point,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return { child, site: new TextDecoder().decode(value).trim() };
}

async function end(child: Deno.ChildProcess): Promise<void> {
  await child.stdin.close().catch(() => {});
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
  await child.status;
}
