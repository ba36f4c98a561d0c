/** Many nodes and many workers on one Redis: each request anywhere, each command once. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../workers/process_world.ts";
import { commandInstance, type ControlPlane, startInstance } from "./support/control_plane.ts";
import { isServed, type RedisFleet, testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
const WORKERS = ["w1", "w2", "w3"];
/** Tiny programs that are all alive at once at the end; as many as one slow machine starts within the limit. */
const STARTS = 1_000;
const CALLERS = 16;

/** Two control planes and three workers. */
async function wholeFleet(fleet: RedisFleet): Promise<readonly [ControlPlane, ControlPlane]> {
  const nodes = await Promise.all([fleet.serve(), fleet.serve()]);
  await Promise.all(WORKERS.map((name) => fleet.worker(name)));
  return [nodes[0]!, nodes[1]!];
}

testWithFleet(
  "what is created on one node is started on another and listed on both",
  async (fleet) => {
    const [a, b] = await wholeFleet(fleet);
    const created = await a.call(`POST ${INSTANCES}`, commandInstance("one", ["sleep", "99"]));
    const { id } = created.json;
    const started = await b.call(`POST ${INSTANCES}/${id}/start`);
    assertEquals([started.status, started.json.runtimeInfo?.status], [200, "Running"]);
    const { position } = started.json;
    const { json } = await a.call(`GET ${INSTANCES}?atLeast=${position}`);
    const seen = json.items.map((one: { id: string; status: string }) => [one.id, one.status]);
    assertEquals(seen, [[id, "Running"]], "A shows what B did");
    const stopped = await a.call(`POST ${INSTANCES}/${id}/stop`);
    assertEquals(stopped.status, 200, "and A stops what B started");
  },
);

testWithFleet(
  `${STARTS} starts through two nodes are spread over three workers, and each is done once`,
  async (fleet) => {
    const [a, b] = await wholeFleet(fleet);
    const waiting = Array.from({ length: STARTS }, (_, index) => index);
    const pids = new Map<string, string>();
    const call = async () => {
      for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
        const [one, other] = index % 2 === 0 ? [a, b] : [b, a];
        const body = commandInstance(`s${index}`, ["/bin/sleep", "600"], "never");
        const { json: { id } } = await one.call(`POST ${INSTANCES}`, body);
        const { status, json } = await other.call(`POST ${INSTANCES}/${id}/start?timeout=60s`);
        const { message, runtimeInfo } = json;
        assertEquals(
          [status, message, runtimeInfo?.instanceId, runtimeInfo?.status],
          [200, `Instance '${id}' started successfully`, id, "Running"],
          JSON.stringify(json),
        );
        pids.set(id, runtimeInfo.processId);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, call));

    const runs = new Map<string, number>();
    const shares = WORKERS.map((name) => {
      const own = fleet.runs(name);
      for (const [id, all] of own) runs.set(id, (runs.get(id) ?? 0) + all.length);
      return own.size;
    });
    assertEquals([...runs.keys()].sort(), [...pids.keys()].sort(), "each was started");
    assertEquals([...runs.values()].filter((count) => count !== 1), [], "and none twice");
    const servers = WORKERS.flatMap((name) => fleet.servers(name));
    assertEquals(servers.length, STARTS, "a process each");
    assertEquals(
      new Map(servers.map(({ instanceId, pid }) => [instanceId, String(pid)])).size,
      STARTS,
    );
    for (const { instanceId, pid } of servers) assertEquals(pids.get(instanceId), String(pid));
    assert(Math.min(...shares) > STARTS / 6, `spread over all workers: ${shares}`);
  },
);

testWithFleet(
  "a worker that is told to end finishes what it has in hand, hands back the rest, and leaves its servers",
  async (fleet) => {
    const api = await fleet.serve();
    const worker = await fleet.worker("w1");
    const { pid } = await startInstance(api, commandInstance("stays", ["sleep", "600"]));
    const slow =
      "await new Promise((r) => setTimeout(r, 1500)); Deno.serve({ port: $PORT }, () => new Response())";
    const { json: { id } } = await api.call(`POST ${INSTANCES}`, {
      name: "slow",
      template: "command",
      serverConfiguration: {
        command: ["sh", "-c", `exec "$0" eval "${slow}"`, Deno.execPath()],
        readiness: { http: { path: "/" } },
      },
    });
    const starting = api.call(`POST ${INSTANCES}/${id}/start`);
    await eventually("it has begun", () => fleet.servers("w1").length === 2);
    const ended = worker.end("SIGTERM");
    assertEquals((await starting).status, 200, "what was in hand is finished");
    const { code, stdout, stderr } = await ended;
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "has ended; its servers run on.");
    assert(isServed(fleet.servers("w1"), pid), "its servers run on");

    const late = await api.call(`POST ${INSTANCES}`, commandInstance("late", ["sleep", "600"]));
    const lateStart = api.call(`POST ${INSTANCES}/${late.json.id}/start?timeout=30s`);
    await fleet.worker("w2");
    assertEquals((await lateStart).status, 200, "another worker takes what comes");
    assertEquals(fleet.servers("w2").length, 1);
    const again = await fleet.worker("w1");
    assertStringIncludes(again.output, "Found  2 servers running");
    const shown = (await api.call(`GET ${INSTANCES}/${id}`)).json;
    assertEquals(shown.status, "Running");
  },
);
