/** What an admin does with workers, on any node: a host that is off is forgotten, a worker that is drained gets nothing new. */
import { assertEquals } from "@std/assert";
import { signal } from "../support/marked_processes.ts";
import { eventually } from "../workers/process_world.ts";
import { commandInstance, startInstance } from "./support/control_plane.ts";
import { isServed, testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";
const LIMIT_MS = 30_000;

testWithFleet(
  "a host that is off is forgotten by a node that does not lead, and its instances start elsewhere",
  async (fleet) => {
    const [leader, other] = [await fleet.serve(), await fleet.serve()];
    const first = await fleet.worker("w1", ["--worker-id", "first"]);
    const { id } = await startInstance(leader, commandInstance("moves", ["sleep", "600"]));
    assertEquals((await other.call("POST /api/workers/first/forget")).json.code, "worker_alive");
    await first.end("SIGKILL");
    for (const server of fleet.servers("w1")) signal(server, "SIGKILL");
    await fleet.worker("w2", ["--worker-id", "second"]);

    const { status, json } = await other.call("POST /api/workers/first/forget");
    assertEquals([status, json.instanceIds], [200, [id]], JSON.stringify(json));
    const shown = await eventually("it runs on the other host", async () => {
      const answer = await other.call(`GET ${INSTANCES}/${id}`);
      return answer.json.status === "Running" && answer.json;
    }, LIMIT_MS);
    assertEquals(isServed(fleet.servers("w2"), shown.runtimeInfo.processId), true);
    const { json: { items } } = await leader.call("GET /api/workers");
    assertEquals(items.map((one: { id: string }) => one.id), ["second"]);
  },
);

testWithFleet(
  "a drained worker gets no start, also after it was started anew, and still stops what it has",
  async (fleet) => {
    const api = await fleet.serve();
    const first = await fleet.worker("w1", ["--worker-id", "first"]);
    const { id } = await startInstance(api, commandInstance("stays", ["sleep", "600"]));
    assertEquals((await api.call("POST /api/workers/first/drain")).status, 200);
    await first.end("SIGTERM");
    await fleet.worker("w1", ["--worker-id", "first"]);
    await fleet.worker("w2", ["--worker-id", "second"]);
    for (let index = 0; index < 4; index++) {
      await startInstance(api, commandInstance(`new ${index}`, ["sleep", "600"]));
    }
    assertEquals([fleet.servers("w1").length, fleet.servers("w2").length], [1, 4]);
    assertEquals((await api.call(`POST ${INSTANCES}/${id}/stop`)).status, 200);
    assertEquals(fleet.servers("w1").length, 0);
  },
);
