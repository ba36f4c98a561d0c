/** Limits and metrics from one end to the other: asked for at a node, held by a worker, shown by every node. */
import { assert, assertEquals } from "@std/assert";
import { eventually } from "../workers/process_world.ts";
import { commandInstance, startInstance } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const INSTANCES = "/api/server/instances";

testWithFleet("limits reach the host, and every node shows how the server does", async (fleet) => {
  const [one, other] = [await fleet.serve(), await fleet.serve()];
  await fleet.worker("w1");
  const limits = { openFiles: 64, processes: 16 };
  const { id } = await startInstance(one, {
    ...commandInstance("limited", ["sleep", "600"]),
    limits,
  });
  for (const node of [one, other]) {
    const shown = await eventually("metrics are shown", async () => {
      const { json } = await node.call(`GET ${INSTANCES}/${id}`);
      return json.metrics && json;
    }, 30_000);
    assertEquals(shown.limits, limits);
    const told = { ...shown.runtimeInfo.limits, ...shown.runtimeInfo.limitsNotSet };
    assertEquals(Object.keys(told).sort(), Object.keys(limits).sort());
    const { metrics } = shown;
    assertEquals([metrics.processes, metrics.restarts], [1, 0]);
    assert(metrics.memoryBytes > 0 && metrics.openFiles >= 4 && metrics.uptimeMs > 0);
    assertEquals(new Date(metrics.sampledAt).toISOString(), metrics.sampledAt);
    const { json: { items } } = await node.call(`GET ${INSTANCES}`);
    assertEquals(items[0].metrics.processes, 1);
  }
});
