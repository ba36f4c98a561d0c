/** Moving an instance to another platform over the API: its remains go first, bad moves change nothing. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertProblem } from "./support/api_client.ts";
import { type ApiWorld, withApi } from "./support/api_world.ts";

const INSTANCES = "/api/server/instances";

async function stoppedInstance({ call, create, startWorker }: ApiWorld): Promise<string> {
  await startWorker();
  const id = await create();
  await call(`POST ${INSTANCES}/${id}/start`);
  await call(`POST ${INSTANCES}/${id}/stop`);
  return id;
}

Deno.test("a stopped instance is moved once its worker has removed what it left", () =>
  withApi(async (world) => {
    const { call, platform } = world;
    const id = await stoppedInstance(world);
    assertEquals((await platform.inspect(id))?.status, "Stopped");
    const moved = await call(`POST ${INSTANCES}/${id}/move`, { body: { platform: "Docker" } });
    assertEquals([moved.status, moved.json.platform, moved.json.status], [
      200,
      "docker",
      "Created",
    ]);
    assertEquals(await platform.inspect(id), null);
    assertEquals(moved.json.configuration.revision, 1, "its configuration is the same");
    assertEquals((await call(`GET ${INSTANCES}/${id}`)).json.platform, "docker");
    const start = await call(`POST ${INSTANCES}/${id}/start?timeout=50ms`);
    assertStringIncludes(
      assertProblem(start, 500, "no_worker").detail,
      "No worker for the platform docker",
    );
  }));

Deno.test("a move repeated under its key is answered as the first one was; a plan moves nothing", () =>
  withApi(async (world) => {
    const { call } = world;
    const id = await stoppedInstance(world);
    const move = `POST ${INSTANCES}/${id}/move`;
    const body = { platform: "docker" };
    const plan = await call(`${move}?dryRun=true`, { body });
    assertEquals([plan.json.events[0].type, plan.json.instance.platform], [
      "MoveRequested",
      "process",
    ]);
    const headers = { "idempotency-key": "k1" };
    const first = await call(move, { body, headers });
    await call(move, { body: { platform: "kubernetes" } });
    const again = await call(move, { body, headers });
    assertEquals([first.status, again.status], [200, 200]);
    assertEquals(again.headers.get("draas-position"), first.headers.get("draas-position"));
    assertEquals((await call(`GET ${INSTANCES}/${id}`)).json.platform, "kubernetes");
    const other = await call(move, { body: { platform: "process" }, headers });
    assertProblem(other, 422, "key_reused");
  }));

Deno.test("a change is answered under its key also when it would not fit the template of now", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const change = {
      body: { serverConfiguration: { port: 9_000 } },
      headers: { "idempotency-key": "k" },
    };
    assertEquals((await call(`PATCH ${INSTANCES}/${id}`, change)).status, 200);
    const body = {
      platform: "docker",
      template: "image",
      serverConfiguration: { image: "busybox" },
    };
    assertEquals((await call(`POST ${INSTANCES}/${id}/move`, { body })).status, 200);
    assertEquals((await call(`PATCH ${INSTANCES}/${id}`, change)).status, 200);
    const anew = await call(`PATCH ${INSTANCES}/${id}`, { body: change.body });
    assertEquals(assertProblem(anew, 400, "invalid").faults[0].path, "serverConfiguration.image");
    await call(`DELETE ${INSTANCES}/${id}`);
    const gone = await call(`POST ${INSTANCES}/${id}/move`, {
      body: { platform: "docker", template: "image" },
    });
    assertProblem(gone, 410, "deleted");
  }));

Deno.test("a move is refused when the instance has changed since it was read", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const { headers } = await call(`GET ${INSTANCES}/${id}`);
    await call(`PATCH ${INSTANCES}/${id}`, { body: { name: "another" } });
    const move = await call(`POST ${INSTANCES}/${id}/move`, {
      body: { platformType: "Docker" },
      headers: { "if-match": headers.get("etag")! },
    });
    assertProblem(move, 412, "stale_version");
  }));

Deno.test("what runs is not moved: the answer says what to do first", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    await call(`POST ${INSTANCES}/${id}/start`);
    const moved = await call(`POST ${INSTANCES}/${id}/move`, { body: { platform: "docker" } });
    assertStringIncludes(assertProblem(moved, 409, "conflict").detail, "stop it first");
  }));

Deno.test("a move whose worker is away fails and changes nothing; with force nobody is waited for", () =>
  withApi(async (world) => {
    const { call, stopWorker } = world;
    const id = await stoppedInstance(world);
    await stopWorker();
    const move = `POST ${INSTANCES}/${id}/move`;
    const body = { platform: "docker" };
    const waited = await call(`${move}?timeout=50ms`, { body });
    assertEquals([waited.status, waited.json.error], [500, "Operation timed out"]);
    const after = (await call(`GET ${INSTANCES}/${id}`)).json;
    assertEquals([after.platform, after.status], ["process", "Stopped"]);
    const forced = await call(`${move}?force=true`, { body });
    assertEquals([forced.status, forced.json.platform], [200, "docker"]);
  }));

const faulty: [string, Record<string, unknown>, Record<string, unknown>, string[]][] = [
  ["a platform that there is not", {}, { platform: "mars" }, [
    "platform: must be one of process, docker, kubernetes",
  ]],
  ["no platform", {}, { template: "image" }, [
    "platform: must be one of process, docker, kubernetes",
  ]],
  [
    "a template that the platform does not run",
    {
      template: "command",
      serverConfiguration: { command: ["true"] },
    },
    { platform: "docker" },
    ["template: must be drasi-server or image on the platform docker"],
  ],
  ["a lease that the platform cannot keep", { onWorkerLost: "reschedule" }, {
    platform: "kubernetes",
  }, ["onWorkerLost: must be wait on the platform kubernetes"]],
  [
    "a configuration that is not the new template's",
    {},
    { platform: "docker", template: "image" },
    [
      "serverConfiguration.image: must be an image, for example redis:7 or registry.example.com/app@sha256:…",
    ],
  ],
];
for (const [name, fields, body, faults] of faulty) {
  Deno.test(`a move with ${name} is refused with what is wrong`, () =>
    withApi(async ({ call, create }) => {
      const answer = await call(`POST ${INSTANCES}/${await create(fields)}/move`, { body });
      const problem = assertProblem(answer, 400, "invalid");
      const texts = problem.faults.map((one: { path: string; message: string }) =>
        `${one.path}: ${one.message}`
      );
      assertEquals(texts.slice(0, faults.length), faults);
    }));
}

Deno.test("a change cannot ask for a lease that the platform does not keep", () =>
  withApi(async ({ call, create }) => {
    const id = await create({ platform: "docker" });
    const body = { onWorkerLost: "reschedule" };
    assertProblem(await call(`PATCH ${INSTANCES}/${id}`, { body }), 400, "invalid");
    assertEquals((await call(`GET ${INSTANCES}/${id}`)).json.onWorkerLost, "wait");
  }));
