/** Scenario 3: a control plane that no worker has joined answers 500 "Operation timed out" when the limit is over. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import { hostIds, hostRandomness, idFromKey, nextTurn } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { openSqliteBroker } from "../../adapters/sqlite/sqlite_broker.ts";
import type { Clock } from "../../events/clock.ts";
import { createHttpApp } from "../../http/app.ts";
import { serveHttp } from "../../http/server.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { type ApiClient, assertProblem, plainClient } from "../http/support/api_client.ts";
import { apiOptions, TEST_INSTANCE } from "../http/support/api_world.ts";

Deno.test("scenario 3: over a real socket and a log on the disk, a start times out", () =>
  withoutWorker(hostClock, async ({ call }) => {
    const { id } = (await call("POST /api/server/instances", { body: TEST_INSTANCE })).json;
    const answer = await call(`POST /api/server/instances/${id}/start?timeout=300ms`);
    const problem = assertProblem(answer, 500, "no_worker");
    assertEquals([problem.error, problem.retryable], ["Operation timed out", true]);
    assertMatch(problem.detail, /worker/);
    const after = (await call(`GET /api/server/instances/${id}`)).json;
    assertEquals([after.status, after.pending], ["Created", undefined], "nothing stays in hand");
    const again = await call(`POST /api/server/instances/${id}/start?timeout=50ms`);
    assertProblem(again, 500, "no_worker");
  }));

Deno.test("scenario 3: a start without a timeout of its own waits 30 s, and no longer", async () => {
  const clock = new ManualClock();
  await withoutWorker(clock, async ({ call }) => {
    const { id } = (await call("POST /api/server/instances", { body: TEST_INSTANCE })).json;
    let isAnswered = false;
    const start = call(`POST /api/server/instances/${id}/start`)
      .finally(() => isAnswered = true);
    await untilPending(call, id);
    await clock.advance(29_000);
    assert(!isAnswered, "29 s are not 30");
    await passing(clock, () => isAnswered, 5_000);
    assertEquals(assertProblem(await start, 500, "no_worker").error, "Operation timed out");
  });
});

interface Plane {
  call: ApiClient;
  system: FleetSystem;
}

/** A control plane on a log of its own, listening, with everything but a worker. */
async function withoutWorker(clock: Clock, test: (plane: Plane) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-e2e-" });
  const broker = openSqliteBroker({
    folder,
    clock,
    ids: hostIds,
    defer: nextTurn,
    onFatal: (error) => {
      throw error;
    },
  });
  const bugs: unknown[] = [];
  const onBug = (error: unknown) => void bugs.push(error);
  const system = await openInstanceSystem({
    ...broker,
    clock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId: "node-1",
    queueTimeoutMs: 600_000,
    deriveId: (key) => idFromKey("test", key),
    onBug,
  });
  const closing = new AbortController();
  const app = createHttpApp({ ...apiOptions(system, onBug), clock, defaultTimeoutMs: 30_000 });
  const server = serveHttp(app, { hostname: "127.0.0.1", port: 0, signal: closing.signal });
  try {
    await test({ call: clientOf(server.url), system });
    assertEquals(bugs, []);
  } finally {
    closing.abort();
    await server.finished;
    await system.shutdown();
    await broker.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function clientOf(url: string): ApiClient {
  return plainClient({
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      return fetch(url + pathname + search, request);
    },
  });
}

async function untilPending(call: ApiClient, id: string): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if ((await call(`GET /api/server/instances/${id}`)).json.pending) return;
    await settled();
  }
  throw new Error("the start was never taken up");
}

/** Lets time pass in steps until it is so; the answer comes over a real socket, which has no clock. */
async function passing(clock: ManualClock, isSo: () => boolean, limitMs: number): Promise<void> {
  for (let ms = 0; ms < limitMs && !isSo(); ms += 100) {
    await clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
