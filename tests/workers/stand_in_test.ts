/** The pure parts of the stand-in for drasi-server: flags, configuration, plugin gate, log. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseArguments } from "../../workers/templates/stand_in/arguments.ts";
import { buildInstance } from "../../workers/templates/stand_in/components.ts";
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
import { writerTo } from "../../workers/templates/stand_in/output.ts";
import { validationReport } from "../../workers/templates/stand_in/validate.ts";

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
  assertEquals(resolveReference({ kind: "Secret", name: "S" }, {}), {
    ok: false,
    message: "Not implemented: Secret resolution not yet implemented for 'S'",
  });
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

Deno.test("a writer finishes partial writes, and goes quiet when its reader has gone", () => {
  let written = "";
  const slow = writerTo({
    writeSync(bytes) {
      written += new TextDecoder().decode(bytes.subarray(0, 2));
      return Math.min(2, bytes.length);
    },
  });
  slow("hello");
  assertEquals(written, "hello");
  let tries = 0;
  const broken = writerTo({
    writeSync() {
      tries++;
      throw new Deno.errors.BrokenPipe("Broken pipe (os error 32)");
    },
  });
  broken("a");
  broken("b");
  assertEquals(tries, 1);
});

Deno.test("validate names each unset variable and then is exit 1", () => {
  const settings = { path: "f.yaml", kinds: ["source/http"], environment: {}, showResolved: true };
  const text = "sources: [{ kind: http, id: s, auth: { token: '${TOKEN}' } }]";
  const report = validationReport(loadConfiguration(text, context()), settings);
  assertEquals(report.exitCode, 1);
  assertStringIncludes(
    report.text,
    "  [ERR] sources['s'].auth.token: env var 'TOKEN' not found and no default provided\n",
  );
  assertStringIncludes(report.text, "1 source(s), 0 query/queries, 0 reaction(s) — 1 error(s)");
  assertStringIncludes(report.text, "Resolved server settings:\n  Host: 0.0.0.0\n  Port: 8080\n");
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
