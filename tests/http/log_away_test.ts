/** What the API says while the log is away, behind, cut, or has lost its end: never more than is known. Design §6. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { SystemStatus } from "../../actors/system_port.ts";
import { OperationalError } from "../../events/errors.ts";
import { createHttpApp } from "../../http/app.ts";
import { type ApiClient, apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { CREATED_AT, scriptedSystem, stateAfter } from "./support/scripted_system.ts";

const START = "POST /api/server/instances/i-1/start";

function apiOver(
  outcome: Error | null,
  overrides: Parameters<typeof scriptedSystem>[1] = {},
): ApiClient {
  return apiClient(createHttpApp(apiOptions(scriptedSystem(outcome, overrides))));
}

function statusOf(changed: Partial<SystemStatus>) {
  return async (): Promise<SystemStatus> => ({
    ready: true,
    reasons: [],
    durability: "process",
    position: "7-0",
    instances: 1,
    commandsInFlight: 0,
    incidents: [],
    ...changed,
  });
}

Deno.test("what cannot be settled is told as unknown: with a key it is repeated, without one it is looked for", async () => {
  const error = new OperationalError("log_indeterminate", "The answer was lost.", false, "Inner.");
  const call = apiOver(error);
  const keyed = await call(START, { headers: { "idempotency-key": "k" } });
  const problem = assertProblem(keyed, 503, "log_indeterminate");
  assertEquals([problem.retryable, problem.outcome], [true, "unknown"]);
  assertEquals(keyed.headers.get("retry-after"), "2");
  assertStringIncludes(problem.detail, "not known whether it was done");
  assertStringIncludes(problem.hint, "same Idempotency-Key");
  const bare = assertProblem(await call(START), 503, "log_indeterminate");
  assertEquals([bare.retryable, bare.outcome], [false, "unknown"]);
  assertStringIncludes(bare.hint, "GET /api/server/instances/i-1 before you ask again");
});

Deno.test("reads answer while the log is away, and say that they may be old", async () => {
  const away = apiOver(null, { away: () => "no connection" });
  for (const path of ["GET /api/server/instances", "GET /api/server/instances/i-1"]) {
    const answer = await away(path);
    assertEquals([answer.status, answer.headers.get("draas-stale")], [200, "true"], path);
    assertEquals((await apiOver(null)(path)).headers.get("draas-stale"), null, path);
  }
});

Deno.test("a node whose log is away lives, is not ready, and says why", async () => {
  const call = apiOver(null, {
    status: statusOf({ ready: false, reasons: ["the log is away: no connection"] }),
  });
  assertEquals((await call("GET /healthz")).status, 200);
  const problem = assertProblem(await call("GET /readyz"), 503, "not_ready");
  assertEquals(problem.reasons, ["the log is away: no connection"]);
});

Deno.test("a node that is ready again after a loss still tells of it", async () => {
  const call = apiOver(null, {
    status: statusOf({
      incidents: [{
        code: "HISTORY_ROLLBACK",
        at: CREATED_AT,
        lostEvents: 7,
        instanceIds: ["i-1", "i-2"],
      }],
    }),
  });
  const answer = await call("GET /readyz");
  assertEquals([answer.status, answer.json.incidents], [200, [{
    code: "HISTORY_ROLLBACK",
    at: "2023-11-14T22:13:20.000Z",
    lostEvents: 7,
    instanceIds: ["i-1", "i-2"],
  }]]);
});

Deno.test("a read demands a position with atLeast, and a malformed one is a fault", async () => {
  const demanded: (string | undefined)[] = [];
  const call = apiOver(null, {
    get: async (_id, atLeast) => {
      demanded.push(atLeast);
      return stateAfter();
    },
    list: async (_filter, atLeast) => {
      demanded.push(atLeast);
      return { items: [], next: null, position: "9-0" };
    },
  });
  await call("GET /api/server/instances/i-1?atLeast=7-0");
  await call("GET /api/server/instances?atLeast=8-0");
  assertEquals(demanded, ["7-0", "8-0"]);
  for (const path of ["GET /api/server/instances", "GET /api/server/instances/i-1"]) {
    const problem = assertProblem(await call(`${path}?atLeast=yesterday`), 400, "invalid");
    assertEquals(problem.faults[0].path, "?atLeast", path);
  }
});

Deno.test("a read that demands what a mutation has answered shows it", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const changed = await call(`PATCH /api/server/instances/${id}`, { body: { name: "two" } });
    const atLeast = changed.headers.get("draas-position");
    const read = await call(`GET /api/server/instances/${id}?atLeast=${atLeast}`);
    assertEquals([read.status, read.json.name], [200, "two"]);
  }));

Deno.test("a page of a history that was cut is gone, and the end of a whole one is not", async () => {
  const call = apiOver(null, { get: async () => stateAfter() });
  const events = "GET /api/server/instances/i-1/events";
  assertEquals((await call(`${events}?before=1`)).json.items, []);
  const cut = { ...stateAfter() };
  cut.context = { ...cut.context, version: 9 };
  const gone = apiOver(null, { get: async () => cut });
  assertEquals(
    assertProblem(await gone(`${events}?before=5`), 410, "log_truncated").retryable,
    false,
  );
});
