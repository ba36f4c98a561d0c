/** Lists: statuses, selectors, orders, fields, and cursors that hold while the fleet changes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { INSTANCE_FIELDS, instanceView } from "../../http/instance_view.ts";
import { instance } from "../../http/openapi/instance_schema.ts";
import { anyHistory } from "../support/any_history.ts";
import fc from "fast-check";
import { type ApiClient, apiClient, faultLines } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { scriptedSystem } from "./support/scripted_system.ts";

const LIST = "GET /api/server/instances";

/** The names of all instances of a list, walked by pages. */
async function names(call: ApiClient, query: string, between?: () => Promise<unknown>) {
  const found: string[] = [];
  for (let cursor = "";;) {
    const page = await call(`${LIST}?${query}${cursor && `&cursor=${cursor}`}`);
    assertEquals(page.status, 200, page.text);
    found.push(...page.json.items.map(({ name }: { name: string }) => name));
    if (page.json.nextCursor === undefined) return found;
    cursor = page.json.nextCursor;
    await between?.();
  }
}

Deno.test("a list can have several statuses, the deleted ones too, with their labels", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const [one, , three] = [
      await create({ name: "one" }),
      await create({ name: "two" }),
      await create({ name: "three", labels: { a: "b" } }),
    ];
    await call(`POST /api/server/instances/${one}/start`);
    await call(`DELETE /api/server/instances/${three}`);
    assertEquals(await names(call, "status=running,Created"), ["one", "two"]);
    assertEquals(await names(call, "status=Running,Deleted"), ["one", "three"]);
    assertEquals(await names(call, "status=Deleted&label=a=b"), ["three"]);
    assertEquals(faultLines(await call(`${LIST}?status=Running,Gone`)).length, 1);
  }));

Deno.test("a list is narrowed by a label selector, and a bad one is told by its fault", () =>
  withApi(async ({ call, create }) => {
    await create({ name: "web", labels: { env: "prod", tier: "web" } });
    await create({ name: "api", labels: { env: "prod", tier: "api" } });
    await create({ name: "lab", labels: { env: "test", old: "yes" } });
    const by = (selector: string) => names(call, `label=${encodeURIComponent(selector)}`);
    assertEquals(await by("env=prod,tier!=web"), ["api"]);
    assertEquals(await by("!old"), ["web", "api"]);
    assertEquals(await by("env in (test,prod),old"), ["lab"]);
    const [fault] = faultLines(await call(`${LIST}?label=a==,,b`));
    assertStringIncludes(fault!, '?label: is not understood from ",b" on; a label selector is');
  }));

Deno.test("a list comes in each order, forwards and backwards", () =>
  withApi(async ({ call, create }) => {
    const ids = [];
    for (const name of ["b", "a", "c"]) ids.push(await create({ name }));
    await call(`PATCH /api/server/instances/${ids[0]}`, { body: { description: "newest" } });
    await new Promise((resolve) => setTimeout(resolve, 2));
    await call(`PATCH /api/server/instances/${ids[1]}`, { body: { description: "newer" } });
    assertEquals(await names(call, "limit=1"), ["b", "a", "c"]);
    assertEquals(await names(call, "limit=2&sort=name"), ["a", "b", "c"]);
    assertEquals(await names(call, "limit=2&sort=-name"), ["c", "b", "a"]);
    assertEquals((await names(call, "limit=2&sort=-lastModifiedAt"))[0], "a");
    assertEquals(await names(call, "sort=restarts&limit=1"), ["b", "a", "c"]);
    assertEquals((await names(call, "sort=status&limit=1")).length, 3);
    assertEquals(faultLines(await call(`${LIST}?sort=size`)), [
      "?sort: must be one of name, status, createdAt, lastModifiedAt, restarts, with - before it for the greatest first",
    ]);
  }));

