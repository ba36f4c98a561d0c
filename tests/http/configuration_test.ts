/** The configuration of an instance by itself: shown, replaced and patched, on exactly the version that was looked at. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { AskOptions, AskOutcome, InstanceSystem } from "../../actors/system_port.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { createHttpApp } from "../../http/app.ts";
import { type ApiClient, apiClient, assertProblem, faultLines } from "./support/api_client.ts";
import { apiOptions, TEST_INSTANCE, withApi } from "./support/api_world.ts";
import { scriptedSystem, stateAfter } from "./support/scripted_system.ts";

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

Deno.test("If-Match lets a patch through on the version that it names, and on no other", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const patch = `PATCH ${CONFIGURATIONS}/${id}`;
    const ifMatch = { "if-match": (await call(`GET ${INSTANCES}/${id}`)).headers.get("etag")! };
    const change = (port: number) => ({
      headers: ifMatch,
      body: [{ op: "replace", path: "/port", value: port }],
    });
    assertEquals((await call(patch, change(8081))).json.configuration.port, 8081);
    const stale = await call(patch, change(8082));
    assertEquals(assertProblem(stale, 412, "stale_version").actual, 2);
    const put = await call(`PUT ${CONFIGURATIONS}/${id}`, { headers: ifMatch, body: {} });
    assertProblem(put, 412, "stale_version");
    assertEquals((await shown(call, id)).configuration.port, 8081);
  }));

Deno.test("patches at the same time are all done, each on what the others made", () =>
  withApi(async ({ call, create, bugs }) => {
    const id = await create({ serverConfiguration: { corsAllowedOrigins: [] } });
    const origins = ["a", "b", "c", "d", "e", "f"];
    const answers = await Promise.all(
      origins.map((origin) =>
        call(`PATCH ${CONFIGURATIONS}/${id}`, {
          body: [{ op: "add", path: "/corsAllowedOrigins/-", value: origin }],
        })
      ),
    );
    assertEquals(answers.map(({ status }) => status), origins.map(() => 200));
    const { configuration, revision } = await shown(call, id);
    assertEquals([configuration.corsAllowedOrigins.toSorted(), revision], [origins, 7]);
    assertEquals(bugs, []);
  }));

/** A system over one instance that another request changes before each of ours. */
function overtaken(): {
  system: InstanceSystem;
  asked: { request: InstanceRequest; options: AskOptions }[];
} {
  const asked: { request: InstanceRequest; options: AskOptions }[] = [];
  const state = stateAfter();
  const ask = async (
    _id: string | null,
    request: InstanceRequest,
    options: AskOptions,
  ): Promise<AskOutcome> => {
    asked.push({ request, options });
    if (options.dryRun) return { kind: "plan", events: [], state };
    const rejection = { code: "stale_version", expected: 1, actual: 2 } as const;
    return { kind: "rejected", rejection, state };
  };
  return { system: scriptedSystem(null, { ask }), asked };
}

Deno.test("a patch that is overtaken again and again ends, and its client comes again", async () => {
  const { system, asked } = overtaken();
  const call = apiClient(createHttpApp(apiOptions(system)));
  const body = [{ op: "replace", path: "/port", value: 8081 }];
  const busy = await call(`PATCH ${CONFIGURATIONS}/i-1`, { body });
  assertEquals(assertProblem(busy, 429, "busy").retryable, true);
  const changes = asked.filter(({ options }) => !options.dryRun);
  assertEquals([asked.length, changes.length], [16, 8]);
  assertEquals(changes[0]!.options.ifMatch, 1, "the version that it was made of");
  asked.length = 0;
  const named = await call(`PATCH ${CONFIGURATIONS}/i-1`, { body, headers: { "if-match": '"1"' } });
  assertProblem(named, 412, "stale_version");
  assertEquals(asked.length, 2, "with an If-Match it is made once");
});

Deno.test("a patch repeated under its key is answered as the first one was, though it fits no more", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const patch = `PATCH ${CONFIGURATIONS}/${id}`;
    const body = [
      { op: "test", path: "/port", value: 8080 },
      { op: "replace", path: "/port", value: 8081 },
    ];
    const first = await call(patch, { body, headers: keyed("k1") });
    const again = await call(patch, { body, headers: keyed("k1") });
    assertEquals([again.status, again.json], [200, first.json]);
    const other = await call(patch, { body: [], headers: keyed("k1") });
    assertProblem(other, 422, "key_reused");
    assertProblem(await call(patch, { body }), 409, "patch_test_failed");
  }));

Deno.test("one key used by patches at the same time gives all of them the first answer", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const body = [
      { op: "test", path: "/port", value: 8080 },
      { op: "replace", path: "/port", value: 8081 },
    ];
    const answers = await Promise.all(
      [1, 2, 3].map(() => call(`PATCH ${CONFIGURATIONS}/${id}`, { body, headers: keyed("k1") })),
    );
    assertEquals(answers.map(({ status, json }) => [status, json.revision]), [
      [200, 2],
      [200, 2],
      [200, 2],
    ]);
  }));

Deno.test("a dry run tells what a patch would write, and writes nothing", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const body = [{ op: "replace", path: "/port", value: 8081 }];
    const plan = await call(`PATCH ${CONFIGURATIONS}/${id}?dryRun=true`, { body });
    assertEquals([plan.json.changed, plan.json.events], [true, [{
      type: "InstanceConfigured",
      data: { changes: { configuration: { ...CONFIGURATION, port: 8081 } } },
    }]]);
    const same = await call(`PUT ${CONFIGURATIONS}/${id}?dryRun=true`, { body: CONFIGURATION });
    assertEquals([same.json.changed, same.json.events], [false, []]);
    assertEquals((await shown(call, id)).revision, 1);
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
