/** Who may do what: every route with every role, without a token, and with tokens that are none. */
import { assertEquals } from "@std/assert";
import { type Role, ROLES } from "../../events/access_tokens.ts";
import { createHttpApp } from "../../http/app.ts";
import type { HttpOptions } from "../../http/options.ts";
import { apiOptions } from "./support/api_world.ts";
import { type ScriptedSystem, scriptedSystem, stateAfter } from "./support/scripted_system.ts";
import { bearer, bookOfAllRoles, tokenOf } from "./support/tokens.ts";

/** The decision for each route. A new route needs a line here: whoever writes it says who may take it. */
const DECISIONS: Readonly<Record<string, Role | "anyone">> = {
  "GET /": "anyone",
  "GET /healthz": "anyone",
  "GET /readyz": "anyone",
  "GET /docs": "anyone",
  "GET /docs/scalar.js": "anyone",
  "GET /openapi.json": "anyone",
  "GET /api/server/instances": "viewer",
  "POST /api/server/instances": "operator",
  "GET /api/server/instances/{id}": "viewer",
  "PATCH /api/server/instances/{id}": "operator",
  "DELETE /api/server/instances/{id}": "operator",
  "DELETE /api/server/instances/{id}?force=true": "admin",
  "POST /api/server/instances/{id}/move": "operator",
  "POST /api/server/instances/{id}/move?force=true": "admin",
  "POST /api/server/instances/{id}/start": "operator",
  "POST /api/server/instances/{id}/stop": "operator",
  "POST /api/server/instances/{id}/restart": "operator",
  "GET /api/server/instances/{id}/events": "viewer",
  "GET /api/server/instances/{id}/state": "viewer",
  "GET /api/server/instances/{id}/why": "viewer",
  "GET /api/server/instances/{id}/wait": "viewer",
  "GET /api/server/instances/{id}/logs": "operator",
  "GET /api/server/instances/{id}/configuration/server": "viewer",
  "PATCH /api/server/instances/{id}/configuration/server": "operator",
  "PUT /api/server/instances/{id}/configuration/server/host": "operator",
  "PUT /api/server/instances/{id}/configuration/server/port": "operator",
  "PUT /api/server/instances/{id}/configuration/server/loglevel": "operator",
  "GET /api/configuration/instances/{id}": "viewer",
  "PUT /api/configuration/instances/{id}": "operator",
  "PATCH /api/configuration/instances/{id}": "operator",
  "GET /api/configuration/instances/{id}/revisions": "viewer",
  "GET /api/configuration/instances/{id}/revisions/{revision}": "viewer",
  "GET /api/configuration/instances/{id}/diff": "viewer",
  "POST /api/configuration/instances/{id}/rollback": "operator",
  "GET /api/status/{id}/status": "viewer",
  "GET /api/status/recent-changes": "viewer",
  "POST /api/status/updates": "operator",
  "PUT /api/server/instances/{id}/status": "operator",
  "GET /api/workers": "viewer",
  "POST /api/workers/{id}/drain": "admin",
  "POST /api/workers/{id}/resume": "admin",
  "POST /api/workers/{id}/forget": "admin",
  "GET /api/events": "viewer",
  "GET /api/fleet": "viewer",
  "POST /api/fleet/diff": "viewer",
  "POST /api/fleet/apply": "operator",
  "GET /metrics": "viewer",
};

const done = {
  kind: "done",
  changed: true,
  state: stateAfter(),
  position: "1-0",
  event: null,
} as const;

/** What somebody who asks has in hand. */
const CREDENTIALS: Readonly<Record<string, Record<string, string>>> = {
  "no token": {},
  "a wrong token": bearer("draas_wrong-0123456789-0123456789-0123456789"),
  "a short wrong token": bearer("wrong"),
  "an expired token": bearer(tokenOf("expired")),
  "no bearer": { authorization: `Basic ${tokenOf("admin")}` },
  "two tokens": { authorization: `Bearer ${tokenOf("admin")}, Bearer ${tokenOf("admin")}` },
  viewer: bearer(tokenOf("viewer")),
  operator: bearer(tokenOf("operator")),
  admin: bearer(tokenOf("admin")),
};

/** An API with a token of each role, over a system that counts what reaches it. */
function guarded(): { ask: Ask; system: ScriptedSystem; reached: () => number } {
  const scripted = scriptedSystem(done);
  let reached = 0;
  const system = new Proxy(scripted, {
    get(target, name, receiver) {
      reached++;
      return Reflect.get(target, name, receiver);
    },
  });
  const app = createHttpApp({ ...optionsOf(system), tokens: bookOfAllRoles() });
  let address = 0;
  const ask: Ask = async (line, headers) => {
    const [method = "", path = ""] = line.split(" ");
    const id = path.startsWith("/api/workers") ? "worker-1" : "i-1";
    const url = path.replace("{id}", id).replace("{revision}", "1");
    const request = new Request(`http://localhost:4700${url}`, { method, headers });
    // Everybody comes from an address of their own: how many are refused of one is another test's matter.
    const response = await app.fetch(request, { remoteAddr: { hostname: `10.0.0.${address++}` } });
    const isProblem = response.headers.get("content-type") === "application/problem+json";
    if (isProblem && method !== "HEAD") {
      return { status: response.status, text: await response.text() };
    }
    await response.body?.cancel();
    return { status: response.status, text: "" };
  };
  return { ask, system: scripted, reached: () => reached };
}

