/** Time travel over the API: what an instance was, shown as it is shown now; and why it cannot be shown. Design §6. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { PastState } from "../../actors/system_port.ts";
import { newEvent } from "../../events/instance_events.ts";
import { createHttpApp } from "../../http/app.ts";
import { apiClient, assertProblem, faultLines } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { recorded, scriptedSystem } from "./support/scripted_system.ts";

const INSTANCES = "/api/server/instances";

Deno.test("each version is shown as the instance was shown then, with the event that led to it", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const at = `${INSTANCES}/${await create()}`;
    const shown = [(await call(`GET ${at}`)).json];
    await call(`POST ${at}/start`);
    const { metrics: _, ...running } = (await call(`GET ${at}`)).json;
    shown.push(running);
    await call(`POST ${at}/stop`);
    shown.push((await call(`GET ${at}`)).json);
    const events = (await call(`GET ${at}/events`)).json.items;
    for (const before of shown) {
      const { status, json, headers } = await call(`GET ${at}/state?version=${before.version}`);
      const event = events[before.version - 1];
      assertEquals([status, json], [
        200,
        { ...before, at: event.at, event, position: event.position },
      ]);
      assertEquals(headers.get("draas-position"), event.position);
      const byTime = await call(`GET ${at}/state?at=${event.at}`);
      assert(byTime.json.version >= before.version, "it may have moved on within the millisecond");
    }
    assertEquals(shown.map((one) => one.status), ["Created", "Running", "Stopped"]);
  }));

Deno.test("a time may be ISO 8601 with any offset, or epoch milliseconds; one to come shows the present", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    const { createdAt } = (await call(`GET ${at}`)).json;
    for (
      const time of [
        createdAt,
        `${Date.parse(createdAt)}`,
        "2999-01-01T00:00:00Z",
        "2999-01-01T00:00%2B02:00",
      ]
    ) {
      const { status, json } = await call(`GET ${at}/state?at=${time}`);
      assertEquals([status, json.version, json.at], [200, 1, createdAt], time);
    }
  }));

Deno.test("a deleted instance shows what it was, and when and by whom it was deleted", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    await call(`DELETE ${at}`);
    assertProblem(await call(`GET ${at}`), 410, "deleted");
    const { json: first } = await call(`GET ${at}/state?version=1`);
    assertEquals([first.status, first.name], ["Created", "test-instance"]);
    assert(!("deletedAt" in first));
    const { json: last } = await call(`GET ${at}/state?version=2`);
    assertEquals([last.status, last.deletedBy, last.deletedAt, last.event.type], [
      "Deleted",
      "anonymous",
      last.at,
      "DeleteRequested",
    ]);
  }));

Deno.test("a version that does not exist yet is a 404 with the one there is", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    const problem = assertProblem(
      await call(`GET ${at}/state?version=2`),
      404,
      "version_not_found",
    );
    assertEquals(problem.version, 1);
    assertStringIncludes(problem.hint, "wait?atLeastVersion=2 ");
    assertProblem(await call(`GET ${INSTANCES}/nobody/state?version=1`), 404, "not_found");
  }));

Deno.test("a time before the instance was created is a 404 that says since when it is", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    const { createdAt } = (await call(`GET ${at}`)).json;
    const answer = await call(`GET ${at}/state?at=2001-01-01T00:00:00Z`);
    const problem = assertProblem(answer, 404, "version_not_found");
    assertEquals([problem.firstVersion, problem.firstAt], [1, createdAt]);
  }));

async function answerTo(past: PastState, query: string) {
  const bugs: unknown[] = [];
  const system = scriptedSystem(null, { past: () => Promise.resolve(past) });
  const app = createHttpApp(apiOptions(system, (error) => bugs.push(error)));
  const answer = await apiClient(app)(`GET ${INSTANCES}/i-1/state?${query}`);
  assertEquals(bugs, []);
  return answer;
}

Deno.test("what lies before the baseline is a 410 that names the first version there is", async () => {
  const [, , first] = recorded([1, 2, 3].map(() => newEvent("Baseline", { state: {} })));
  for (const query of ["version=2", "at=2001-01-01T00:00:00Z"]) {
    const answer = await answerTo({ kind: "cut", first: first! }, query);
    const problem = assertProblem(answer, 410, "log_truncated");
    assertEquals([problem.firstVersion, problem.firstAt, problem.firstPosition], [
      3,
      "2023-11-14T22:13:22.000Z",
      "3-0",
    ]);
    assertStringIncludes(problem.hint, "?version=3");
  }
});

const faulty: [string, string, string[]][] = [
  ["neither version nor time", "", ["?version: must be given, or at"]],
  ["both of them, each wrong", "version=0&at=yesterday&x=1", [
    "?version: must be a whole number from 1 to 999999999999",
    "?at: must be a time such as 2026-01-31T12:00:00Z, or epoch milliseconds",
    "?x: is not a known parameter",
    "?at: is another way to say version; give one of them",
  ]],
  ["a time without its zone", "at=2026-01-31T12:00:00", [
    "?at: must be a time such as 2026-01-31T12:00:00Z, or epoch milliseconds",
  ]],
  ["a day that is none", "at=2026-02-31T99:00:00Z", [
    "?at: must be a time such as 2026-01-31T12:00:00Z, or epoch milliseconds",
  ]],
];
for (const [what, query, faults] of faulty) {
  Deno.test(`${what} is refused with every fault`, async () => {
    assertEquals(faultLines(await answerTo({ kind: "unknown" }, query)), faults);
  });
}
