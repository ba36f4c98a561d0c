/** Every outcome, rejection and error has one status, one code, and says what to do next. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { AskOutcome } from "../../actors/system_port.ts";
import type { CommandFailure } from "../../machines/command_end.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import { createHttpApp } from "../../http/app.ts";
import type { Rejection } from "../../machines/requests.ts";
import { type Answer, apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions, TEST_INSTANCE } from "./support/api_world.ts";
import { CREATED_AT, recorded, scriptedSystem, stateAfter } from "./support/scripted_system.ts";

const START = "POST /api/server/instances/i-1/start";
const state = stateAfter();

async function answerTo(outcome: AskOutcome | Error, line = START, call = {}): Promise<Answer> {
  const bugs: unknown[] = [];
  const options = apiOptions(scriptedSystem(outcome), (error) => bugs.push(error));
  const answer = await apiClient(createHttpApp(options))(line, call);
  assertEquals(bugs, [], "nothing of this is a bug");
  return answer;
}

const rejectedBy = (rejection: Rejection): AskOutcome => ({ kind: "rejected", rejection, state });
const failedWith = (failure: CommandFailure): AskOutcome => ({
  kind: "failed",
  failure,
  state,
  position: "3-0",
});

for (const code of ["no_worker", "workers_busy", "workers_unreachable", "not_released"]) {
  Deno.test(`a command that expired (${code}) is a 500 'Operation timed out' that may be repeated`, async () => {
    const failure = { code, message: "Nobody took it.", retryable: true };
    const problem = assertProblem(await answerTo(failedWith(failure)), 500, code);
    assertEquals(
      [problem.error, problem.detail, problem.retryable],
      ["Operation timed out", "Nobody took it.", true],
    );
  });
}

Deno.test("a worker's failure is a 500 with its own words, code and retryability", async () => {
  const failure = { code: "port_in_use", message: "Port 8080 is in use.", retryable: false };
  const problem = assertProblem(await answerTo(failedWith(failure)), 500, "port_in_use");
  assertEquals([problem.error, problem.retryable], ["Port 8080 is in use.", false]);
});

Deno.test("a failure whose code is one of the API's own does not take that one's status", async () => {
  const failure = { code: "not_found", message: "No such binary.", retryable: false };
  assertProblem(await answerTo(failedWith(failure)), 500, "not_found");
});

Deno.test("a command that another request replaced is a 409", async () => {
  const failure = { code: "cancelled", message: "A stop replaced it.", retryable: false };
  const problem = assertProblem(await answerTo(failedWith(failure)), 409, "cancelled");
  assertEquals(problem.error, "A stop replaced it.");
});

Deno.test("an outcome that is not known yet says where it will be", async () => {
  const outcome = { kind: "unknown", commandId: "c-1", state, position: "3-0" } as const;
  const problem = assertProblem(await answerTo(outcome), 500, "outcome_unknown");
  assertEquals(problem.error, "Operation timed out");
  assertEquals([problem.instanceId, problem.commandId, problem.position], ["i-1", "c-1", "3-0"]);
  assertStringIncludes(problem.hint, "GET /api/server/instances/i-1");
  assertStringIncludes(problem.hint, "Idempotency-Key");
});

const rejections: [Rejection, number, Record<string, unknown>][] = [
  [{ code: "not_found", instanceId: "i-9" }, 404, {}],
  [
    { code: "deleted", instanceId: "i-1", deletedAt: CREATED_AT, deletedBy: "ann", version: 7 },
    410,
    { deletedAt: "2023-11-14T22:13:20.000Z", deletedBy: "ann", version: 7 },
  ],
  [
    { code: "conflict", status: "Running", allowed: ["stop", "restart"], message: "It runs." },
    409,
    { instanceStatus: "Running", allowed: ["stop", "restart"], detail: "It runs.", status: 409 },
  ],
  [{ code: "stale_version", expected: 3, actual: 5 }, 412, { expected: 3, actual: 5 }],
  [{ code: "key_reused", key: "a digest" }, 422, {}],
  [{ code: "busy", retryAfterMs: 1_200 }, 429, { retryable: true }],
  [
    { code: "invalid", faults: [{ path: "name", message: "must not be empty" }] },
    400,
    { faults: [{ path: "name", message: "must not be empty" }] },
  ],
];
for (const [rejection, status, members] of rejections) {
  Deno.test(`a request that is rejected as ${rejection.code} is a ${status}`, async () => {
    const problem = assertProblem(await answerTo(rejectedBy(rejection)), status, rejection.code);
    for (const [name, value] of Object.entries(members)) assertEquals(problem[name], value, name);
  });
}

Deno.test("a create of what there is already is a 409", async () => {
  const rejection = rejectedBy({ code: "already_exists", instanceId: "i-1" });
  const answer = await answerTo(rejection, "POST /api/server/instances", { body: TEST_INSTANCE });
  assertProblem(answer, 409, "already_exists");
});

Deno.test("a busy instance says in whole seconds when to come back", async () => {
  const answer = await answerTo(rejectedBy({ code: "busy", retryAfterMs: 1_200 }));
  assertEquals(answer.headers.get("retry-after"), "2");
});

Deno.test("a stale version is answered with the present entity tag", async () => {
  const answer = await answerTo(rejectedBy({ code: "stale_version", expected: 3, actual: 5 }));
  assertEquals(answer.headers.get("etag"), '"5"');
});

Deno.test("a reused key is named as the client wrote it", async () => {
  const answer = await answerTo(rejectedBy({ code: "key_reused", key: "digest" }), START, {
    headers: { "idempotency-key": "mine" },
  });
  assertStringIncludes(answer.json.detail, "'mine'");
  assert(!answer.text.includes("digest"), "the inner form of the key stays inside");
});

const errors: [string, boolean, number, string | null][] = [
  ["log_unwritable", true, 503, "2"],
  ["site_unreachable", true, 503, "2"],
  ["log_closed", true, 503, "2"],
  ["log_unavailable", true, 503, "2"],
  ["behind", true, 503, "2"],
  ["recovering", true, 503, "2"],
  ["redis_busy", true, 503, "2"],
  ["redis_out_of_memory", true, 503, "2"],
  ["redis_read_only", true, 503, "2"],
  ["history_rollback", false, 500, null],
];
for (const [code, retryable, status, retryAfter] of errors) {
  Deno.test(`the error ${code} is a ${status}`, async () => {
    const answer = await answerTo(new OperationalError(code, "It is so.", retryable, "Do this."));
    const problem = assertProblem(answer, status, code);
    assertEquals(
      [problem.detail, problem.hint, problem.retryable, answer.headers.get("retry-after")],
      ["It is so.", "Do this.", retryable, retryAfter],
    );
  });
}

Deno.test("events that were cut from the log are a 410", async () => {
  const cut = new OperationalError("log_truncated", "It is so.", false, "Do this.");
  const system = scriptedSystem(null, { read: () => Promise.reject(cut) });
  const answer = await apiClient(createHttpApp(apiOptions(system)))("GET /api/events?after=1-0");
  const problem = assertProblem(answer, 410, "log_truncated");
  assertEquals([problem.detail, problem.hint, problem.retryable], ["It is so.", "Do this.", false]);
});

Deno.test("a bug is a 500 with a trace id and nothing of the inside, and is reported", async () => {
  const reported: unknown[][] = [];
  const options = apiOptions(
    scriptedSystem(new Error("secret thing at /home/x.ts:1")),
    (error, request) => reported.push([error, request]),
  );
  const answer = await apiClient(createHttpApp(options))(START, {
    headers: { "x-request-id": "trace-7" },
  });
  const problem = assertProblem(answer, 500, "internal_error");
  assertEquals(problem.traceId, "trace-7");
  assert(!answer.text.includes("secret") && !answer.text.includes(".ts"), answer.text);
  assertMatch(String(reported[0]?.[0]), /secret thing/);
  assertEquals(reported[0]?.[1], {
    traceId: "trace-7",
    method: "POST",
    path: "/api/server/instances/i-1/start",
  });
});

Deno.test("a stop that needed no worker is answered with the time of its event", async () => {
  const event = recorded([
    newEvent("StopRequested", { commandId: null, generation: 2, site: null, acceptWithinMs: 1 }),
  ])[0]!;
  const outcome = { kind: "done", changed: true, state, position: "3-0", event } as const;
  const answer = await answerTo(outcome, "POST /api/server/instances/i-1/stop");
  assertEquals(answer.json, {
    message: "Instance 'i-1' stopped successfully",
    runtimeInfo: { instanceId: "i-1", status: "Stopped", stoppedAt: "2023-11-14T22:13:20.000Z" },
    changed: true,
    position: "3-0",
  });
});

Deno.test("an answer never gives the runtime info of another status than it tells", async () => {
  const startRequested = newEvent("StartRequested", {
    commandId: "c-1",
    generation: 1,
    configuration: {},
    configurationRevision: 1,
    acceptWithinMs: 1,
    site: null,
    cause: "user",
  });
  const runtimeInfo = {
    instanceId: "i-1",
    status: "Running",
    runId: "r-1",
    generation: 1,
    site: "site-1",
    startedAt: CREATED_AT,
    runtimeMetadata: {},
  } as const;
  const found = newEvent("RuntimeObserved", {
    instanceId: "i-1",
    observation: "Found",
    workerId: "worker-1",
    runtimeInfo,
  });
  const outcome = {
    kind: "done",
    changed: false,
    state: stateAfter(startRequested, found),
    position: "3-0",
    event: null,
  } as const;
  const start = await answerTo(outcome);
  assertEquals(start.json.runtimeInfo.runId, "r-1");
  const stop = await answerTo(outcome, "POST /api/server/instances/i-1/stop");
  assertEquals(stop.json.runtimeInfo, { instanceId: "i-1", status: "Stopped" });
});
