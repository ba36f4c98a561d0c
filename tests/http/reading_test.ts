/** What can be read: lists, histories, logs, workers, health and readiness. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { EventPlace } from "../../events/event_log.ts";
import { newEvent } from "../../events/instance_events.ts";
import { createHttpApp } from "../../http/app.ts";
import { apiClient, assertProblem, faultLines } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { pageOf, recorded, scriptedSystem } from "./support/scripted_system.ts";

const LIST = "GET /api/server/instances";

// deno-lint-ignore no-explicit-any -- items of any list
const each = (answer: any, field: string) => answer.json.items.map((item: any) => item[field]);

Deno.test("a list is walked page by page, each instance once", () =>
  withApi(async ({ call, create }) => {
    const ids = [];
    for (let at = 0; at < 5; at++) ids.push(await create({ name: `n${at}` }));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await call(`${LIST}?limit=2${cursor ? `&cursor=${cursor}` : ""}`);
      assertMatch(page.json.position, /^\d+-\d+$/);
      seen.push(...each(page, "id"));
      cursor = page.json.nextCursor;
    } while (cursor);
    assertEquals(seen, ids);
    assert(!("nextCursor" in (await call(LIST)).json), "a whole list has no next page");
  }));

Deno.test("a cursor that no page gave is named as a fault, not taken for the end of the list", () =>
  withApi(async ({ call, create }) => {
    await create({ name: "one" });
    const answer = assertProblem(await call(`${LIST}?cursor=nobody`), 400, "invalid");
    assertEquals(answer.faults[0].path, "?cursor");
  }));

Deno.test("a list is narrowed by status, label, name, platform and template, in any case", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    await create({ name: "Alpha", labels: { env: "prod" } });
    const beta = await create({ name: "beta", labels: { env: "test" } });
    await call(`POST /api/server/instances/${beta}/start`);
    const names = async (query: string) => each(await call(`${LIST}?${query}`), "name");
    assertEquals(await names("status=running"), ["beta"]);
    assertEquals(await names("status=Created"), ["Alpha"]);
    assertEquals(await names("label=env"), ["Alpha", "beta"]);
    assertEquals(await names("label=env%3Dtest"), ["beta"]);
    assertEquals(await names("q=ALPH"), ["Alpha"]);
    assertEquals(await names("platform=Process&template=drasi-server"), ["Alpha", "beta"]);
    assertEquals(await names("worker=worker-1"), ["beta"]);
    assertEquals(await names("template=command"), []);
  }));

Deno.test("a history tells who asked for what, and pages backwards", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const at = `/api/server/instances/${await create()}`;
    await call(`POST ${at}/start`, { headers: { "x-request-id": "req-9" } });
    const whole = await call(`GET ${at}/events`);
    assertEquals(each(whole, "type"), [
      "InstanceCreated",
      "StartRequested",
      "CommandAccepted",
      "CommandSucceeded",
    ]);
    const [, asked] = whole.json.items;
    assertEquals([asked.requestedBy, asked.correlationId, asked.version], [
      "anonymous",
      "req-9",
      2,
    ]);
    assertMatch(asked.at, /^\d{4}-.*Z$/);
    const last = await call(`GET ${at}/events?limit=3`);
    assertEquals(each(last, "version"), [2, 3, 4]);
    const first = await call(`GET ${at}/events?cursor=${last.json.nextCursor}`);
    assertEquals([each(first, "version"), first.json.nextCursor], [[1], undefined]);
    const second = await call(`GET ${at}/events?limit=1&before=3`);
    assertEquals([each(second, "version"), typeof second.json.nextCursor], [[2], "string"]);
    const both = await call(`GET ${at}/events?before=3&cursor=${last.json.nextCursor}`);
    assertEquals(faultLines(both), ["?cursor: is another way to say before; give one of them"]);
  }));

Deno.test("a long history is walked by pages, each of which reads no more than it tells", async () => {
  let read = 0;
  const events = recorded(
    Array.from(
      { length: 900 },
      () => newEvent("RequestAnswered", { request: "stop", commandId: null }),
    ),
  );
  const history = (_: string, limit: number, before?: number | EventPlace) => {
    read += typeof before === "number" ? 900 - before : limit;
    return Promise.resolve(pageOf(events, limit, before));
  };
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(null, { history }))));
  const versions: number[] = [];
  for (let cursor: string | undefined = "";;) {
    const page = await call(`GET /api/server/instances/i-1/events?limit=50${cursor}`);
    versions.unshift(...each(page, "version"));
    if (page.json.nextCursor === undefined) break;
    cursor = `&cursor=${page.json.nextCursor}`;
  }
  assertEquals(versions, events.map(({ version }) => version));
  assertEquals(read, 900);
});

Deno.test("an answer does not show digests of idempotency keys", () =>
  withApi(async ({ call, create }) => {
    const at = `/api/server/instances/${await create()}`;
    await call(`POST ${at}/stop`, { headers: { "idempotency-key": "k1" } });
    const { json, text } = await call(`GET ${at}/events`);
    assertEquals(json.items.at(-1).type, "RequestAnswered");
    assert(!text.includes("idempotency"), text);
  }));

Deno.test("logs come as JSON, or as text for who asks for it", () =>
  withApi(async ({ call, create, platform, startWorker }) => {
    await startWorker();
    platform.lines.push("one", "two", "three");
    const at = `/api/server/instances/${await create()}`;
    assertEquals((await call(`GET ${at}/logs`)).json, { items: [] });
    await call(`POST ${at}/start`);
    assertEquals((await call(`GET ${at}/logs?tail=2`)).json, { items: ["two", "three"] });
    const text = await call(`GET ${at}/logs`, { headers: { accept: "text/plain" } });
    assertEquals(text.text, "one\ntwo\nthree\n");
    assertMatch(text.headers.get("content-type") ?? "", /^text\/plain/);
  }));

Deno.test("logs of a site that does not answer are a 503 that may be repeated", async () => {
  const logs = () =>
    Promise.reject(new OperationalError("site_unreachable", "No worker.", true, "Start one."));
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(null, { logs }))));
  const answer = await call("GET /api/server/instances/i-1/logs");
  assertEquals(assertProblem(answer, 503, "site_unreachable").retryable, true);
});

Deno.test("workers are shown with what they offer and when they were last heard of", () =>
  withApi(async ({ call, startWorker }) => {
    assertEquals((await call("GET /api/workers")).json, { items: [], position: "0-0" });
    await startWorker();
    const { items: [worker] } = (await call("GET /api/workers")).json;
    assertEquals([worker.id, worker.platform, worker.site, worker.slots, worker.draining], [
      "worker-1",
      "process",
      "site-1",
      4,
      false,
    ]);
    assertMatch(worker.lastHeartbeatAt, /^\d{4}-.*Z$/);
  }));

Deno.test("a node that is ready says so, with its durability and position", () =>
  withApi(async ({ call, create }) => {
    await create();
    assertEquals((await call("GET /healthz")).json, { status: "alive", version: "0.0.0-test" });
    const { status, json } = await call("GET /readyz");
    assertEquals([status, json.ready, json.durability, json.instances], [200, true, "memory", 1]);
    assertMatch(json.position, /^\d+-\d+$/);
  }));

Deno.test("a node that is not ready is a 503 with the reasons, and lives", async () => {
  const status = () =>
    Promise.resolve({
      ready: false,
      reasons: ["it is recovering"],
      durability: "disk" as const,
      position: "0-0",
      instances: 0,
      commandsInFlight: 0,
      incidents: [],
    });
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(null, { status }))));
  const answer = await call("GET /readyz");
  const problem = assertProblem(answer, 503, "not_ready");
  assertEquals([problem.ready, problem.reasons], [false, ["it is recovering"]]);
  assertEquals([problem.durability, problem.position], ["disk", "0-0"]);
  assertEquals((await call("GET /healthz")).status, 200);
});

Deno.test("a node whose status cannot be had is not ready", async () => {
  const status = () =>
    Promise.reject(new OperationalError("log_closed", "The log is closed.", true, "Wait."));
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(null, { status }))));
  assertProblem(await call("GET /readyz"), 503, "log_closed");
});
