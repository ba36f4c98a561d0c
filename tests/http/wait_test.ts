/** A long poll for a status: it ends when that is there, as soon as it cannot come, or with its time. Design §6. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { newEvent } from "../../events/instance_events.ts";
import { serveHttp } from "../../http/server.ts";
import { settled } from "../adapters/manual_clock.ts";
import { type Answer, assertProblem, faultLines } from "./support/api_client.ts";
import { withApi } from "./support/api_world.ts";
import { recorded, stateAfter } from "./support/scripted_system.ts";
import { LINE, scripted, STOP } from "./support/scripted_wait.ts";
import { until } from "./support/until.ts";

const INSTANCES = "/api/server/instances";

const told = ({ json }: Answer) => [json.outcome, json.reason, json.instance.status];

Deno.test("a start that nobody waits for is waited for by its status", () =>
  withApi(async ({ call, create, startWorker }) => {
    const at = `${INSTANCES}/${await create()}`;
    const accepted = await call(`POST ${at}/start?wait=false`);
    assertEquals(accepted.status, 202);
    const waiting = call(`GET ${at}/wait?status=running`);
    await startWorker();
    const answer = await waiting;
    assertEquals([answer.status, ...told(answer)], [200, "reached", "It is Running.", "Running"]);
    assertEquals(answer.headers.get("draas-position"), answer.json.position);
    const { metrics: _, ...now } = (await call(`GET ${at}?atLeast=${answer.json.position}`)).json;
    assertEquals(answer.json.instance, now);
    assertEquals(
      told(await call(`GET ${at}/wait?status=Stopped,Running&timeout=1ms`))[0],
      "reached",
    );
  }));

Deno.test("a start that fails for good ends the wait at once, with the worker's words", () =>
  withApi(async ({ call, create, startWorker, platform }) => {
    platform.failure = { code: "binary_missing", message: "No such program.", retryable: false };
    const at = `${INSTANCES}/${await create()}`;
    await call(`POST ${at}/start?wait=false`);
    const waiting = call(`GET ${at}/wait?status=Running&timeout=10m`);
    await startWorker();
    assertEquals(told(await waiting), ["failed", "It is Failed: No such program.", "Failed"]);
    assertEquals(
      told(await call(`GET ${at}/wait?status=Running&timeout=10m`))[0],
      "failed",
      "a wait that begins after it hears of it too",
    );
  }));

Deno.test("a deleted instance is reached where that was wanted, and ends every other wait as failed", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    const waits = ["Deleted", "Running"].map((status) =>
      call(`GET ${at}/wait?status=${status}&timeout=10m`)
    );
    await settled();
    await call(`DELETE ${at}`);
    const [wanted, other] = await Promise.all(waits);
    assertEquals(told(wanted!), ["reached", "It is Deleted.", "Deleted"]);
    assertEquals(wanted!.json.instance.deletedBy, "anonymous");
    assertEquals([other!.status, ...told(other!)], [
      200,
      "failed",
      "It was deleted by anonymous: nothing more comes of it.",
      "Deleted",
    ]);
    assertEquals(told(await call(`GET ${at}/wait?status=Deleted`))[0], "reached");
    assertProblem(await call(`GET ${INSTANCES}/nobody/wait?status=Deleted`), 404, "not_found");
  }));

Deno.test("a version can be waited for alone, and what is older counts neither for nor against", () =>
  withApi(async ({ call, create }) => {
    const at = `${INSTANCES}/${await create()}`;
    const alone = call(`GET ${at}/wait?atLeastVersion=2&timeout=10m`);
    const both = call(`GET ${at}/wait?status=Created&atLeastVersion=2&timeout=10m`);
    await settled();
    await call(`PATCH ${at}`, { body: { name: "renamed" } });
    for (const { json } of [await alone, await both]) {
      assertEquals([json.outcome, json.instance.version, json.instance.name], [
        "reached",
        2,
        "renamed",
      ]);
    }
    const { json } = await call(`GET ${at}/wait?atLeastVersion=3&timeout=1ms`);
    assertEquals([json.outcome, json.reason], [
      "timeout",
      "It is Created, and has come to version 2 only.",
    ]);
  }));

Deno.test("a wait whose time is over says what it has come to, and leaves nothing behind", async () => {
  const { call, clock, listeners, watchers, tell, accepted } = scripted();
  const waiting = call(`${LINE}&timeout=2s`);
  await settled();
  await settled();
  tell(accepted);
  await clock.advance(1_999);
  assertEquals(listeners.size, 1);
  await clock.advance(1);
  const answer = await waiting;
  assertEquals([...told(answer), answer.json.instance.version], [
    "timeout",
    "It is still Starting.",
    "Starting",
    3,
  ]);
  assertEquals([listeners.size, watchers.size], [0, 0]);
});

Deno.test("what is there at the first look is reached, also when the time was over before", async () => {
  const { call, clock } = scripted();
  const waiting = call(`GET ${INSTANCES}/i-1/wait?status=Starting&timeout=1ms`);
  await clock.advance(1);
  assertEquals((await waiting).json.outcome, "reached");
});

Deno.test("without a time a wait takes the API's own", async () => {
  const { call, clock } = scripted({ defaultTimeoutMs: 7_000 });
  const waiting = call(LINE);
  await settled();
  await clock.advance(7_000);
  assertEquals((await waiting).json.outcome, "timeout");
});

Deno.test("a stop that comes after ends the wait as superseded", async () => {
  const { call, tell } = scripted();
  const waiting = call(LINE);
  await settled();
  await settled();
  tell(STOP);
  const { json } = await waiting;
  assertEquals([json.outcome, json.reason], [
    "superseded",
    "A stop was asked for since; it is Created.",
  ]);
});

Deno.test("a wait that was there before anybody had asked is superseded like others, once it was on its way", async () => {
  const { call, tell, world, another } = scripted();
  world.state = stateAfter();
  const waiting = call(LINE);
  await settled();
  await settled();
  tell({ ...another, version: 2 });
  tell(STOP);
  assertEquals((await waiting).json.outcome, "superseded");
});

Deno.test("what is told before the first look counts once, also what that has seen already", async () => {
  const { call, world, tell, accepted, failed, another } = scripted();
  world.beforeGet = () => {
    tell(...recorded([newEvent("Baseline", { state: {} }), newEvent("Baseline", { state: {} })]));
    tell({ ...another, instanceId: "i-2" }, accepted, failed);
  };
  const { json } = await call(LINE);
  assertEquals([json.outcome, json.instance.version], ["failed", 4]);
  assertStringIncludes(json.reason, "No such program.");
});

Deno.test("no wait is in vain by a state that is older than the log's newest of the instance", async () => {
  const { call, clock, world } = scripted();
  const waiting = call(LINE);
  await settled();
  assertEquals(world.atLeast, "2-0");
  await clock.advance(5_000);
  await waiting;
});

Deno.test("a client that goes away ends its wait", async () => {
  const { app, listeners, watchers } = scripted();
  const node = new AbortController();
  const server = serveHttp(app, { hostname: "127.0.0.1", port: 0, signal: node.signal });
  const client = new AbortController();
  const waiting = fetch(`${server.url}${LINE.split(" ")[1]}`, { signal: client.signal });
  await until("it waits", () => listeners.size === 1);
  client.abort();
  await assertRejects(() => waiting);
  await until("its wait is over", () => listeners.size === 0 && watchers.size === 0);
  node.abort();
  await server.finished;
});

Deno.test("a log that was put back, and a node that ends, are a 503 that may be repeated", async () => {
  const closing = new AbortController();
  const { call, watchers, listeners } = scripted({ closing: closing.signal });
  const broken = call(LINE);
  await settled();
  const rollback = { lostEvents: 1, instanceIds: ["i-1"], head: "1-0" };
  watchers.forEach((watcher) => watcher({ kind: "rollback", rollback }));
  const problem = assertProblem(await broken, 503, "unavailable");
  assertStringIncludes(problem.detail, "put back");
  assertEquals(problem.retryable, true);
  const ended = call(LINE);
  await settled();
  await settled();
  closing.abort();
  assertStringIncludes(assertProblem(await ended, 503, "unavailable").detail, "shutting down");
  assertProblem(await call(LINE), 503, "unavailable");
  assertEquals([listeners.size, watchers.size], [0, 0]);
});

Deno.test("there are only so many waits at once, and those that are over do not count", async () => {
  const { call, clock } = scripted({ limits: { waitsMax: 2 } });
  const waits = [call(LINE), call(LINE)];
  await settled();
  const problem = assertProblem(await call(LINE), 429, "busy");
  assertStringIncludes(problem.detail, "2 requests wait");
  await clock.advance(5_000);
  await Promise.all(waits);
  const next = call(LINE);
  await settled();
  await clock.advance(5_000);
  assertEquals((await next).status, 200);
});

const faulty: [string, string, string[]][] = [
  ["a wait for nothing", "timeout=1s", ["?status: must be given, or atLeastVersion"]],
  ["an unknown status, a bad version and a long time", "status=Up&atLeastVersion=0&timeout=11m", [
    "?status: must be some of Created, Starting, Running, Restarting, Stopping, Stopped, Failed, Deleting, Deleted, with commas between them",
    "?atLeastVersion: must be a whole number from 1 to 999999999999",
    "?timeout: must be a duration from 1ms to 10m: milliseconds, or a number with ms, s, m or h",
  ]],
  ["no status at all", "status=", [
    "?status: must be some of Created, Starting, Running, Restarting, Stopping, Stopped, Failed, Deleting, Deleted, with commas between them",
  ]],
];
for (const [what, query, faults] of faulty) {
  Deno.test(`${what} is refused with every fault`, async () => {
    const { call, listeners } = scripted();
    assertEquals(faultLines(await call(`GET ${INSTANCES}/i-1/wait?${query}`)), faults);
    assert(listeners.size === 0);
  });
}
