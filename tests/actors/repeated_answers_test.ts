/** A request repeated under its key gets its first answer, also where that did not wait for its own command. Design §4 rule 11. */
import { assertEquals } from "@std/assert";
import { withApi } from "../http/support/api_world.ts";
import { eventually } from "../workers/process_world.ts";

const keyed = { headers: { "idempotency-key": "once" } };

Deno.test("a forced delete repeated under its key is answered with its own event, not with its command's end", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    await call(`POST /api/server/instances/${id}/start`);
    const path = `DELETE /api/server/instances/${id}?force=true`;
    const first = await call(path, keyed);
    assertEquals(first.status, 204);
    const again = await call(path, keyed);
    assertEquals(
      [again.status, again.headers.get("draas-position")],
      [204, first.headers.get("draas-position")],
    );
  }));

Deno.test("a stop that called off a waiting start is answered the same under its key: by the stop that it waited for", () =>
  withApi(async ({ call, create, startWorker, platform }) => {
    await startWorker();
    const id = await create();
    const at = `POST /api/server/instances/${id}`;
    await call(`${at}/start`);
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const stop = platform.stop.bind(platform);
    platform.stop = (instanceId) => gate.then(() => stop(instanceId));
    await call(`${at}/stop?wait=false`);
    await call(`${at}/start?wait=false`);
    const waiting = call(`${at}/stop`, keyed);
    await eventually("the start is called off", async () => {
      const { json } = await call(`GET /api/server/instances/${id}`);
      return json.queuedStart === undefined;
    });
    open();
    const first = await waiting;
    assertEquals([first.status, first.json.changed], [200, true]);
    const again = await call(`${at}/stop`, keyed);
    assertEquals([again.status, again.json.position], [200, first.json.position]);
  }));