Deno.test("a list that is walked by name has everybody once, though one of them is gone and another has come", () =>
  withApi(async ({ call, create }) => {
    const ids = new Map<string, string>();
    for (const name of ["a", "b", "c", "d"]) ids.set(name, await create({ name }));
    let changes = 0;
    const walked = await names(call, "sort=name&limit=2", async () => {
      if (changes++ > 0) return;
      await call(`DELETE /api/server/instances/${ids.get("b")}`);
      await create({ name: "aa" });
      await create({ name: "e" });
    });
    assertEquals(walked, ["a", "b", "c", "d", "e"]);
  }));

Deno.test("only the fields that are asked for are told", () =>
  withApi(async ({ call, create }) => {
    const id = await create({ name: "one" });
    const { json } = await call(`${LIST}?fields=id,status,worker`);
    assertEquals(json.items, [{ id, status: "Created" }]);
    assert(faultLines(await call(`${LIST}?fields=id,nothing`))[0]!.startsWith("?fields: must be"));
  }));

Deno.test("metrics are read only for who wants to see them", async () => {
  let asked = 0;
  const system = scriptedSystem(null, {
    metrics: (ids) => {
      asked += ids.length === 0 ? 0 : 1;
      return Promise.resolve(new Map());
    },
  });
  const call = apiClient(createHttpApp(apiOptions(system)));
  assertEquals((await call(`${LIST}?fields=metrics`)).json.items, [{}]);
  assertEquals((await call(`${LIST}?fields=id`)).json.items, [{ id: "i-1" }]);
  assertEquals(asked, 0, "nothing runs");
});

Deno.test("every field of every instance can be asked for, and no other", () => {
  // These are told of one instance alone, or of one that is gone.
  const { lastFailure: _f, deletedAt: _a, deletedBy: _b, ...listed } = instance.shape;
  assertEquals([...INSTANCE_FIELDS].toSorted(), Object.keys(listed).toSorted());
  fc.assert(
    fc.property(anyHistory, ({ state }) => {
      if (state.context.specification === null) return;
      const known: readonly string[] = INSTANCE_FIELDS;
      assertEquals(Object.keys(instanceView(state)).filter((name) => !known.includes(name)), []);
    }),
  );
});

Deno.test("a cursor of another list, of another order or of nobody is a fault", () =>
  withApi(async ({ call, create }) => {
    for (const name of ["a", "b"]) await create({ name });
    const { json } = await call(`${LIST}?limit=1&sort=name`);
    const other = (await call("GET /api/workers?limit=1")).json;
    assertEquals(other, { items: [], position: json.position });
    assertEquals(faultLines(await call(`${LIST}?cursor=${json.nextCursor}`)), [
      "?cursor: is of a list with sort=name",
    ]);
    const message = "must be the nextCursor of a page of this list, asked for alike";
    const strange = ["nobody", "%FF%00", btoa('["instances",5]'), btoa('["workers","w"]')];
    for (const cursor of [...strange, "x".repeat(9_000)]) {
      const answer = await call(`${LIST}?cursor=${cursor}`);
      assertEquals(faultLines(answer), [`?cursor: ${message}`], cursor.slice(0, 40));
    }
    assertEquals(faultLines(await call(`GET /api/workers?cursor=${json.nextCursor}`)), [
      `?cursor: ${message}`,
    ]);
  }));

Deno.test("workers come by their ids, page by page", async () => {
  const worker = (workerId: string) => ({
    workerId,
    platform: "process" as const,
    site: "s",
    incarnation: "i",
    machineId: "m",
    slots: 1,
    version: "0",
    labels: {},
    busy: 0,
    draining: false,
    lost: false,
    registeredAt: 0,
    lastHeartbeatAt: 0,
  });
  const workers = () => Promise.resolve(["w3", "w1", "w2"].map(worker));
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(null, { workers }))));
  const first = (await call("GET /api/workers?limit=2")).json;
  assertEquals(first.items.map(({ id }: { id: string }) => id), ["w1", "w2"]);
  const second = (await call(`GET /api/workers?cursor=${first.nextCursor}`)).json;
  assertEquals([second.items.map(({ id }: { id: string }) => id), second.nextCursor], [
    ["w3"],
    undefined,
  ]);
  assertEquals(second.position, "1-0");
});
