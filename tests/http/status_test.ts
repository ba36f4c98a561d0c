/** Reports of statuses from outside, and how statuses have changed lately. Design §4 rule 15, `drasi-server.md` §16. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { assertProblem, faultLines } from "./support/api_client.ts";
import { withApi } from "./support/api_world.ts";

const INSTANCES = "/api/server/instances";
const UPDATES = "POST /api/status/updates";
const CHANGES = "GET /api/status/recent-changes";

Deno.test("a status that is put is shown, in the log with who said so, and changes nothing of the server", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const at = `${INSTANCES}/${await create()}`;
    await call(`POST ${at}/start`);
    const answer = await call(`PUT ${at}/status`, { body: "2" });
    assertEquals([answer.status, answer.json.status, answer.json.legacyStatus], [
      200,
      "Running",
      "Running",
    ]);
    const { reportedAt, ...told } = answer.json.externalStatus;
    assertEquals(told, {
      status: "Stopped",
      source: "anonymous",
      metadata: {},
      reportedBy: "anonymous",
    });
    const [event] = (await call(`GET ${at}/events?limit=1`)).json.items;
    assertEquals([event.type, event.requestedBy, event.at], [
      "ExternalStatusReported",
      "anonymous",
      reportedAt,
    ]);
    assertEquals(answer.headers.get("draas-position"), event.position);
    const again = await call(`PUT ${at}/status`, { body: '"stopped"' });
    assertEquals(again.headers.get("draas-position"), event.position, "it is no news");
    const { status, externalStatus } = (await call(`GET /api/status/${event.instanceId}/status`))
      .json;
    assertEquals([status, externalStatus.status], ["Running", "Stopped"]);
  }));

Deno.test("an update names its source and what else it has to say", () =>
  withApi(async ({ call, create }) => {
    const instanceId = await create();
    const metadata = { container: "c1" };
    const body = { instanceId, status: "Error", source: "DockerDaemon", metadata };
    const answer = await call(UPDATES, { body });
    assertEquals([answer.status, answer.json.instanceId, answer.json.changed], [
      202,
      instanceId,
      true,
    ]);
    assertEquals((await call(UPDATES, { body })).json.changed, false);
    const { externalStatus } = (await call(`GET ${INSTANCES}/${instanceId}`)).json;
    assertEquals([externalStatus.source, externalStatus.metadata], ["DockerDaemon", metadata]);
    const plan = await call(`${UPDATES}?dryRun=true`, { body: { ...body, status: "Running" } });
    assertEquals(plan.json.events, [{
      type: "ExternalStatusReported",
      data: { status: "Running", source: "DockerDaemon", metadata },
    }]);
  }));

Deno.test("an update under a key is recorded once", () =>
  withApi(async ({ call, create }) => {
    const instanceId = await create();
    const send = (status: string) =>
      call(UPDATES, {
        body: { instanceId, status, source: "m" },
        headers: { "idempotency-key": "k" },
      });
    const first = await send("Running");
    await call(`PUT ${INSTANCES}/${instanceId}/status`, { body: "3" });
    assertEquals((await send("Running")).json, first.json);
    assertProblem(await send("Error"), 422, "key_reused");
  }));

Deno.test("nothing is reported of an instance that there is not, or not any more", () =>
  withApi(async ({ call, create }) => {
    const gone = await create();
    await call(`DELETE ${INSTANCES}/${gone}`);
    assertProblem(await call(`PUT ${INSTANCES}/nobody/status`, { body: "1" }), 404, "not_found");
    const body = { instanceId: gone, status: "Running", source: "m" };
    assertProblem(await call(UPDATES, { body }), 410, "deleted");
  }));

Deno.test("a report that is not understood is told with every fault", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    const words = "must be one of Created, Running, Stopped, Error, ConfigurationChanged, " +
      "Starting, Restarting, Stopping, Failed, Deleting, Deleted, or the predecessor's number " +
      "from 0 to 4";
    for (const body of ["7", '"Fine"', "null", '{"status":"Fine"}']) {
      assertEquals(
        faultLines(await call(`PUT ${at}/status`, { body })),
        [`status: ${words}`],
        body,
      );
    }
    assertEquals(faultLines(await call(`PUT ${at}/status`)).length, 1);
    const body = { instanceId: "-", status: [], source: "", metadata: { a: "\u001b[2J" }, more: 1 };
    const faults = faultLines(await call(UPDATES, { body }));
    assertEquals(faults.map((fault) => fault.slice(0, fault.indexOf(":"))).toSorted(), [
      "instanceId",
      "metadata",
      "more",
      "source",
      "status",
    ]);
    assert(faults.includes("metadata: must have no control characters"), faults.join("\n"));
    const none = faultLines(await call(UPDATES, { body: "5" }));
    assertStringIncludes(none[0]!, "the body must be an object with instanceId, status and source");
  }));

Deno.test("changes of statuses come in the order in which they were, filtered, page by page", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const [one, two] = [await create(), await create()];
    await call(`POST ${INSTANCES}/${one}/start`);
    await call(`POST ${INSTANCES}/${two}/start`);
    await call(`PATCH ${INSTANCES}/${one}`, { body: { serverConfiguration: { port: 9 } } });
    const body = { instanceId: two, status: "Error", source: "monitor", metadata: { a: "b" } };
    await call(UPDATES, { body });
    await call(`POST ${INSTANCES}/${one}/stop`);
    const told: string[] = [];
    const items = [];
    for (let cursor = "";;) {
      const { json } = await call(`${CHANGES}?limit=2${cursor}`);
      items.push(...json.items);
      if (json.nextCursor === undefined) break;
      cursor = `&cursor=${json.nextCursor}`;
    }
    for (const { instanceId, oldStatus, newStatus, source } of items) {
      told.push(`${instanceId === one ? "one" : "two"} ${oldStatus} > ${newStatus} by ${source}`);
    }
    assertEquals(told.slice(0, 4), [
      "one Created > Running by worker:worker-1",
      "two Created > Running by worker:worker-1",
      "one Running > ConfigurationChanged by anonymous",
      "two Running > Error by monitor",
    ]);
    assertEquals(told.at(-1), "one Running > Stopped by worker:worker-1");
    const { timestamp, position, ...reported } = items[3];
    assert(timestamp && position);
    assertEquals(reported, {
      instanceId: two,
      oldStatus: "Running",
      newStatus: "Error",
      source: "monitor",
      metadata: { a: "b" },
      reported: true,
    });
    const filtered = await call(`${CHANGES}?statusFilter=error,ConfigurationChanged`);
    assertEquals(filtered.json.items.length, 2);
    const future = encodeURIComponent(new Date(Date.now() + 60_000).toISOString());
    assertEquals((await call(`${CHANGES}?since=${future}`)).json.items, []);
    assertEquals(faultLines(await call(`${CHANGES}?since=soon&statusFilter=Fine`)).length, 2);
  }));
