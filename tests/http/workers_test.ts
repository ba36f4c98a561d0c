/** What an admin may do with a worker: keep new work from it, let it come again, give it up. */
import { assertEquals } from "@std/assert";
import { assertProblem, faultLines } from "./support/api_client.ts";
import { withApi } from "./support/api_world.ts";

const START = "POST /api/server/instances";

Deno.test("a drained worker takes no start, and takes them again when it is resumed", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    const drained = await call("POST /api/workers/worker-1/drain");
    assertEquals([drained.status, drained.json], [200, { id: "worker-1", draining: true }]);
    assertEquals((await call("GET /api/workers")).json.items[0].draining, true);
    assertEquals((await call(`${START}/${id}/start?timeout=200ms`)).status, 500);

    const resumed = await call("POST /api/workers/worker-1/resume");
    assertEquals(resumed.json, { id: "worker-1", draining: false });
    assertEquals((await call(`${START}/${id}/start`)).status, 200);
  }));

Deno.test("a worker that is still heard is not forgotten: its servers live", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const answer = await call("POST /api/workers/worker-1/forget");
    assertEquals(assertProblem(answer, 409, "worker_alive").retryable, false);
    assertEquals((await call("GET /api/workers")).json.items.length, 1);
  }));

Deno.test("a worker whose host is off is forgotten: its instances count as lost, and it is shown no more", () =>
  withApi(async ({ call, create, startWorker, stopWorker }) => {
    await startWorker();
    const id = await create({ restartPolicy: { mode: "never" } });
    assertEquals((await call(`${START}/${id}/start`)).status, 200);
    await stopWorker();
    const { status, json } = await call("POST /api/workers/worker-1/forget");
    assertEquals([status, json], [200, { id: "worker-1", forgotten: true, instanceIds: [id] }]);
    assertEquals((await call("GET /api/workers")).json.items, []);
    assertEquals((await call(`GET /api/server/instances/${id}`)).json.status, "Failed");
    const { json: { items } } = await call(`GET /api/server/instances/${id}/events`);
    const lost = items.find(({ data }: { data: { observation?: string } }) =>
      data.observation === "Lost"
    );
    assertEquals(lost.requestedBy, "anonymous", "who asked for it is told");
    assertProblem(await call("POST /api/workers/worker-1/forget"), 404, "worker_not_found");
  }));

for (const verb of ["drain", "resume", "forget"]) {
  Deno.test(`to ${verb} a worker that is not there is a 404, and there is nothing to say to it`, () =>
    withApi(async ({ call }) => {
      assertProblem(await call(`POST /api/workers/nobody/${verb}`), 404, "worker_not_found");
      const long = "x".repeat(300);
      assertProblem(await call(`POST /api/workers/${long}/${verb}`), 404, "worker_not_found");
      const faults = faultLines(await call(`POST /api/workers/w/${verb}?force=true`));
      assertEquals(faults.length, 1, "a query parameter");
    }));
}
