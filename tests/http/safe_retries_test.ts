/** What makes a mutation safe to repeat, to try and to leave: keys, entity tags, dry runs, not waiting. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions, TEST_INSTANCE, withApi } from "./support/api_world.ts";
import { until } from "./support/until.ts";
import { scriptedSystem, stateAfter } from "./support/scripted_system.ts";
import { bearer, bookOf } from "./support/tokens.ts";

const CREATE = "POST /api/server/instances";
const keyed = (key: string) => ({ "idempotency-key": key });

Deno.test("a create that is repeated under its key gives the first instance and makes no second", () =>
  withApi(async ({ call }) => {
    const first = await call(CREATE, { body: TEST_INSTANCE, headers: keyed("k1") });
    const again = await call(CREATE, { body: TEST_INSTANCE, headers: keyed("k1") });
    assertEquals([first.status, again.status], [201, 201]);
    assertEquals(again.json, first.json);
    assertEquals((await call("GET /api/server/instances")).json.items.length, 1);
  }));

Deno.test("the order of fields does not make another request of it; another value does", () =>
  withApi(async ({ call }) => {
    const body = { name: "a", labels: { x: "1", y: "2" } };
    await call(CREATE, { body, headers: keyed("k1") });
    const reordered = await call(CREATE, {
      body: { labels: { y: "2", x: "1" }, name: "a" },
      headers: keyed("k1"),
    });
    assertEquals(reordered.status, 201, reordered.text);
    const other = await call(CREATE, { body: { ...body, name: "b" }, headers: keyed("k1") });
    assertStringIncludes(assertProblem(other, 422, "key_reused").detail, "'k1'");
  }));

Deno.test("a start whose answer was lost is answered again with the same run", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const start = `POST /api/server/instances/${await create()}/start`;
    const first = await call(start, { headers: keyed("k1") });
    const again = await call(`${start}?timeout=9s`, { headers: keyed("k1") });
    assertEquals(again.status, 200, again.text);
    assertEquals(again.json.runtimeInfo, first.json.runtimeInfo);
    assertEquals(again.json.position, first.json.position);
  }));

Deno.test("the same key on another instance is another request", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    for (const id of [await create(), await create()]) {
      const answer = await call(`POST /api/server/instances/${id}/start`, { headers: keyed("k1") });
      assertEquals(answer.json.runtimeInfo.instanceId, id);
    }
  }));

Deno.test("a delete with force is another request than one without", () =>
  withApi(async ({ call, create }) => {
    const remove = `DELETE /api/server/instances/${await create()}`;
    assertEquals((await call(remove, { headers: keyed("k1") })).status, 204);
    assertEquals((await call(remove, { headers: keyed("k1") })).status, 204, "the first answer");
    assertProblem(
      await call(`${remove}?force=true`, { headers: keyed("k1") }),
      422,
      "key_reused",
    );
  }));

Deno.test("keys are kept as digests, and apart by caller, method and path", async () => {
  const outcome = { kind: "done", changed: true, state: stateAfter(), position: "1-0" } as const;
  const system = scriptedSystem({ ...outcome, event: null });
  const anonymous = apiClient(createHttpApp(apiOptions(system)));
  const known = apiClient(
    createHttpApp({ ...apiOptions(system), tokens: bookOf("t", "admin") }),
    bearer("t"),
  );
  const lines = ["POST /api/server/instances/i-1/start", "POST /api/server/instances/i-1/stop"];
  for (const line of lines) {
    for (const call of [anonymous, anonymous, known]) await call(line, { headers: keyed("mine") });
  }
  const keys = system.asked.map(({ options }) => options.idempotency?.key ?? "");
  assertEquals(new Set(keys).size, 4, "two callers, two paths");
  for (const key of keys) assertMatch(key, /^[0-9a-f]{64}$/);
  assertEquals(system.asked.at(-1)?.options.requestedBy, "holder");
});

Deno.test("who waits has the time that he names, who does not wait has the queue's", async () => {
  const outcome = { kind: "done", changed: true, state: stateAfter(), position: "1-0" } as const;
  const system = scriptedSystem({ ...outcome, event: null });
  const call = apiClient(createHttpApp(apiOptions(system)));
  const queries = [
    "",
    "?timeout=1500",
    "?timeout=500ms",
    "?timeout=30s",
    "?timeout=5m",
    "?timeout=1h",
  ];
  for (const query of [...queries, "?wait=true", "?wait=false"]) {
    await call(`POST /api/server/instances/i-1/start${query}`);
  }
  assertEquals(system.asked.map(({ options: { timeoutMs, wait } }) => [timeoutMs, wait]), [
    [5_000, true],
    [1_500, true],
    [500, true],
    [30_000, true],
    [300_000, true],
    [3_600_000, true],
    [5_000, true],
    [60_000, false],
  ]);
});

Deno.test("a dry run does not use its key up", async () => {
  const system = scriptedSystem({ kind: "plan", events: [], state: stateAfter() });
  const call = apiClient(createHttpApp(apiOptions(system)));
  await call("POST /api/server/instances/i-1/stop?dryRun=true", { headers: keyed("k1") });
  assertEquals(
    system.asked.map(({ options }) => [options.dryRun, options.idempotency]),
    [[true, undefined]],
  );
});

Deno.test("the entity tag changes with the specification, not with what is observed", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    const at = `/api/server/instances/${id}`;
    const tag = async () => (await call(`GET ${at}`)).headers.get("etag");
    const created = await tag();
    assertEquals(created, '"1"');
    const started = await call(`POST ${at}/start`);
    const running = await tag();
    assert(running !== created, "what is desired has changed");
    assertEquals(started.headers.get("etag"), running);
    await call(`POST ${at}/start`);
    assertEquals(await tag(), running, "a start that changes nothing leaves it");
    const patched = await call(`PATCH ${at}`, { body: { description: "new" } });
    assertEquals(patched.headers.get("etag"), await tag());
    assert(await tag() !== running, "the specification has changed");
  }));

Deno.test("If-Match lets the first of two changes pass and refuses the second", () =>
  withApi(async ({ call, create }) => {
    const line = `PATCH /api/server/instances/${await create()}`;
    const ifMatch = { "if-match": '"1"' };
    const first = await call(line, { body: { name: "first" }, headers: ifMatch });
    assertEquals([first.status, first.json.name], [200, "first"]);
    const second = await call(line, { body: { name: "second" }, headers: ifMatch });
    assertProblem(second, 412, "stale_version");
    assertEquals(second.headers.get("etag"), first.headers.get("etag"));
    const any = await call(line, { body: { name: "third" }, headers: { "if-match": "*" } });
    assertEquals(any.json.name, "third");
  }));

Deno.test("an entity tag of another make never matches", () =>
  withApi(async ({ call, create }) => {
    const line = `PATCH /api/server/instances/${await create()}`;
    for (const tag of ['"abc"', 'W/"1"']) {
      const answer = await call(line, { body: { name: "b" }, headers: { "if-match": tag } });
      assertProblem(answer, 412, "stale_version");
    }
  }));

Deno.test("a dry run says what would be written, and writes nothing", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const created = await call(`${CREATE}?dryRun=true`, {
      body: TEST_INSTANCE,
      headers: keyed("k1"),
    });
    assertEquals(created.status, 200);
    // deno-lint-ignore no-explicit-any -- an event of any kind
    const types = (answer: any) => answer.json.events.map((event: any) => event.type);
    assertEquals(types(created), ["InstanceCreated"]);
    assertEquals((await call("GET /api/server/instances")).json.items, []);
    const id = await create();
    const plan = await call(`POST /api/server/instances/${id}/start?dryRun=true`);
    assertEquals([plan.json.dryRun, plan.json.changed, types(plan)], [
      true,
      true,
      ["StartRequested"],
    ]);
    assertEquals(plan.json.instance.status, "Created");
    const idle = await call(`POST /api/server/instances/${id}/stop?dryRun=true`);
    assertEquals([idle.json.changed, idle.json.events], [false, []]);
    assertEquals((await call(`GET /api/server/instances/${id}`)).json.version, 1);
  }));

Deno.test("wait=false answers 202 as soon as it is in the log, and says how to find out", () =>
  withApi(async ({ call, create, startWorker }) => {
    const id = await create();
    const at = `/api/server/instances/${id}`;
    const answer = await call(`POST ${at}/start?wait=false`);
    assertEquals([answer.status, answer.headers.get("location")], [202, at]);
    const { commandId, position, instance, hint } = answer.json;
    assertEquals([instance.status, instance.pending.commandId], ["Starting", commandId]);
    assertStringIncludes(hint, `GET ${at}`);
    assertEquals(answer.headers.get("draas-position"), position);
    await startWorker();
    const joined = await call(`POST ${at}/start`);
    assertEquals([joined.status, joined.json.runtimeInfo.status], [200, "Running"]);
  }));

Deno.test("a start on what runs changes nothing and gives the present run", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const start = `POST /api/server/instances/${await create()}/start`;
    const first = await call(start);
    const again = await call(start);
    assertEquals([again.status, again.json.changed], [200, false]);
    assertEquals(again.json.runtimeInfo, first.json.runtimeInfo);
    const other = await call(start, { body: { port: 9090 } });
    assertStringIncludes(assertProblem(other, 409, "conflict").detail, "restart");
  }));

Deno.test("an empty object as a start's body overrides nothing", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    const answer = await call(`POST /api/server/instances/${id}/start`, { body: {} });
    assertEquals([answer.status, answer.json.runtimeInfo.port], [200, 8080]);
  }));

Deno.test("a stop that overtakes a start that nobody took: the start's caller gets a 409", () =>
  withApi(async ({ call, create, system }) => {
    const id = await create();
    const at = `/api/server/instances/${id}`;
    const starting = call(`POST ${at}/start`);
    await until(
      "the start is in the log",
      async () => (await system.get(id))?.context.commands.length === 1,
    );
    const stopped = await call(`POST ${at}/stop`);
    assertEquals(stopped.status, 200, stopped.text);
    assertMatch(stopped.json.runtimeInfo.stoppedAt, /^\d{4}-.*Z$/);
    assertProblem(await starting, 409, "cancelled");
  }));

Deno.test("a caller whose time is over while a worker is at it hears that the outcome is unknown", () =>
  withApi(async ({ call, create, platform, startWorker }) => {
    let open = () => {};
    platform.gate = new Promise((resolve) => open = resolve);
    await startWorker();
    const start = `POST /api/server/instances/${await create()}/start`;
    const first = await call(`${start}?timeout=100ms`, { headers: keyed("k1") });
    assertProblem(first, 500, "outcome_unknown");
    open();
    const again = await call(start, { headers: keyed("k1") });
    assertEquals([again.status, again.json.runtimeInfo?.status], [200, "Running"], again.text);
  }));

Deno.test("a delete answers 204, and then everything about the instance but its history is a 410", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const at = `/api/server/instances/${await create()}`;
    await call(`POST ${at}/start`);
    const removed = await call(`DELETE ${at}`);
    assertEquals([removed.status, removed.text], [204, ""]);
    assertMatch(removed.headers.get("draas-position") ?? "", /^\d+-\d+$/);
    const gone = assertProblem(await call(`GET ${at}`), 410, "deleted");
    assertEquals([gone.deletedBy, typeof gone.version], ["anonymous", "number"]);
    assertMatch(gone.deletedAt, /^\d{4}-.*Z$/);
    assertProblem(await call(`POST ${at}/start`), 410, "deleted");
    assertProblem(await call(`PATCH ${at}`, { body: { name: "b" } }), 410, "deleted");
    assertEquals((await call(`GET ${at}/events`)).json.items[0].type, "InstanceCreated");
    assertEquals((await call("GET /api/server/instances")).json.items, []);
  }));

Deno.test("a change that is repeated under its key is answered, even after a delete", () =>
  withApi(async ({ call, create }) => {
    const at = `/api/server/instances/${await create()}`;
    const change = { body: { name: "b" }, headers: keyed("k1") };
    const first = await call(`PATCH ${at}`, change);
    await call(`DELETE ${at}`);
    const again = await call(`PATCH ${at}`, change);
    assertEquals([first.status, again.status], [200, 200]);
    assertEquals([again.json.name, again.json.status], ["b", "Deleted"]);
    assertProblem(await call(`PATCH ${at}`, { body: { name: "c" } }), 410, "deleted");
  }));

Deno.test("a forced delete needs no worker, and wait=false answers 202", () =>
  withApi(async ({ call, create, startWorker, stopWorker }) => {
    await startWorker();
    const [one, two] = [await create(), await create()];
    for (const id of [one, two]) await call(`POST /api/server/instances/${id}/start`);
    await stopWorker();
    const later = await call(`DELETE /api/server/instances/${one}?wait=false`);
    assertEquals([later.status, later.json.instance.status], [202, "Deleting"]);
    assertEquals((await call(`DELETE /api/server/instances/${two}?force=true`)).status, 204);
  }));
