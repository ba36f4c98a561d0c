/** Why an instance is what it is, over the API: the chain in words and as data, also of deleted ones. Design §6. */
import { assertEquals } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { History, INSTANCE } from "../support/recorded.ts";
import { apiClient, assertProblem, faultLines } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { pageOf, scriptedSystem, versionOf } from "./support/scripted_system.ts";

const INSTANCES = "/api/server/instances";

Deno.test("a running server is told from the request to the worker's answer, each with its event", () =>
  withApi(async ({ call, create, startWorker }) => {
    await startWorker();
    const at = `${INSTANCES}/${await create()}`;
    await call(`POST ${at}/start`, { headers: { "x-request-id": "req-9" } });
    const { status, json, headers } = await call(`GET ${at}/why`);
    assertEquals([status, json.status, json.next, json.version], [200, "Running", [], 4]);
    assertEquals(
      json.summary,
      "It is Running: an anonymous caller asked to start it; worker worker-1 answered: it runs as process 12345.",
    );
    const events = (await call(`GET ${at}/events`)).json.items;
    assertEquals(
      // deno-lint-ignore no-explicit-any -- steps of the answer
      json.steps.map(({ kind, version }: any) => `${version} ${kind}`),
      ["2 request", "2 command", "3 accept", "4 answer"],
    );
    const [asked] = json.steps;
    assertEquals([asked.at, asked.position, asked.event, asked.requestedBy, asked.correlationId], [
      events[1].at,
      events[1].position,
      "StartRequested",
      "anonymous",
      "req-9",
    ]);
    assertEquals(headers.get("draas-position"), json.position);
  }));

Deno.test("a start that failed tells the worker's reason, and that nobody tries it again", () =>
  withApi(async ({ call, create, startWorker, platform }) => {
    await startWorker();
    platform.failure = { code: "binary_missing", message: "No such program.", retryable: false };
    const at = `${INSTANCES}/${await create()}`;
    await call(`POST ${at}/start`);
    const { json } = await call(`GET ${at}/why`);
    assertEquals(
      json.summary,
      "It is Failed: an anonymous caller asked to start it; worker worker-1 answered that it failed (binary_missing): No such program; it is not tried again: what it failed of does not pass by itself.",
    );
  }));

Deno.test("a start that waits tells until when, and a deleted instance who deleted it", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    await call(`POST ${at}/start?wait=false`);
    const { json } = await call(`GET ${at}/why`);
    const { pending } = (await call(`GET ${at}`)).json;
    assertEquals(json.next, [{
      at: pending.acceptBy,
      kind: "expire",
      text: `The command ends at ${pending.acceptBy} if no worker has taken it by then.`,
      commandId: pending.commandId,
    }]);
    await call(`DELETE ${at}`);
    const gone = await call(`GET ${at}/why`);
    assertEquals([gone.status, gone.json.status, gone.json.steps[0].text], [
      200,
      "Deleted",
      "An anonymous caller asked to delete it; nothing was known to run, so it was done at once.",
    ]);
  }));

/** An API over one history, which counts the pages that are read of it. */
function over(history: History) {
  const read: number[] = [];
  const system = scriptedSystem(null, {
    get: (id) => Promise.resolve(id === INSTANCE ? history.state : undefined),
    history(_id, limit, before) {
      read.push(versionOf(before));
      return Promise.resolve(pageOf(history.events, limit, before));
    },
  });
  const call = apiClient(createHttpApp(apiOptions(system)));
  return { read, why: (query = "") => call(`GET ${INSTANCES}/${INSTANCE}/why${query}`) };
}

/** Started by somebody, then so many reports of its health. */
function withReports(count: number): History {
  const history = History.running();
  for (let n = 0; n < count; n++) history.health(n % 2 === 0 ? "healthy" : "unhealthy");
  return history;
}

Deno.test("a planned restart tells when, in the chain's words and as a time", async () => {
  const history = History.running().exited()
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 5_000 });
  const { json } = await over(history).why();
  assertEquals([json.status, json.next], ["Failed", [{
    at: "1970-01-01T00:00:06.060Z",
    kind: "restart",
    text: "The restart policy starts it again at 1970-01-01T00:00:06.060Z, as try 1.",
  }]]);
});

Deno.test("it is read back as far as the request that began it, and no further than eight pages", async () => {
  const near = over(History.running());
  assertEquals((await near.why()).json.steps[0].kind, "request");
  assertEquals(near.read, [5]);
  const far = over(withReports(600));
  assertEquals((await far.why()).json.steps[0].kind, "request");
  assertEquals(far.read, [605, 349, 93]);
  const beyond = over(withReports(3_000));
  const [first] = (await beyond.why()).json.steps;
  assertEquals([first.kind, first.text], [
    "gap",
    "What came before is further back than is looked at here.",
  ]);
  assertEquals(beyond.read.length, 8);
});

Deno.test("an instance that never was is a 404, and what is no parameter a fault", async () => {
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(null))));
  assertProblem(await call(`GET ${INSTANCES}/nobody/why`), 404, "not_found");
  assertEquals(faultLines(await call(`GET ${INSTANCES}/i-1/why?atLeast=now&x=1`)), [
    "?atLeast: must be a position in the log, such as 12-0",
    "?x: is not a known parameter",
  ]);
});
