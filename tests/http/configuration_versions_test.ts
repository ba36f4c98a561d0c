/** A change of a configuration on exactly the version that it was made of: entity tags, races, keys, dry runs. */
import { assertEquals } from "@std/assert";
import type { AskOptions, AskOutcome, InstanceSystem } from "../../actors/system_port.ts";
import { createHttpApp } from "../../http/app.ts";
import type { InstanceRequest } from "../../machines/requests.ts";
import { type ApiClient, apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions, TEST_INSTANCE, withApi } from "./support/api_world.ts";
import { scriptedSystem, stateAfter } from "./support/scripted_system.ts";

const CONFIGURATIONS = "/api/configuration/instances";
const INSTANCES = "/api/server/instances";
const CONFIGURATION = TEST_INSTANCE.serverConfiguration;
const keyed = (key: string) => ({ "idempotency-key": key });

const shown = async (call: ApiClient, id: string) =>
  (await call(`GET ${CONFIGURATIONS}/${id}`)).json;

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

Deno.test("a patch that is repeated while its first request is stored gets that one's answer, though it fits no more", async () => {
  const state = stateAfter();
  const done: AskOutcome = { kind: "done", changed: true, state, position: "2-0", event: null };
  const refused: AskOutcome = {
    kind: "rejected",
    rejection: { code: "stale_version", expected: 1, actual: 2 },
    state,
  };
  const plan: AskOutcome = { kind: "plan", events: [], state };
  const body = [{ op: "remove", path: "/gone" }];
  for (const first of [plan, refused]) {
    const looks = [first, done];
    const system = scriptedSystem(null, { ask: () => Promise.resolve(looks.shift()!) });
    const call = apiClient(createHttpApp(apiOptions(system)));
    const answer = await call(`PATCH ${CONFIGURATIONS}/i-1`, { body, headers: keyed("k") });
    assertEquals([answer.status, answer.json.position], [200, "2-0"]);
  }
});
