/** What a hostile web page can do from a browser on the same machine: nothing; and what an allowed one may. */
import { assertEquals } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import type { HttpOptions } from "../../http/options.ts";
import { apiClient, assertProblem } from "./support/api_client.ts";
import { apiOptions } from "./support/api_world.ts";
import { scriptedSystem, stateAfter } from "./support/scripted_system.ts";

const HOST = { host: "127.0.0.1:4700" };
const LIST = "GET /api/server/instances";
const START = "POST /api/server/instances/i-1/start";
const CREATE = "POST /api/server/instances";
const done = {
  kind: "done",
  changed: true,
  state: stateAfter(),
  position: "1-0",
  event: null,
} as const;

function worldOf(changed: Partial<HttpOptions> = {}) {
  const system = scriptedSystem(done);
  const app = createHttpApp({ ...apiOptions(system), ...changed });
  return { app, call: apiClient(app, HOST), system };
}

/** What a browser sends along for what a page of elsewhere does. */
const ATTEMPTS: Readonly<Record<string, Record<string, string>>> = {
  "fetch from another site": { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
  "fetch from a browser without fetch metadata": { origin: "https://evil.example" },
  "fetch from another port of this host": {
    origin: "http://127.0.0.1:3000",
    "sec-fetch-site": "same-site",
  },
  "fetch from the same name with another scheme's port": { origin: "http://127.0.0.1" },
  "fetch from a sandboxed frame": { origin: "null", "sec-fetch-site": "cross-site" },
  "fetch from a file, in an old browser": { origin: "null" },
  "fetch whose origin is no origin": { origin: "127.0.0.1:4700" },
  "an image, a script or a style sheet": {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "no-cors",
    "sec-fetch-dest": "image",
  },
  "an event source": {
    origin: "https://evil.example",
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "cors",
    accept: "text/event-stream",
  },
  "a frame": {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "iframe",
  },
  "a frame from another port": {
    "sec-fetch-site": "same-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "iframe",
  },
};

for (const [name, headers] of Object.entries(ATTEMPTS)) {
  Deno.test(`${name} is refused, reading and changing`, async () => {
    const { call, system } = worldOf();
    for (const line of [LIST, START, "GET /api/events", "GET /healthz", "OPTIONS /api/workers"]) {
      const answer = await call(line, { headers });
      assertProblem(answer, 403, "origin_refused");
      assertEquals(answer.headers.get("access-control-allow-origin"), null);
    }
    assertEquals(system.asked, []);
  });
}

Deno.test("a form of another site is refused whatever it says its body is", async () => {
  const { call, system } = worldOf();
  const sent: Record<string, string> = {
    origin: "https://evil.example",
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
  };
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    const headers = { ...sent, "content-type": type };
    assertProblem(await call(CREATE, { headers, body: '{"name":"a"}' }), 403, "origin_refused");
    assertProblem(await call(START, { headers }), 403, "origin_refused");
    // Where a browser does not even say whence it comes, what only a form sends is no request.
    const untold = await call(CREATE, { headers: { "content-type": type }, body: '{"name":"a"}' });
    assertProblem(untold, 415, "unsupported_media_type");
  }
  assertEquals(system.asked, []);
});

Deno.test("a page whose name was pointed at the loopback is refused, and of its own origin too", async () => {
  const { call, system } = worldOf();
  for (
    const host of ["evil.example", "evil.example:4700", "localhost.", "127.0.0.1.evil.example"]
  ) {
    const headers = { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" };
    for (const line of [LIST, START, "GET /", "GET /readyz"]) {
      assertProblem(await call(line, { headers }), 403, "host_refused");
    }
  }
  assertEquals(system.asked, []);
});

Deno.test("what is typed, followed as a link, or sent by the API's own page or a program is answered", async () => {
  const { call } = worldOf();
  const welcome: Record<string, string>[] = [
    {},
    { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" },
    { "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" },
    { origin: "http://127.0.0.1:4700", "sec-fetch-site": "same-origin" },
  ];
  for (const headers of welcome) {
    assertEquals((await call(LIST, { headers })).status, 200, JSON.stringify(headers));
  }
  const own = { origin: "http://127.0.0.1:4700", "sec-fetch-site": "same-origin" };
  assertEquals((await call(START, { headers: own })).status, 200);
});

Deno.test("a page of an allowed origin asks and reads, one of another does not", async () => {
  const allowed = "https://fleet.example";
  const { app, call } = worldOf({ allowedOrigins: [allowed] });
  const sent = { origin: allowed, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" };
  // What a browser asks by itself, before; it is no part of the API's document.
  const asked = new Request("http://127.0.0.1:4700/api/server/instances/i-1/start", {
    method: "OPTIONS",
    headers: {
      ...HOST,
      ...sent,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,idempotency-key",
    },
  });
  const preflight = await app.fetch(asked);
  assertEquals(preflight.status, 204);
  assertEquals(preflight.headers.get("access-control-allow-origin"), allowed);
  assertEquals(preflight.headers.get("access-control-allow-methods")?.includes("POST"), true);
  assertEquals(preflight.headers.get("access-control-allow-credentials"), null);
  for (const line of [LIST, START, "GET /api/server/instances/nobody"]) {
    const { status, headers } = await call(line, { headers: sent });
    assertEquals([line, status], [line, line.endsWith("nobody") ? 404 : 200]);
    assertEquals(headers.get("access-control-allow-origin"), allowed, line);
    assertEquals(headers.get("vary"), "Origin", line);
    assertEquals(headers.get("access-control-expose-headers")?.includes("etag"), true);
  }
  for (const origin of ["https://fleet.example.evil.example", "http://fleet.example", "null"]) {
    const answer = await call(LIST, { headers: { ...sent, origin } });
    assertProblem(answer, 403, "origin_refused");
    assertEquals(answer.headers.get("access-control-allow-origin"), null, origin);
  }
});
