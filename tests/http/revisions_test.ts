/** The configurations that an instance has had: listed, shown, compared, and gone back to. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { storedState } from "../../machines/evolve.ts";
import { History, INSTANCE } from "../support/recorded.ts";
import { type ApiClient, apiClient, assertProblem, faultLines } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { pageOf, scriptedSystem } from "./support/scripted_system.ts";

const CONFIGURATIONS = "/api/configuration/instances";
const INSTANCES = "/api/server/instances";

/** An instance with the ports 8001, 8002, …, each in a revision of its own. */
async function withPorts(call: ApiClient, count: number): Promise<string> {
  const body = { name: "one", serverConfiguration: { port: 8_001 } };
  const { id } = (await call(`POST ${INSTANCES}`, { body })).json;
  for (let port = 8_002; port <= 8_000 + count; port++) {
    await call(`PUT ${CONFIGURATIONS}/${id}`, { body: { port } });
  }
  return id;
}

// deno-lint-ignore no-explicit-any -- items of any list
const numbers = (answer: any) => answer.json.items.map((item: any) => item.revision);

Deno.test("revisions are listed newest first, with who made them and when, page by page", () =>
  withApi(async ({ call }) => {
    const id = await withPorts(call, 5);
    await call(`PATCH ${INSTANCES}/${id}`, { body: { name: "two" } });
    const list = `GET ${CONFIGURATIONS}/${id}/revisions`;
    const whole = await call(list);
    assertEquals(numbers(whole), [5, 4, 3, 2, 1]);
    const { at, position, ...rest } = whole.json.items[0];
    assertEquals(rest, { revision: 5, by: "anonymous", version: 5 });
    assertMatch(at, /^\d{4}-.*Z$/);
    assertMatch(position, /^\d+-\d+$/);
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await call(`${list}?limit=2${cursor ? `&cursor=${cursor}` : ""}`);
      seen.push(...numbers(page));
      cursor = page.json.nextCursor;
    } while (cursor);
    assertEquals(seen, [5, 4, 3, 2, 1]);
    assertEquals(faultLines(await call(`${list}?limit=0&cursor=x&atLeast=y`)), [
      "?atLeast: must be a position in the log, such as 12-0",
      "?limit: must be a whole number from 1 to 200",
      "?cursor: must be a whole number from 2 to 999999999",
    ]);
  }));

Deno.test("one revision is shown with its configuration; one that never was is a 404", () =>
  withApi(async ({ call }) => {
    const id = await withPorts(call, 3);
    const show = (revision: string) => call(`GET ${CONFIGURATIONS}/${id}/revisions/${revision}`);
    const second = (await show("2")).json;
    assertEquals([second.id, second.revision, second.configuration], [id, 2, { port: 8_002 }]);
    for (const strange of ["0", "4", "x", "-1"]) {
      const problem = assertProblem(await show(strange), 404, "revision_not_found");
      assertEquals(problem.newestRevision, 3);
    }
    assertProblem(await call(`GET ${CONFIGURATIONS}/nobody/revisions/1`), 404, "not_found");
  }));

Deno.test("a history of many events is read back page after page", () =>
  withApi(async ({ call, system }) => {
    const id = await withPorts(call, 2);
    for (let n = 0; n < 250; n++) {
      const changes = { name: `n${n}` };
      await system.tell(id, { type: "configure", changes }, "ann");
    }
    const first = await call(`GET ${CONFIGURATIONS}/${id}/revisions/1`);
    assertEquals([first.json.version, first.json.configuration], [1, { port: 8_001 }]);
  }));

Deno.test("the configurations of a deleted instance are told as its history is", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const id = await withPorts(call, 2);
    await call(`POST ${INSTANCES}/${id}/start`);
    assertEquals((await call(`DELETE ${INSTANCES}/${id}`)).status, 204);
    assertEquals(numbers(await call(`GET ${CONFIGURATIONS}/${id}/revisions`)), [2, 1]);
    const last = await call(`GET ${CONFIGURATIONS}/${id}/revisions/2`);
    assertEquals(last.json.configuration, { port: 8_002 });
    const diff = await call(`GET ${CONFIGURATIONS}/${id}/diff`);
    assertEquals(diff.json.patch, [{ op: "replace", path: "/port", value: 8_002 }]);
    const back = await call(`POST ${CONFIGURATIONS}/${id}/rollback`, { body: { revision: 1 } });
    assertProblem(back, 410, "deleted");
  }));

