/** The pure parts of the stand-in for drasi-server: flags, configuration, plugin gate, log, API. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { answer, type ApiState } from "../../workers/templates/stand_in/api.ts";
import { parseArguments } from "../../workers/templates/stand_in/arguments.ts";
import { autoStart, buildInstance } from "../../workers/templates/stand_in/components.ts";
import {
  loadConfiguration,
  type ServerConfiguration,
} from "../../workers/templates/stand_in/configuration_file.ts";
import { NO_FAULTS, parseFaults } from "../../workers/templates/stand_in/faults.ts";
import { parseDotEnv, resolveReference } from "../../workers/templates/stand_in/interpolation.ts";
import { isLogged, logLine } from "../../workers/templates/stand_in/log_lines.ts";
import {
  missingPlugins,
  missingPluginsMessage,
} from "../../workers/templates/stand_in/plugin_gate.ts";
import { COMPONENTS } from "./stand_in_world.ts";

// The command line

Deno.test("flags before and after run both work, and the later one wins", () => {
  const command = parseArguments(["--port", "1", "-c", "a.yaml", "run", "-p2"], []);
  assert(command.kind === "run");
  assertEquals([command.options.config, command.options.port], ["a.yaml", 2]);
});

Deno.test("what clap would refuse is a usage error that names the argument", () => {
  const refused: [string[], string][] = [
    [["--verify-plugins"], "unexpected argument '--verify-plugins' found"],
    [["--port", "x"], "invalid value 'x' for '--port <PORT>'"],
    [["--port", "65536"], "65536 is not in 0..=65535"],
    [["--port"], "a value is required for '--port <PORT>'"],
    [["--port", "1", "--port", "2"], "cannot be used multiple times"],
    [["--enable-ui", "--disable-ui"], "cannot be used with"],
    [["plugin", "install"], "unrecognized subcommand 'plugin'"],
    [["--show-resolved"], "unexpected argument '--show-resolved' found"],
    [["--stand-in-fault", "explode"], "invalid value 'explode'"],
    [["--stand-in-kinds", "mock"], "must be category/kind"],
  ];
  for (const [argv, text] of refused) {
    const command = parseArguments(argv, []);
    assert(command.kind === "usage-error", `expected a usage error for ${argv.join(" ")}`);
    assertStringIncludes(command.text, text);
  }
});

Deno.test("port 0 passes unchecked on the command line", () => {
  const command = parseArguments(["--port=0"], []);
  assert(command.kind === "run");
  assertEquals(command.options.port, 0);
});

Deno.test("faults come from the environment's list and from repeated options together", () => {
  const command = parseArguments(["--stand-in-fault", "source-error=b"], [
    "slow-boot=5",
    "source-error=a",
  ]);
  assert(command.kind === "run");
  assertEquals(command.options.faults, {
    ...NO_FAULTS,
    slowBootMs: 5,
    sourceErrors: ["a", "b"],
  });
});

Deno.test("a fault without its value, or with a wrong one, is unknown", () => {
  for (const word of ["slow-boot", "exit-at-boot=256", "ignore-sigint=1", "source-error="]) {
    assertEquals(parseFaults([word]), { unknown: word });
  }
});

// The configuration file

Deno.test("an empty and a comments-only file mean all defaults with a random id", () => {
  for (const text of ["", "# nothing here\n"]) {
    const { host, port, logLevel, persistConfig, enableUi, instances } = loaded(text);
    assertEquals({ host, port, logLevel, persistConfig, enableUi }, {
      host: "0.0.0.0",
      port: 8080,
      logLevel: "info",
      persistConfig: true,
      enableUi: true,
    });
    assertEquals(instances.map(({ id }) => id), ["random"]);
  }
});

Deno.test("JSON is read as well as YAML", () => {
  assertEquals(loaded('{"id":"a","port":81,"sources":[]}').port, 81);
});

Deno.test("faults in syntax and shape are one line with a YAML and a JSON half", () => {
  const refused: [string, string][] = [
    ["hots: x", "unknown field `hots`, expected one of `apiVersion`"],
    ["instances: [{ port: 1 }]", "instances[0]: unknown field `port`"],
    ["queries: [{ id: q, query: x, queryText: x }]", "queries[0]: unknown field `queryText`"],
    ["queries: [{ id: q }]", "queries[0]: missing field `query`"],
    ["sources: [{ id: s }]", "sources[0]: missing field `kind`"],
    [
      "sources: [{ kind: m, id: s, auto_start: true }]",
      "unknown field `auto_start`, did you mean `autoStart`?",
    ],
    ["stateStore: { kind: redis, path: x }", "unknown variant `redis`"],
    ["stateStore: { kind: redb, path: x, size: 1 }", "stateStore: unknown field `size`"],
    ["port: many", 'port: invalid type: string "many", expected u16'],
    ["port: 70000", "port: invalid value: integer `70000`, expected u16"],
    ["persistConfig: ${P}", "persistConfig: invalid type: string"],
    ["id: a\nid: b", "Map keys must be unique at line 2 column 1"],
    ["host: [", "at line"],
    ["- a list", "invalid type: sequence, expected struct"],
  ];
  for (const [text, part] of refused) {
    const message = loadMessage(text);
    assertMatch(message, /^Failed to parse config file 'f\.yaml': YAML error: .+, JSON error: .+$/);
    assertStringIncludes(message, part);
  }
});

Deno.test("keys that the server does not know go to the plugin in sources and reactions", () => {
  const { instances } = loaded("sources: [{ kind: mock, id: s, intervalMs: 5 }]");
  assertEquals(instances[0]!.sources, [{ kind: "mock", id: "s", intervalMs: 5 }]);
});

Deno.test("bad values are validation errors in upstream's words", () => {
  const refused: [string, string][] = [
    ["port: 0", "Invalid port 0: port must be between 1 and 65535"],
    ["host: 'a b'", "Invalid host 'a b': must be a valid hostname or IP address"],
    [
      "logLevel: loud",
      "Invalid log level 'loud': must be one of trace, debug, info, warn, error",
    ],
    [
      "instances: [{ id: a }, { id: a }]",
      "Duplicate DrasiLib instance id detected: 'a'",
    ],
    ["port: ${UNSET}", "Environment variable 'UNSET' not found and no default provided"],
    [
      "sources: [{ kind: m, id: s, bootstrapProvider: b }]\nid: i",
      "Instance 'i': source 's' references unknown bootstrapProvider 'b'",
    ],
  ];
  for (const [text, message] of refused) {
    assertEquals(loadMessage(text), `Validation error: ${message}`);
  }
});

Deno.test("server fields take their values from the environment, with a default when unset", () => {
  const text =
    "id: ${ID}\nport: '${PORT:-81}'\nlogLevel: { kind: EnvironmentVariable, name: LEVEL }";
  const { instances, port, logLevel } = loaded(text, { ID: "from-env", LEVEL: "warn" });
  assertEquals([instances[0]!.id, port, logLevel], ["from-env", 81, "warn"]);
});

Deno.test("only a whole string is a reference, and an empty variable counts as set", () => {
  assertEquals(resolveReference("http://${H}/", {}), { ok: true, value: "http://${H}/" });
  assertEquals(resolveReference("${H:-x}", { H: "" }), { ok: true, value: "" });
  assertEquals(resolveReference("${A}-${B}", {}), {
    ok: false,
    message: "Environment variable 'A}-${B' not found and no default provided",
  });
});

Deno.test("a .env file gives its variables up to the first bad line", () => {
  assertEquals(parseDotEnv("# c\nA=1\nexport B='x y' # c\nC=\"q\"\n"), {
    variables: { A: "1", B: "x y", C: "q" },
    fault: null,
  });
  const broken = parseDotEnv("A=1\nnot an assignment\nB=2\n");
  assertEquals(broken.variables, { A: "1" });
  assertStringIncludes(broken.fault ?? "", "not an assignment");
});

Deno.test("a plugin counts as present only when built in or listed", () => {
  const configuration = loaded(
    "sources: [{ kind: mock, id: s, bootstrapProvider: { kind: noop } }]\n" +
      "reactions: [{ kind: log, id: r, queries: [] }]\n" +
      "identityProviders: [{ kind: password, id: p }]\n",
  );
  assertEquals(missingPlugins(configuration, ["source/mock", "reaction/log"]), []);
  const missing = missingPlugins(configuration, ["source/http"]);
  assertEquals(
    missingPluginsMessage(missing, ["source/http"]),
    "Missing plugins required by configuration:\n" +
      "  - source/mock (referenced by source 's')\n" +
      "    available source kinds: http\n" +
      "  - reaction/log (referenced by reaction 'r')\n" +
      "    available reaction kinds: application\n" +
      "Install the missing plugins or correct the 'kind' values in your config.",
  );
});

Deno.test("top-level components beside instances have no effect, yet their plugins are demanded", () => {
  const configuration = loaded("sources: [{ kind: mock, id: s }]\ninstances: [{ id: a }]");
  assertEquals(configuration.instances.map(({ id, sources }) => [id, sources]), [["a", []]]);
  assertEquals(missingPlugins(configuration, []).map(({ kind }) => kind), ["mock"]);
});

Deno.test("a query or reaction that names what is not there ends the boot", () => {
  const absentSource = loaded("queries: [{ id: q, query: x, sources: [{ sourceId: s }] }]");
  assertEquals(buildInstance(absentSource.instances[0]!), {
    ok: false,
    message: "Failed to create DrasiLib: source 's' does not exist in the graph",
  });
  const absentQuery = loaded("reactions: [{ kind: log, id: r, queries: [q] }]");
  assertEquals(buildInstance(absentQuery.instances[0]!), {
    ok: false,
    message: "Failed to create DrasiLib: query 'q' does not exist in the graph",
  });
});

// The log

Deno.test("a log line is an RFC 3339 time, a level right-aligned to five, a target, a message", () => {
  const line = { atMs: 0, level: "info", target: "t", message: "m", coloured: false } as const;
  assertEquals(logLine(line), "1970-01-01T00:00:00.000000Z  INFO t: m\n");
  assertStringIncludes(logLine({ ...line, coloured: true }), "\x1b[32m INFO\x1b[0m");
});

Deno.test("with warn, no start or ready line appears", () => {
  assertEquals(isLogged("info", "warn,oci_client=error"), false);
  assertEquals(isLogged("warn", "warn,oci_client=error"), true);
  assertEquals(isLogged("error", "off"), false);
});

// The API

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

function context(environment: Record<string, string> = {}) {
  return { path: "f.yaml", environment, randomId: () => "random" };
}

function loaded(text: string, environment?: Record<string, string>): ServerConfiguration {
  const outcome = loadConfiguration(text, context(environment));
  assert(outcome.ok, outcome.ok ? "" : outcome.message);
  return outcome.configuration;
}

function loadMessage(text: string): string {
  const outcome = loadConfiguration(text, context());
  assert(!outcome.ok, `expected a fault in ${text}`);
  return outcome.message;
}

function apiState(): ApiState {
  const built = buildInstance(loaded(COMPONENTS).instances[0]!);
  assert(built.ok);
  autoStart(built.instance, []);
  return { instances: [built.instance], isReadOnly: false, failingSources: [], nowMs: () => 0 };
}

function ask(state: ApiState, method: string, target: string) {
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
