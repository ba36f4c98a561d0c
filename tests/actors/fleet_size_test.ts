/** How many instances the fleet has: as many as a list shows. */
import { assertEquals } from "@std/assert";
import { InstanceTable } from "../../actors/instance_table.ts";
import { History } from "../support/recorded.ts";
import { withApi } from "../http/support/api_world.ts";

Deno.test("deleted instances are not counted, before and after a recovery", () => {
  const history = new History().created();
  const table = new InstanceTable();
  table.fold(history.events);
  assertEquals(table.fleetSize, 1);
  history.add("DeleteRequested", {
    commandId: null,
    generation: 1,
    site: null,
    acceptWithinMs: 1,
    force: false,
    mayStillRun: null,
  });
  table.fold(history.events);
  assertEquals(table.fleetSize, 0);
  const recovered = new InstanceTable();
  recovered.restore(table.state(history.state.context.instanceId)!);
  assertEquals(recovered.fleetSize, 0);
});

Deno.test("/readyz counts what a list shows", () =>
  withApi(async ({ call, create }) => {
    const [first] = [await create(), await create()];
    assertEquals((await call("GET /readyz")).json.instances, 2);
    await call(`DELETE /api/server/instances/${first}`);
    assertEquals((await call("GET /readyz")).json.instances, 1);
    assertEquals((await call("GET /api/server/instances")).json.items.length, 1);
  }));