/** With all that an API may have. */
function optionsOf(system: ScriptedSystem): HttpOptions {
  return { ...apiOptions(system), metrics: () => Promise.resolve("draas_node_ready 1\n") };
}

type Ask = (
  line: string,
  headers: Record<string, string>,
) => Promise<{ status: number; text: string }>;

/** What the app itself has, however it came there; `forced` of what its index tells. */
async function routesOf(): Promise<string[]> {
  const app = createHttpApp(optionsOf(scriptedSystem(null)));
  const all = app.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) =>
    `${method} ${path.replace(/:(\w+)/g, "{$1}")}`
  );
  const { routes } = await (await app.fetch(new Request("http://localhost/"))).json();
  const forced = routes.filter((route: { forceRole?: string }) => route.forceRole !== undefined)
    .map((route: { method: string; path: string }) => `${route.method} ${route.path}?force=true`);
  return [...all, ...forced];
}

Deno.test("every route has a decision, and every decision a route", async () => {
  const routes = await routesOf();
  assertEquals(routes.sort(), Object.keys(DECISIONS).sort());
});

for (const [line, least] of Object.entries(DECISIONS)) {
  Deno.test(`${line} is for ${least}${least === "anyone" ? "" : " and above"}`, async () => {
    const { ask, reached } = guarded();
    for (const [who, headers] of Object.entries(CREDENTIALS)) {
      const role = ROLES.find((one) => one === who);
      const before = reached();
      const lines = line.startsWith("GET") ? [line, line.replace("GET", "HEAD")] : [line];
      for (const one of lines) {
        const { status, text } = await ask(one, headers);
        const expected = answerFor(role, least);
        const told = `${one} with ${who}: ${status} ${text}`;
        if (expected === null) assertEquals([401, 403, 429].includes(status), false, told);
        else {
          assertEquals(status, expected.status, told);
          if (text !== "") assertEquals(JSON.parse(text).code, expected.code, told);
          assertEquals(reached(), before, `nothing is asked of the system: ${told}`);
        }
        for (const secret of Object.values(CREDENTIALS)) {
          const token = secret.authorization?.split(" ")[1] ?? "draas_";
          assertEquals(text.includes(token) && token !== "wrong", false, `a token shows: ${told}`);
        }
      }
    }
  });
}

/** Null: it gets past the gate. */
function answerFor(
  role: Role | undefined,
  least: Role | "anyone",
): { status: number; code: string } | null {
  if (least === "anyone") return null;
  if (role === undefined) return { status: 401, code: "unauthorized" };
  return ROLES.indexOf(role) >= ROLES.indexOf(least) ? null : { status: 403, code: "forbidden" };
}

Deno.test("a forced request is what its word force is not: false", async () => {
  const { ask } = guarded();
  const line = "DELETE /api/server/instances/{id}";
  const operator = bearer(tokenOf("operator"));
  const statusOf = async (query: string) => (await ask(`${line}?${query}`, operator)).status;
  assertEquals(await statusOf("force=false"), 204);
  for (
    const query of ["force=true", "force=TRUE", "force=", "force=false&force=true", "%66orce=1"]
  ) {
    assertEquals(await statusOf(query), 403, query);
  }
});

Deno.test("a refusal names the role that is needed, the one that there is, and what to do", async () => {
  const { ask } = guarded();
  const { text } = await ask("POST /api/workers/{id}/drain", bearer(tokenOf("viewer")));
  const { detail, hint, role, neededRole } = JSON.parse(text);
  assertEquals([role, neededRole], ["viewer", "admin"]);
  assertEquals(detail, "This takes the role admin; the token 'viewer-1' has the role viewer.");
  assertEquals(hint.includes("Use a token of the role admin"), true, hint);
});

Deno.test("below /api nobody without a token learns what there is", async () => {
  const { ask } = guarded();
  for (const line of ["GET /api/nowhere", "PUT /api/workers", "OPTIONS /api/events", "GET /api/"]) {
    assertEquals((await ask(line, {})).status, 401, line);
  }
  const viewer = bearer(tokenOf("viewer"));
  assertEquals((await ask("GET /api/nowhere", viewer)).status, 404);
  assertEquals((await ask("PUT /api/workers", viewer)).status, 405);
});

Deno.test("who asked is in the log by the token's name", async () => {
  const { ask, system } = guarded();
  await ask("POST /api/server/instances/{id}/start", bearer(tokenOf("operator")));
  await ask("POST /api/server/instances/{id}/stop", bearer(tokenOf("admin")));
  assertEquals(system.asked.map(({ options }) => options.requestedBy), ["operator-1", "admin-1"]);
});
