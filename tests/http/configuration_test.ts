/** The configuration of an instance by itself: shown, replaced and patched, with every fault told. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ApiClient, assertProblem, faultLines } from "./support/api_client.ts";
import { TEST_INSTANCE, withApi } from "./support/api_world.ts";

const CONFIGURATIONS = "/api/configuration/instances";
const INSTANCES = "/api/server/instances";
const CONFIGURATION = TEST_INSTANCE.serverConfiguration;
const JSON_PATCH = { "content-type": "application/json-patch+json" };
const keyed = (key: string) => ({ "idempotency-key": key });

const shown = async (call: ApiClient, id: string) =>
  (await call(`GET ${CONFIGURATIONS}/${id}`)).json;

Deno.test("a configuration is shown with its template, its revision and the instance's entity tag", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const answer = await call(`GET ${CONFIGURATIONS}/${id}`);
    assertEquals(answer.json, {
      id,
      template: "drasi-server",
      revision: 1,
      runningRevision: null,
      drift: false,
      configuration: CONFIGURATION,
    });
    const instance = await call(`GET ${INSTANCES}/${id}`);
    assertEquals(answer.headers.get("etag"), instance.headers.get("etag"));
    assertProblem(await call(`GET ${CONFIGURATIONS}/nobody`), 404, "not_found");
    await call(`DELETE ${INSTANCES}/${id}`);
    assertProblem(await call(`GET ${CONFIGURATIONS}/${id}`), 410, "deleted");
  }));

Deno.test("what runs with an older configuration drifts, in words, until it is started anew", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    await call(`POST ${INSTANCES}/${id}/start`);
    const { drift, runningRevision } = await shown(call, id);
    assertEquals([drift, runningRevision], [false, 1]);
    const body = [{ op: "replace", path: "/port", value: 8081 }];
    const patched = (await call(`PATCH ${CONFIGURATIONS}/${id}`, { body })).json;
    assertEquals([patched.revision, patched.runningRevision, patched.drift, patched.driftDetail], [
      2,
      1,
      true,
      "running revision 1, configured 2",
    ]);
    await call(`POST ${INSTANCES}/${id}/restart`);
    const after = await shown(call, id);
    assertEquals([after.drift, after.driftDetail, after.runningRevision], [false, undefined, 2]);
  }));

Deno.test("what was started with a body of its own is shown beside what is configured", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    await call(`POST ${INSTANCES}/${id}/start`, { body: { port: 9_000 } });
    const { drift, runningRevision, runningConfiguration } = await shown(call, id);
    assertEquals([drift, runningRevision, runningConfiguration], [false, null, { port: 9_000 }]);
  }));

Deno.test("a PUT replaces the whole configuration; the same one again changes nothing", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const put = `PUT ${CONFIGURATIONS}/${id}`;
    const first = await call(put, { body: { port: 8081 } });
    assertEquals([first.status, first.json.changed, first.json.revision], [200, true, 2]);
    assertEquals(first.json.configuration, { port: 8081 });
    const again = await call(put, { body: { port: 8081 } });
    assertEquals([again.status, again.json.changed, again.json.revision], [200, false, 2]);
    assertEquals(again.headers.get("etag"), first.headers.get("etag"));
    assertEquals((await call(`GET ${INSTANCES}/${id}`)).json.version, 2);
  }));

Deno.test("a PUT is checked as a create is, with paths within the configuration", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const put = `PUT ${CONFIGURATIONS}/${id}`;
    const faulty: [unknown, string[]][] = [
      [undefined, [": must be a JSON object"]],
      [[], [": must be a JSON object"]],
      [{ host: "invalid", port: -1, colour: "red" }, [
        "host: must be an IPv4 address or localhost",
        "port: must be a whole number from 1 to 65535",
        "colour: is not a known field",
      ]],
      [{ sources: [{ id: "s", kind: "postgres", password: "hunter2" }] }, [
        "sources.0.password: must be a reference, ${secret:NAME}, since what is written here can be read in the log",
      ]],
      ['{"__proto__":{"port":1}}', ["__proto__: is not a known field"]],
      [{ plugins: [{ ref: "x".repeat(100_000) }] }, [
        ": is 100024 bytes of JSON, and the most is 98304; keep what is large in a file of the host and name that here",
      ]],
    ];
    for (const [body, faults] of faulty) {
      assertEquals(faultLines(await call(put, { body })), faults);
    }
    assertEquals((await shown(call, id)).revision, 1);
  }));

Deno.test("a JSON Patch comes with its own content type, or as plain JSON, and as nothing else", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const patch = `PATCH ${CONFIGURATIONS}/${id}`;
    const first = await call(patch, {
      headers: JSON_PATCH,
      body: [
        { op: "test", path: "/port", value: 8080 },
        { op: "replace", path: "/port", value: 8081 },
        { op: "remove", path: "/logLevel" },
      ],
    });
    assertEquals(first.json.configuration, { host: "127.0.0.1", port: 8081 });
    const second = await call(patch, { body: [{ op: "move", from: "/host", path: "/id" }] });
    assertEquals(faultLines(second), ["id: must be letters, digits and -"]);
    const third = await call(patch, { body: [{ op: "remove", path: "/host" }] });
    assertEquals([third.status, third.json.revision], [200, 3]);
    const merge = { "content-type": "application/merge-patch+json" };
    const refused = assertProblem(
      await call(patch, { headers: merge, body: { port: 1 } }),
      415,
      "unsupported_media_type",
    );
    assertStringIncludes(refused.hint, "application/json-patch+json");
    assertEquals(faultLines(await call(patch, { body: { port: 1 } })), [
      ": the body must be a JSON Patch: an array of operations",
    ]);
    const elsewhere = await call(`PATCH ${INSTANCES}/${id}`, { headers: JSON_PATCH, body: [] });
    assertProblem(elsewhere, 415, "unsupported_media_type");
  }));

const failing: [string, unknown, number, string, unknown][] = [
  [
    "test",
    { op: "test", path: "/port", value: 1 },
    409,
    "patch_test_failed",
    "Operation 1 of the patch, test '/port', cannot be done: the value is another one. Nothing was changed.",
  ],
  [
    "path",
    { op: "remove", path: "/queries/0" },
    400,
    "patch_failed",
    "Operation 1 of the patch, remove '/queries/0', cannot be done: there is no value. Nothing was changed.",
  ],
];
for (const [what, operation, status, code, detail] of failing) {
  Deno.test(`a patch with a ${what} that fails is refused by its index and path, and nothing of it is done`, () =>
    withApi(async ({ call, create }) => {
      const id = await create();
      const body = [{ op: "replace", path: "/port", value: 8081 }, operation];
      const problem = assertProblem(
        await call(`PATCH ${CONFIGURATIONS}/${id}`, { body }),
        status,
        code,
      );
      const { op, path } = operation as { op: string; path: string };
      assertEquals([problem.detail, problem.operation], [detail, { index: 1, op, path }]);
      assertEquals((await shown(call, id)).configuration, CONFIGURATION);
    }));
}

Deno.test("what a patch makes is checked by the template before anything is stored", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const patch = `PATCH ${CONFIGURATIONS}/${id}`;
    const body = [
      { op: "replace", path: "/port", value: -1 },
      { op: "add", path: "/colour", value: "red" },
    ];
    assertEquals(faultLines(await call(patch, { body })), [
      "port: must be a whole number from 1 to 65535",
      "colour: is not a known field",
    ]);
    assertEquals(faultLines(await call(patch, { body: [{ op: "remove", path: "" }] })), [
      ": the configuration must be a JSON object",
    ]);
    const unreachable = [{ op: "add", path: "/__proto__/port", value: 1 }];
    assertEquals(faultLines(await call(patch, { body: unreachable })), [
      "0.path: must not name __proto__, constructor or prototype; PUT the configuration as a whole",
    ]);
    assertEquals((await shown(call, id)).configuration, CONFIGURATION);
    assert(!("port" in {}), "no object has it");
  }));

Deno.test("faults of query, headers and body are told together", () =>
  withApi(async ({ call, create }) => {
    const answer = await call(`PATCH ${CONFIGURATIONS}/${await create()}?dryRun=perhaps`, {
      headers: { "if-match": "7" },
      body: [{ op: "remove", path: "a" }],
    });
    assertEquals(faultLines(answer), [
      "?dryRun: must be true or false",
      'If-Match: must be * or one entity tag as an answer\'s ETag has it, as in "7"',
      "0.path: must be a JSON Pointer, as in /queries/0/id",
    ]);
  }));

Deno.test("a patch whose result is the present configuration changes nothing, also under a key", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const patch = `PATCH ${CONFIGURATIONS}/${id}`;
    const body = [{ op: "replace", path: "/port", value: 8080 }];
    const plain = await call(patch, { body });
    const answers = [
      plain,
      await call(patch, { body, headers: keyed("k1") }),
      await call(patch, { body, headers: keyed("k1") }),
    ];
    for (const { status, json, headers } of answers) {
      assertEquals([status, json.changed, json.revision], [200, false, 1]);
      assertEquals(headers.get("etag"), plain.headers.get("etag"));
    }
    const types = (await call(`GET ${INSTANCES}/${id}/events`)).json.items
      .map((event: { type: string }) => event.type);
    assertEquals(types, ["InstanceCreated", "RequestAnswered"], "one answer, kept under its key");
  }));

Deno.test("a configuration cannot be changed of an instance that is not there, or no more", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    await call(`DELETE ${INSTANCES}/${id}`);
    for (
      const [at, status, code] of [[id, 410, "deleted"], ["nobody", 404, "not_found"]] as const
    ) {
      assertProblem(await call(`PUT ${CONFIGURATIONS}/${at}`, { body: {} }), status, code);
      assertProblem(await call(`PATCH ${CONFIGURATIONS}/${at}`, { body: [] }), status, code);
    }
  }));