Deno.test("a difference is a patch from the one to the other, from the last to the present when none is named", () =>
  withApi(async ({ call }) => {
    const id = await withPorts(call, 4);
    await call(`PUT ${CONFIGURATIONS}/${id}`, { body: { host: "127.0.0.1", port: 8_004 } });
    const diff = async (query: string) => {
      const { from, to, patch } = (await call(`GET ${CONFIGURATIONS}/${id}/diff${query}`)).json;
      return { from, to, patch };
    };
    const port = (value: number) => ({ op: "replace", path: "/port", value });
    const host = { op: "add", path: "/host", value: "127.0.0.1" };
    assertEquals(await diff(""), { from: 4, to: 5, patch: [host] });
    assertEquals(await diff("?from=2&to=5"), { from: 2, to: 5, patch: [host, port(8_004)] });
    assertEquals(await diff("?from=5&to=3"), {
      from: 5,
      to: 3,
      patch: [{ op: "remove", path: "/host" }, port(8_003)],
    });
    assertEquals(await diff("?to=3"), { from: 2, to: 3, patch: [port(8_003)] });
    assertEquals(await diff("?from=3"), { from: 3, to: 5, patch: [host, port(8_004)] });
    assertEquals(await diff("?to=1"), { from: 1, to: 1, patch: [] });
    const strange = await call(`GET ${CONFIGURATIONS}/${id}/diff?to=6`);
    assertProblem(strange, 404, "revision_not_found");
  }));

Deno.test("the difference of what runs leads from it to what is configured", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const id = await withPorts(call, 2);
    await call(`POST ${INSTANCES}/${id}/start`);
    const diff = `GET ${CONFIGURATIONS}/${id}/diff`;
    const still = (await call(diff)).json;
    assertEquals([still.from, still.to, still.patch], [2, 2, []]);
    for (const port of [8_003, 8_004]) {
      await call(`PUT ${CONFIGURATIONS}/${id}`, { body: { port } });
    }
    const drifting = (await call(diff)).json;
    assertEquals([drifting.from, drifting.to, drifting.patch], [2, 4, [
      { op: "replace", path: "/port", value: 8_004 },
    ]]);
    await call(`POST ${INSTANCES}/${id}/stop`);
    await call(`POST ${INSTANCES}/${id}/start`, { body: { port: 9_000 } });
    const own = (await call(diff)).json;
    assertEquals([own.from, own.to, own.patch], [null, 4, [
      { op: "replace", path: "/port", value: 8_004 },
    ]]);
  }));

Deno.test("a difference is what PATCH takes", () =>
  withApi(async ({ call }) => {
    const id = await withPorts(call, 3);
    const back = (await call(`GET ${CONFIGURATIONS}/${id}/diff?from=3&to=1`)).json.patch;
    const patched = await call(`PATCH ${CONFIGURATIONS}/${id}`, { body: back });
    assertEquals([patched.json.configuration, patched.json.revision], [{ port: 8_001 }, 4]);
  }));

Deno.test("a rollback configures what there was as a new revision", () =>
  withApi(async ({ call }) => {
    const id = await withPorts(call, 3);
    const rollback = `POST ${CONFIGURATIONS}/${id}/rollback`;
    const plan = await call(`${rollback}?dryRun=true`, { body: { revision: 1 } });
    assertEquals(plan.json.events[0].data, { changes: { configuration: { port: 8_001 } } });
    const back = await call(rollback, { body: { revision: 1 } });
    assertEquals([back.status, back.json.changed, back.json.revision, back.json.configuration], [
      200,
      true,
      4,
      { port: 8_001 },
    ]);
    const again = await call(rollback, { body: { revision: 1 } });
    assertEquals([again.json.changed, again.json.revision], [false, 4], "it is so already");
  }));

