/** The predecessor's four test scenarios over Redis, word by word, with every program a process of its own: `phase-2.5.md`. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { TEST_INSTANCE } from "../http/support/api_world.ts";

import { commandInstance } from "./support/control_plane.ts";
import { isServed, testWithFleet } from "./support/redis_fleet.ts";
import { eventually } from "../workers/process_world.ts";

const INSTANCES = "/api/server/instances";
const STAND_IN = { DRAAS_STANDIN: "auto" };

testWithFleet(
  "scenarios 1 and 2 over Redis: an instance is created, started and stopped",
  async (fleet) => {
    const api = await fleet.serve();
    await fleet.worker("w1", [], STAND_IN);
    const { serverConfiguration: { host, logLevel } } = TEST_INSTANCE;
    const body = { ...TEST_INSTANCE, serverConfiguration: { host, logLevel } };
    const created = await api.call(`POST ${INSTANCES}`, body);
    assertEquals(created.status, 201);
    const { id } = created.json;

    const started = await api.call(`POST ${INSTANCES}/${id}/start`);
    assertEquals([started.status, started.json.message], [
      200,
      `Instance '${id}' started successfully`,
    ]);
    const { instanceId, status, processId, startedAt } = started.json.runtimeInfo;
    assertEquals([instanceId, status], [id, "Running"]);
    assertMatch(startedAt, /^\d{4}-\d\d-\d\dT.*Z$/);
    assert(isServed(fleet.servers("w1"), processId), `${processId} is the worker's server`);

    const stopped = await api.call(`POST ${INSTANCES}/${id}/stop`);
    assertEquals([stopped.status, stopped.json.message], [
      200,
      `Instance '${id}' stopped successfully`,
    ]);
    const info = stopped.json.runtimeInfo;
    assertEquals([info.instanceId, info.status], [id, "Stopped"]);
    assertMatch(info.stoppedAt, /^\d{4}-\d\d-\d\dT.*Z$/);
    assertEquals(fleet.servers("w1"), []);
  },
);

testWithFleet(
  "scenario 3 over Redis: with the worker stopped a start is a 500 when its limit is over, and is never run",
  async (fleet) => {
    const api = await fleet.serve(["--command-timeout-ms", "700"]);
    const worker = await fleet.worker("w1");
    const { json: { id } } = await api.call(
      `POST ${INSTANCES}`,
      commandInstance("a", ["sleep", "99"]),
    );
    assertEquals((await worker.end("SIGTERM")).code, 0);

    for (const [query, leastMs] of [["?timeout=2s", 2_000], ["", 700]] as const) {
      const begin = performance.now();
      const { status, json } = await api.call(`POST ${INSTANCES}/${id}/start${query}`);
      const tookMs = performance.now() - begin;
      assertEquals([status, json.error, json.retryable], [500, "Operation timed out", true]);
      assert(tookMs >= leastMs && tookMs < leastMs + 1_500, `${query} took ${tookMs} ms`);
    }
    await fleet.worker("w1");
    assertEquals(
      (await api.call(`POST ${INSTANCES}/${id}/stop`)).status,
      200,
      "the worker answers",
    );
    assertEquals(fleet.runs("w1"), new Map(), "what had expired was not run");
    assertEquals((await api.call(`GET ${INSTANCES}/${id}`)).json.status, "Created");
  },
);

testWithFleet(
  "scenario 4 over Redis: a start with an invalid body is a 500 that names every fault, said by the worker",
  async (fleet) => {
    const api = await fleet.serve();
    await fleet.worker("w1", [], STAND_IN);
    const { json: { id } } = await api.call(`POST ${INSTANCES}`, TEST_INSTANCE);
    const answer = await api.call(`POST ${INSTANCES}/${id}/start`, { host: "invalid", port: -1 });
    assertEquals([answer.status, answer.json.error], [
      500,
      "Configuration is invalid: host: must be an IPv4 address or localhost; " +
      "port: must be a whole number from 1 to 65535",
    ]);
  },
);

testWithFleet(
  "a success that comes after the caller's limit still becomes Running",
  async (fleet) => {
    const api = await fleet.serve();
    await fleet.worker("w1");
    const program =
      "await new Promise((r) => setTimeout(r, 1500)); Deno.serve({ port: $PORT }, () => new Response())";
    const { json: { id } } = await api.call(`POST ${INSTANCES}`, {
      name: "slow",
      template: "command",
      serverConfiguration: {
        command: ["sh", "-c", `exec "$0" eval "${program}"`, Deno.execPath()],
        readiness: { http: { path: "/" } },
      },
    });
    const early = await api.call(`POST ${INSTANCES}/${id}/start?timeout=500ms`);
    assertEquals([early.status, early.json.error, early.json.code], [
      500,
      "Operation timed out",
      "outcome_unknown",
    ]);
    await eventually(
      "it runs all the same",
      async () => (await api.call(`GET ${INSTANCES}/${id}`)).json.status === "Running",
      30_000,
    );
    assertEquals(fleet.servers("w1").length, 1);
  },
);

testWithFleet("without a stand-in a worker that has no drasi-server says so", async (fleet) => {
  const api = await fleet.serve();
  await fleet.worker("w1", [], { PATH: "/usr/bin:/bin" });
  const { json: { id } } = await api.call(`POST ${INSTANCES}`, TEST_INSTANCE);
  const { status, json } = await api.call(`POST ${INSTANCES}/${id}/start`);
  assertEquals([status, json.code], [500, "binary_missing"], JSON.stringify(json));
});
