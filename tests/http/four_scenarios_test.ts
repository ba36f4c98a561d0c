/** The predecessor's four test scenarios, to the letter: `phase-2.5.md`. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertProblem } from "./support/api_client.ts";
import { TEST_INSTANCE, withApi } from "./support/api_world.ts";

const UUID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

Deno.test("scenario 1: an instance is created and started, and the answer has the runtime info", () =>
  withApi(async ({ call, startWorker }) => {
    await startWorker();
    const created = await call("POST /api/server/instances", { body: TEST_INSTANCE });
    assertEquals(created.status, 201);
    const { id } = created.json;
    assertMatch(id, UUID);
    assertEquals(created.headers.get("location"), `/api/server/instances/${id}`);

    const started = await call(`POST /api/server/instances/${id}/start`);
    assertEquals(started.status, 200);
    const { message, runtimeInfo } = started.json;
    assertEquals(message, `Instance '${id}' started successfully`);
    const { instanceId, status, processId, startedAt } = runtimeInfo;
    assertEquals({ instanceId, status, processId, startedAt }, {
      instanceId: id,
      status: "Running",
      processId: "12345",
      startedAt: "2023-11-14T22:13:20.000Z",
    });
    assertEquals(Object.keys(runtimeInfo).slice(0, 4), [
      "instanceId",
      "status",
      "processId",
      "startedAt",
    ]);
    assertEquals(started.json.changed, true);
    assertEquals(started.json.position, started.headers.get("draas-position"));
  }));

Deno.test("scenario 2: a running instance is stopped, and the answer has the time", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    await call(`POST /api/server/instances/${id}/start`);
    const stopped = await call(`POST /api/server/instances/${id}/stop`);
    assertEquals(stopped.status, 200);
    const { message, runtimeInfo } = stopped.json;
    assertEquals(message, `Instance '${id}' stopped successfully`);
    const { instanceId, status, stoppedAt, exit } = runtimeInfo;
    assertEquals({ instanceId, status, stoppedAt }, {
      instanceId: id,
      status: "Stopped",
      stoppedAt: "2023-11-14T22:14:20.000Z",
    });
    assertEquals(exit.signal, "SIGTERM");
  }));

Deno.test("scenario 3: without a worker a start answers 500 'Operation timed out' when its limit is over", () =>
  withApi(async ({ call, create }) => {
    const id = await create();
    const answer = await call(`POST /api/server/instances/${id}/start?timeout=50ms`);
    const problem = assertProblem(answer, 500, "no_worker");
    assertEquals(problem.error, "Operation timed out");
    assertEquals(problem.retryable, true);
    assertMatch(problem.detail, /worker/);
    const after = await call(`GET /api/server/instances/${id}`);
    assertEquals([after.json.status, after.json.pending], ["Created", undefined]);
  }));

Deno.test("scenario 4: a start with an invalid body answers 500 with every fault, said by the worker", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    const answer = await call(`POST /api/server/instances/${id}/start`, {
      body: { host: "invalid", port: -1 },
    });
    const problem = assertProblem(answer, 500, "configuration_invalid");
    assertEquals(
      problem.error,
      "Configuration is invalid: host: must be an IPv4 address or localhost; " +
        "port: must be a whole number from 1 to 65535",
    );
    assertEquals(problem.retryable, false);
    const after = await call(`GET /api/server/instances/${id}`);
    assertEquals(after.json.lastError.code, "configuration_invalid");
    assert(after.json.status === "Failed" || after.json.status === "Created");
  }));

Deno.test("a restart stops and starts with the configured configuration", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const id = await create();
    await call(`POST /api/server/instances/${id}/start`);
    const before = await call(`GET /api/server/instances/${id}`);
    const answer = await call(`POST /api/server/instances/${id}/restart`);
    assertEquals(answer.status, 200, answer.text);
    assertEquals(answer.json.message, `Instance '${id}' restarted successfully`);
    assertEquals(answer.json.runtimeInfo.status, "Running");
    assert(answer.json.runtimeInfo.runId !== before.json.runtimeInfo.runId, "it is a new run");
  }));