Deno.test("a rollback honours If-Match, and its key", () =>
  withApi(async ({ call }) => {
    const id = await withPorts(call, 3);
    const rollback = `POST ${CONFIGURATIONS}/${id}/rollback`;
    const stale = { "if-match": '"1"' };
    const refused = await call(rollback, { body: { revision: 1 }, headers: stale });
    assertProblem(refused, 412, "stale_version");
    const headers = { "idempotency-key": "k1" };
    const first = await call(rollback, { body: { revision: 1 }, headers });
    await call(`PUT ${CONFIGURATIONS}/${id}`, { body: { port: 8_009 } });
    const again = await call(rollback, { body: { revision: 1 }, headers });
    assertEquals([again.status, again.json.position], [200, first.json.position]);
    const other = await call(rollback, { body: { revision: 2 }, headers });
    assertProblem(other, 422, "key_reused");
    assertEquals((await call(`GET ${CONFIGURATIONS}/${id}`)).json.revision, 5);
  }));

Deno.test("a rollback needs the number of a revision that there is", () =>
  withApi(async ({ call }) => {
    const rollback = `POST ${CONFIGURATIONS}/${await withPorts(call, 1)}/rollback`;
    const faulty: [unknown, string[]][] = [
      [undefined, [': the body must be a JSON object, such as {"revision": 3}']],
      [{}, ["revision: must be the number of a revision"]],
      [{ revision: "1", force: true }, [
        "revision: must be the number of a revision",
        "force: is not a known field",
      ]],
      [{ revision: 1.5 }, ["revision: must be a whole number"]],
      [{ revision: 0 }, ["revision: must be at least 1"]],
    ];
    for (const [body, faults] of faulty) {
      assertEquals(faultLines(await call(rollback, { body })), faults);
    }
    assertProblem(await call(rollback, { body: { revision: 2 } }), 404, "revision_not_found");
  }));

Deno.test("what fitted the template before a move is not configured after it", () =>
  withApi(async ({ call }) => {
    const id = await withPorts(call, 2);
    await call(`POST ${INSTANCES}/${id}/move`, {
      body: {
        platform: "docker",
        template: "image",
        serverConfiguration: { image: "redis:7" },
      },
    });
    assertEquals((await call(`GET ${CONFIGURATIONS}/${id}`)).json.template, "image");
    const rollback = `POST ${CONFIGURATIONS}/${id}/rollback`;
    const refused = await call(rollback, { body: { revision: 2 } });
    const problem = assertProblem(refused, 409, "conflict");
    assertStringIncludes(
      problem.detail,
      "Revision 2 does not fit the template image that the instance has now: image: must be",
    );
    assertStringIncludes(problem.faults.map((one: { path: string }) => one.path).join(), "port");
    assertEquals((await call(`GET ${CONFIGURATIONS}/${id}/revisions/3`)).json.configuration, {
      image: "redis:7",
    });
  }));

/** An instance of four revisions, of which the log knows those from the second on, by a baseline. */
function cutInstance(): ApiClient {
  const configured = (history: History, name: string) =>
    history.add("InstanceConfigured", { changes: { configuration: { command: [name] } } });
  const history = configured(new History().created(), "two");
  history.add("Baseline", { state: storedState(history.state) });
  const { events, state } = configured(configured(history, "three"), "four");
  const left = events.slice(2);
  return apiClient(createHttpApp(apiOptions(scriptedSystem(null, {
    get: (id) => Promise.resolve(id === INSTANCE ? state : undefined),
    history: (_, limit, before) => Promise.resolve(pageOf(left, limit, before)),
  }))));
}

Deno.test("what lies before the log's beginning is a 410 that says from which revision on they are known", async () => {
  const call = cutInstance();
  const at = `${CONFIGURATIONS}/${INSTANCE}`;
  const list = await call(`GET ${at}/revisions`);
  assertEquals([numbers(list), list.json.firstRevision], [[4, 3, 2], 2]);
  const oldest = list.json.items.at(-1);
  assertEquals([oldest.by, oldest.at, oldest.asOf.version], [undefined, undefined, 3]);
  assertEquals((await call(`GET ${at}/revisions/2`)).json.configuration, { command: ["two"] });
  for (const query of ["revisions/1", "revisions?cursor=2", "diff?from=1&to=4"]) {
    const problem = assertProblem(await call(`GET ${at}/${query}`), 410, "log_truncated");
    assertEquals(problem.firstRevision, 2);
    assertStringIncludes(problem.detail, "are known from 2 on");
  }
});
