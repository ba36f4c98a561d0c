/** An instance that is to move when its worker is lost: in time, never two at once, and back to order when the host returns. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../workers/process_world.ts";
import { commandInstance, startInstance } from "./support/control_plane.ts";
import { isServed, type RedisFleet, testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
const LEASE_MS = 6_000;
/** The lease, 4 s until another worker accepts, and as much again for a host that is busy with tests. */
const LIMIT_MS = 3 * LEASE_MS + 8_000;

/** Looks again and again at how many servers of both folders live at once. */
function watchOverlap(fleet: RedisFleet): { most(): number; stop(): void } {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, fleet.servers("w1").length + fleet.servers("w2").length);
  }, 20);
  return { most: () => most, stop: () => clearInterval(timer) };
}

testWithFleet(
  "a worker freezes: its movable server ends by its lease, then runs on the other host, and the other one stays",
  async (fleet) => {
    const api = await fleet.serve();
    const frozen = await fleet.worker("w1", ["--worker-id", "first"]);
    const moves = {
      ...commandInstance("moves", ["sleep", "600"]),
      onWorkerLost: "reschedule",
      leaseMs: LEASE_MS,
    };
    const { id } = await startInstance(api, moves);
    await fleet.worker("w2", ["--worker-id", "second"]);
    const overlap = watchOverlap(fleet);
    try {
      frozen.signal("SIGSTOP");
      const shown = await eventually("it runs on the other host", async () => {
        const { json } = await api.call(`GET ${INSTANCES}/${id}`);
        return json.status === "Running" && json.worker === "second" && json;
      }, LIMIT_MS);
      assert(isServed(fleet.servers("w2"), shown.runtimeInfo.processId), "it is the one that runs");
      assertEquals(fleet.servers("w1").length, 0, "the old one ended without its worker");
      frozen.signal("SIGCONT");
      await eventually("the worker has begun a new life", async () => {
        const { json } = await api.call("GET /api/workers");
        return json.items.find((one: { id: string }) => one.id === "first")?.lost === false;
      }, LIMIT_MS);
      const { json: after } = await api.call(`GET ${INSTANCES}/${id}`);
      assertEquals([after.status, after.worker], ["Running", "second"]);
      assertEquals(overlap.most(), 1, "never two at once");
    } finally {
      overlap.stop();
      frozen.signal("SIGCONT");
    }
  },
);

testWithFleet(
  "a worker that is killed loses what may move, and finds again what waits for it",
  async (fleet) => {
    const api = await fleet.serve();
    const first = await fleet.worker("w1", ["--worker-id", "first"]);
    const policy = { onWorkerLost: "reschedule", leaseMs: LEASE_MS };
    const moves = await startInstance(api, {
      ...commandInstance("moves", ["sleep", "600"]),
      ...policy,
    });
    const waits = await startInstance(api, commandInstance("waits", ["sleep", "600"]));
    await fleet.worker("w2", ["--worker-id", "second"]);
    await first.end("SIGKILL");
    await eventually("the one that may move runs on the other host", async () => {
      const { json } = await api.call(`GET ${INSTANCES}/${moves.id}`);
      return json.status === "Running" && json.worker === "second";
    }, LIMIT_MS);
    const { json: silent } = await api.call(`GET ${INSTANCES}/${waits.id}`);
    assertEquals([silent.status, silent.health, silent.workerSilent], ["Running", "unknown", true]);
    assertEquals(fleet.servers("w1").map(({ instanceId }) => instanceId), [waits.id]);
    await fleet.worker("w1", ["--worker-id", "first"]);
    const { json: back } = await api.call(`POST ${INSTANCES}/${waits.id}/stop`);
    assertEquals(back.runtimeInfo.processId, waits.pid, JSON.stringify(back));
    assertEquals([fleet.servers("w1").length, fleet.servers("w2").length], [0, 1]);
  },
);
