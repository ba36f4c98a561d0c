/** `/metrics`, and what whoever measures the API hears of its answers and its streams. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import type { Answered, HttpOptions } from "../../http/options.ts";
import { apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { bearer, bookOf } from "./support/tokens.ts";
import { scriptedSystem } from "./support/scripted_system.ts";
import { until } from "./support/until.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";

/** Keeps what it hears. */
function listener() {
  const answers: Answered[] = [];
  const streams: [of: string, open: number][] = [];
  return {
    answers,
    streams,
    watch: {
      answered: (answer: Answered) => void answers.push(answer),
      eventStreams: (of: "events" | "logs", open: number) => void streams.push([of, open]),
      traceparent: () => `00-${TRACE}-b7ad6b7169203331-01`,
    },
  };
}

function client(changed: Partial<HttpOptions>) {
  return apiClient(createHttpApp({ ...apiOptions(scriptedSystem(null)), ...changed }));
}

Deno.test("the metrics are for Prometheus, and in the index", async () => {
  const call = client({ metrics: () => Promise.resolve("draas_node_ready 1\n") });
  const { status, headers, text } = await call("GET /metrics");
  assertEquals([status, text], [200, "draas_node_ready 1\n"]);
  assertMatch(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  const { json } = await call("GET /");
  assert(json.routes.some(({ path }: { path: string }) => path === "/metrics"));
});

Deno.test("with a token configured, the metrics are told to who has it", async () => {
  const call = client({ tokens: bookOf("right", "viewer"), metrics: () => Promise.resolve("") });
  assertProblem(await call("GET /metrics"), 401, "unauthorized");
  const headers = bearer("right");
  assertEquals((await call("GET /metrics", { headers })).status, 200);
});

Deno.test("each answer is heard of by the pattern of its route, however it came about", async () => {
  const { watch, answers } = listener();
  const call = client({ watch, tokens: bookOf("right", "admin") });
  const headers = bearer("right");
  const heard = async (line: string, call_: Parameters<typeof call>[1] = { headers }) => {
    await call(line, call_);
    const { method, route, status } = answers.at(-1)!;
    return [method, route, status];
  };
  const one = "/api/server/instances/{id}";
  assertEquals(await heard("GET /api/server/instances/i-1"), ["GET", one, 200]);
  assertEquals(await heard("HEAD /api/server/instances/i-1"), ["HEAD", one, 200]);
  assertEquals(await heard("GET /api/server/instances/i-2"), ["GET", one, 404]);
  assertEquals(await heard("GET /api/server/instances/i-1", {}), ["GET", one, 401]);
  assertEquals(await heard("PUT /api/server/instances/i-1"), ["PUT", one, 405]);
  assertEquals(await heard("GET /api/nowhere"), ["GET", null, 404]);
  assertEquals(await heard("GET /"), ["GET", "/", 200]);
  const refused = { headers: { ...headers, host: "evil.example" } };
  assertEquals(await heard("GET /healthz", refused), ["GET", "/healthz", 403]);
  assertEquals(await heard("POST /api/server/instances/i-1/stop"), ["POST", `${one}/stop`, 500]);
  assert(answers.every(({ tookMs, traceId }) => tookMs >= 0 && traceId !== ""));
});

Deno.test("a request that is traced is named by its trace, unless its client has named it", async () => {
  const { watch } = listener();
  const call = client({ watch });
  const id = async (headers: Record<string, string>) =>
    (await call("GET /healthz", { headers })).headers.get("x-request-id");
  assertEquals(await id({}), TRACE);
  assertEquals(await id({ "x-request-id": "mine" }), "mine");
});

Deno.test("streams are counted while they are open", async () => {
  const { watch, streams } = listener();
  await withApi(async ({ app, startWorker, create, call }) => {
    await startWorker();
    const id = await create();
    assertEquals((await call(`POST /api/server/instances/${id}/start`)).status, 200);
    const open = (path: string) => app.fetch(new Request(`http://localhost:4700${path}`));
    const [first, second] = [await open("/api/events"), await open("/api/events")];
    const logs = await open(`/api/server/instances/${id}/logs?follow=true`);
    const counts = (of: string) => streams.filter(([one]) => one === of).map(([, count]) => count);
    assertEquals(counts("events"), [1, 2]);
    assertEquals(counts("logs")[0], 1);
    for (const { body } of [first, second, logs]) await body?.cancel();
    await until("all are closed", () => streams.length === 6);
    assertEquals([counts("events"), counts("logs")], [[1, 2, 1, 0], [1, 0]]);
  }, { watch });
});
