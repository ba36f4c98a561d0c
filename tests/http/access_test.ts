/** Who is answered at all: tokens and host names; and what every answer carries. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import type { HttpOptions } from "../../http/options.ts";
import { type ApiClient, apiClient, assertProblem } from "./support/api_client.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { TokenBook } from "../../http/access/token_book.ts";
import { apiOptions } from "./support/api_world.ts";
import { scriptedSystem, stateAfter } from "./support/scripted_system.ts";
import { bearer, bookOfAllRoles, entryOf, tokenOf } from "./support/tokens.ts";

const LIST = "GET /api/server/instances";
const START = "POST /api/server/instances/i-1/start";
const done = {
  kind: "done",
  changed: true,
  state: stateAfter(),
  position: "1-0",
  event: null,
} as const;

function client(changed: Partial<HttpOptions> = {}): ApiClient {
  return apiClient(createHttpApp({ ...apiOptions(scriptedSystem(done)), ...changed }));
}

Deno.test("with tokens, the API answers only to them", async () => {
  const call = client({ tokens: bookOfAllRoles() });
  for (const line of [LIST, START, "GET /api/workers", "GET /api/nowhere"]) {
    for (const headers of [{}, { authorization: `Basic ${tokenOf("admin")}` }]) {
      const answer = await call(line, { headers });
      assertProblem(answer, 401, "unauthorized");
      assertMatch(answer.headers.get("www-authenticate") ?? "", /^Bearer/);
    }
    const wrong = await call(line, { headers: bearer("wrong") });
    assertStringIncludes(assertProblem(wrong, 401, "unauthorized").detail, "not the right one");
  }
  const headers = { authorization: `bearer ${tokenOf("viewer")}` };
  assertEquals((await call(LIST, { headers })).status, 200);
});

Deno.test("health, readiness and the index need no token, and take a wrong one", async () => {
  const call = client({ tokens: bookOfAllRoles() });
  for (const path of ["/healthz", "/readyz", "/"]) {
    for (const headers of [{}, bearer("wrong")]) {
      assertEquals((await call(`GET ${path}`, { headers })).status, 200, path);
    }
  }
});

Deno.test("a token that has expired is told so, with the time", async () => {
  const clock = new ManualClock();
  const expiresAt = clock.now() + 1_000;
  const tokens = new TokenBook(clock, [entryOf("viewer", { expiresAt })]);
  const call = client({ tokens });
  const headers = bearer(tokenOf("viewer"));
  assertEquals((await call(LIST, { headers })).status, 200);
  await clock.advance(999);
  assertEquals((await call(LIST, { headers })).status, 200);
  await clock.advance(1);
  const { detail } = assertProblem(await call(LIST, { headers }), 401, "unauthorized");
  assertEquals(detail, `The token has expired at ${new Date(expiresAt).toISOString()}.`);
});

Deno.test("a name that was made to point at the loopback is refused", async () => {
  const call = client({ allowedHosts: ["Draas.example"] });
  const asked = async (host: string) => (await call(LIST, { headers: { host } })).status;
  for (
    const host of ["localhost", "LOCALHOST:4700", "127.0.0.1:1", "[::1]:4700", "draas.example"]
  ) {
    assertEquals(await asked(host), 200, host);
  }
  for (const host of ["evil.example", "localhost.evil.example:4700", "127.0.0.1.nip.io", "[::2]"]) {
    assertEquals(await asked(host), 403, host);
  }
  assertProblem(
    await call("GET /healthz", { headers: { host: "evil.example" } }),
    403,
    "host_refused",
  );
});

Deno.test("a bind that is not loopback answers to any name", async () => {
  const call = client({ allowedHosts: null });
  assertEquals((await call(LIST, { headers: { host: "anything.example" } })).status, 200);
});

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
};

Deno.test("every answer forbids sniffing, framing, loading and storing, and names its request", async () => {
  const call = client({ tokens: bookOfAllRoles(), allowedHosts: [] });
  const headers = bearer(tokenOf("admin"));
  const foreign = { host: "evil.example" };
  for (const line of [LIST, START, "GET /nowhere", "GET /healthz", "PUT /healthz", "GET /api/x"]) {
    for (const one of [{}, headers, foreign]) {
      const answer = await call(line, { headers: one });
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
        assertEquals(answer.headers.get(name), value, `${line}: ${name}`);
      }
      assert(answer.headers.get("x-request-id"), line);
      assertEquals(answer.headers.get("access-control-allow-origin"), null, line);
    }
  }
});

Deno.test("a client's request id or trace goes into the log; one that is malformed does not", async () => {
  const system = scriptedSystem(done);
  const call = apiClient(createHttpApp(apiOptions(system)));
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  const sent: Record<string, string>[] = [
    { "x-request-id": "req-1", traceparent },
    { "x-request-id": "<script>", traceparent },
    { "x-request-id": "x".repeat(200) },
    { traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01` },
  ];
  const answered = [];
  for (const headers of sent) answered.push(await call(START, { headers }));
  const ids = system.asked.map(({ options }) => options.correlationId ?? "");
  assertEquals(ids.slice(0, 2), ["req-1", trace]);
  for (const id of ids.slice(2)) assertMatch(id, /^[0-9a-f-]{36}$/);
  assertEquals(answered.map((answer) => answer.headers.get("x-request-id")), ids);
});

Deno.test("an unknown route and a wrong method are problems that say what there is", async () => {
  const call = client();
  assertProblem(await call("GET /api/server/instance"), 404, "route_not_found");
  assertProblem(await call("GET /api/server/instances/"), 404, "route_not_found");
  const wrong = await call("PUT /api/server/instances/i-1");
  assertProblem(wrong, 405, "method_not_allowed");
  assertEquals(wrong.headers.get("allow"), "HEAD, GET, PATCH, DELETE");
  assertEquals((await call(`GET ${START.split(" ")[1]}`)).headers.get("allow"), "POST");
  assertEquals((await call("HEAD /healthz")).status, 200);
});

Deno.test("the index names every route", async () => {
  const { json } = await client()("GET /");
  // deno-lint-ignore no-explicit-any -- read as JSON
  const lines = json.routes.map((route: any) => `${route.method} ${route.path}`);
  for (
    const line of ["POST /api/server/instances/{id}/start", "GET /api/events", "GET /readyz"]
  ) {
    assert(lines.includes(line), line);
  }
});
