/** The routes of the stand-in for drasi-server as a function, without a process. */
import { assert, assertEquals } from "@std/assert";
import { type Answer, answer, type ApiState } from "../../workers/templates/stand_in/api.ts";
import { autoStart, buildInstance } from "../../workers/templates/stand_in/components.ts";
import { loadConfiguration } from "../../workers/templates/stand_in/configuration_file.ts";
import { COMPONENTS } from "./stand_in_world.ts";

Deno.test("lists are wrapped, begin with the internal source, and show who never started", () => {
  assertEquals(statuses(apiState(), "sources"), {
    __component_graph__: "Running",
    sensors: "Running",
    idle: "Added",
  });
  assertEquals(statuses(apiState(), "queries"), { readings: "Running", lazy: "Added" });
  assertEquals(statuses(apiState(), "reactions"), { console: "Running" });
});

Deno.test("the instance list counts the internal source too", () => {
  assertEquals(ask(apiState(), "GET", "/api/v1/instances"), {
    status: 200,
    body: {
      success: true,
      data: [{
        id: "inst-1",
        source_count: 3,
        query_count: 2,
        reaction_count: 1,
        links: {
          self: "/api/v1/instances/inst-1",
          sources: "/api/v1/instances/inst-1/sources",
          queries: "/api/v1/instances/inst-1/queries",
          reactions: "/api/v1/instances/inst-1/reactions",
        },
      }],
      error: null,
    },
  });
});

Deno.test("health declares the stand-in", () => {
  assertEquals(ask(apiState(), "GET", "/health"), {
    status: 200,
    body: { status: "ok", timestamp: "1970-01-01T00:00:00.000Z", standIn: true },
  });
});

Deno.test("an item shows its configuration only in the full view", () => {
  const self = "/api/v1/instances/inst-1/sources/idle";
  const brief = { id: "idle", status: "Added", links: { self, full: `${self}?view=full` } };
  assertEquals(ask(apiState(), "GET", self), wrapped(brief));
  assertEquals(
    ask(apiState(), "GET", `${self}?view=full`),
    wrapped({ ...brief, config: { kind: "mock", id: "idle", autoStart: false } }),
  );
});

Deno.test("a component starts and stops once; the second time is a 500", () => {
  const state = apiState();
  const at = "/api/v1/instances/inst-1/queries/lazy";
  assertEquals(
    ask(state, "POST", `${at}/start`),
    wrapped({ message: "Query started successfully" }),
  );
  assertEquals(ask(state, "POST", `${at}/start`), {
    status: 500,
    body: { code: "INTERNAL_ERROR", message: "Failed to start query 'lazy': already running" },
  });
  assertEquals(
    ask(state, "POST", `${at}/stop`),
    wrapped({ message: "Query stopped successfully" }),
  );
  assertEquals(statuses(state, "queries").lazy, "Stopped");
  assertEquals(ask(state, "POST", `${at}/stop`).status, 500);
});

Deno.test("what is absent is 404, or 500 where upstream says so", () => {
  const state = apiState();
  const of = (method: string, path: string) => ask(state, method, `/api/v1/${path}`);
  assertEquals(of("GET", "sources/none"), {
    status: 404,
    body: { code: "SOURCE_NOT_FOUND", message: "source 'none' not found" },
  });
  assertEquals(of("POST", "sources/none/start").status, 500);
  assertEquals(of("GET", "instances/none/sources"), {
    status: 404,
    text: "Instance 'none' not found",
  });
  assertEquals(of("GET", "instances/none/sources/s"), {
    status: 500,
    body: { code: "INTERNAL_ERROR", message: "Instance not found" },
  });
  assertEquals(of("GET", "instances/inst-1").status, 404);
  assertEquals(of("DELETE", "sources").status, 405);
  assertEquals(of("GET", "sources/%zz").status, 404);
});

Deno.test("data, installs and changes of the component set are refused, never invented", () => {
  const refused: [string, string][] = [
    ["GET", "queries/readings/results"],
    ["GET", "queries/readings/attach"],
    ["POST", "sources/sensors/push"],
    ["GET", "sources/sensors/logs"],
    ["POST", "plugins/install"],
    ["GET", "plugins"],
    ["POST", "instances/inst-1/sources"],
    ["DELETE", "instances/inst-1/sources/sensors"],
  ];
  for (const [method, path] of refused) {
    const found = ask(apiState(), method, `/api/v1/${path}`);
    assert("body" in found, `expected JSON for ${path}`);
    assertEquals([found.status, (found.body as { code: string }).code], [
      501,
      "STAND_IN_UNSUPPORTED",
    ], path);
  }
});

Deno.test("on a read-only file, creating and deleting are 409 while starting still works", () => {
  const state = { ...apiState(), isReadOnly: true };
  for (const [method, path] of [["POST", "sources"], ["DELETE", "queries/lazy"]] as const) {
    const found = ask(state, method, `/api/v1/${path}`);
    assert("body" in found);
    assertEquals([found.status, (found.body as { code: string }).code], [409, "CONFIG_READ_ONLY"]);
  }
  assertEquals(ask(state, "POST", "/api/v1/queries/lazy/start").status, 200);
});

function apiState(): ApiState {
  const context = { path: "f.yaml", environment: {}, randomId: () => "random" };
  const loaded = loadConfiguration(COMPONENTS, context);
  assert(loaded.ok);
  const built = buildInstance(loaded.configuration.instances[0]!);
  assert(built.ok);
  autoStart(built.instance, []);
  return { instances: [built.instance], isReadOnly: false, failingSources: [], nowMs: () => 0 };
}

function ask(state: ApiState, method: string, target: string): Answer {
  const [path, query] = target.split("?");
  return answer(state, { method, path: path!, query: new URLSearchParams(query) });
}

function wrapped(data: unknown) {
  return { status: 200, body: { success: true, data, error: null } };
}

function statuses(state: ApiState, list: string): Record<string, string> {
  const found = ask(state, "GET", `/api/v1/${list}`);
  assert("body" in found);
  const { data } = found.body as { data: { id: string; status: string }[] };
  return Object.fromEntries(data.map(({ id, status }) => [id, status]));
}
