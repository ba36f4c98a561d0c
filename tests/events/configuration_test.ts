/** What the vocabulary says of bad input: every fault, where it is, and the right form. */
import { assertEquals, assertThrows } from "@std/assert";
import { configurationFaults, describeFaults } from "../../events/configuration.ts";
import { comparePositions, isPosition } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { canonicalJson, type JsonObject } from "../../events/json.ts";
import { parseWith, specificationSchema } from "../../events/specification.ts";
import { type StoredEvent, upcast, upcastChecked } from "../../events/upcast.ts";

Deno.test("every fault of a drasi-server configuration is named at once, with its path", () => {
  const faults = configurationFaults("drasi-server", {
    host: "invalid",
    port: -1,
    logLevel: "loud",
    persistConfig: true,
    queries: [{ id: "q" }],
  });
  assertEquals(describeFaults(faults).split("; "), [
    "host: must be an IPv4 address or localhost",
    "port: must be a whole number from 1 to 65535",
    "logLevel: must be one of trace, debug, info, warn, error",
    "queries.0.query: must be a string",
    "persistConfig: is not a known field",
  ]);
});

Deno.test("the predecessor's queryText is another name of query", () => {
  const queries = [{ id: "q", queryText: "MATCH (n) RETURN n" }];
  assertEquals(configurationFaults("drasi-server", { queries }), []);
});

Deno.test("a command must be an argument array, with exactly one probe", () => {
  assertEquals(
    configurationFaults("command", { command: "redis-server --port 1" }).map(({ path }) => path),
    ["command"],
  );
  assertEquals(configurationFaults("command", { command: [] })[0]?.message, "must name a program");
  const readiness = { http: { path: "/" }, tcp: {} };
  assertEquals(
    configurationFaults("command", { command: ["x"], readiness })[0]?.message,
    "must have exactly one of http, tcp, command and logLine",
  );
});

Deno.test("a probe is checked with all of its faults, and a pattern must be one that cannot hold up a worker", () => {
  const faults = (probes: JsonObject) =>
    configurationFaults("command", { command: ["x"], ...probes });
  assertEquals(
    faults({
      readiness: { logLine: { matches: "(a+)+" } },
      liveness: { command: [], intervalMs: 5, failures: 0 },
    }).map(({ path }) => path),
    [
      "readiness.logLine.matches",
      "liveness.command",
      "liveness.intervalMs",
      "liveness.failures",
    ],
  );
  assertEquals(
    faults({ liveness: { logLine: { contains: "x" } } })[0]?.message,
    "is not a known field",
  );
  assertEquals(
    faults({
      readiness: { command: ["curl", "-f", "http://localhost"], withinMs: 90_000 },
      liveness: { tcp: {}, intervalMs: 1_000, timeoutMs: 500, failures: 5, successes: 2 },
    }),
    [],
  );
});

Deno.test("a bad label names the label and the form of its name", () => {
  const parsed = parseWith(specificationSchema, {
    name: "x",
    configuration: {},
    labels: { "-bad": "v" },
  });
  assertEquals(
    parsed.ok ? [] : parsed.faults.map(({ path, message }) => [path, message.slice(0, 31)]),
    [
      ["labels.-bad", "its name must be 1 to 63 letter"],
    ],
  );
});

Deno.test("positions compare as numbers, part by part", () => {
  assertEquals(["9-0", "10-0", "10-2"].toSorted(comparePositions), ["9-0", "10-0", "10-2"]);
  assertEquals(["1-0", "1", "x-1", "-1-0"].map(isPosition), [true, false, false, false]);
});

Deno.test("canonical JSON is the same for the same value, whatever the order of its keys", () => {
  assertEquals(
    canonicalJson({ b: [{ d: 1, c: 2 }], a: 1 }),
    canonicalJson({ a: 1, b: [{ c: 2, d: 1 }] }),
  );
});

const stored: StoredEvent = {
  position: "1-0",
  previous: null,
  instanceId: "i",
  version: 1,
  type: "RequestAnswered",
  schema: 1,
  at: 1,
  data: { request: "start", commandId: null },
  meta: {},
};

Deno.test("an event of a kind or schema from the future is refused by name", () => {
  for (const newer of [{ ...stored, type: "StartDreamt" }, { ...stored, schema: 9 }]) {
    const error = assertThrows(() => upcast(newer), OperationalError, newer.type);
    assertEquals(error.code, "log_from_newer_version");
  }
});

Deno.test("a damaged event is told from a good one", () => {
  assertEquals<unknown>(upcastChecked(stored).data, stored.data);
  const error = assertThrows(
    () => upcastChecked({ ...stored, data: { request: 5 } }),
    OperationalError,
  );
  assertEquals(error.code, "log_damaged");
});

Deno.test("an instance of before there was a choice of workers waits for its host, and any worker may have it", () => {
  const specification = { name: "old", labels: {} };
  const lifted = upcast({ ...stored, type: "InstanceCreated", data: { specification } });
  assertEquals([lifted.schema, lifted.data], [3, {
    specification: { ...specification, onWorkerLost: "wait", leaseMs: 30_000, workerLabels: {} },
  }]);
});

Deno.test("what an instance says about workers is checked with every fault and its right form", () => {
  const checked = parseWith(specificationSchema, {
    name: "x",
    configuration: {},
    onWorkerLost: "move",
    leaseMs: 5_999,
    workerLabels: { "not a name": "a" },
  });
  assertEquals(checked.ok ? [] : checked.faults.map(({ path, message }) => [path, message]), [
    ["onWorkerLost", "must be one of wait, reschedule"],
    ["leaseMs", "must be a whole number of milliseconds from 6000 to 86400000"],
    [
      "workerLabels.not a name",
      "its name must be 1 to 63 letters, digits, '.', '_', '/' or '-', beginning and ending with a letter or digit",
    ],
  ]);
});

Deno.test("parts of a drasi-server that do not fit each other are told, each with its path", () => {
  const faults = configurationFaults("drasi-server", {
    sources: [{ kind: "mock", id: "s" }, { kind: "mock", id: "s" }],
    queries: [
      { id: "q", query: "MATCH (n) RETURN n", sources: [{ sourceId: "t" }, { sourceId: "s" }] },
      { id: "own", query: "MATCH (n) RETURN n", sources: [{ sourceId: "__component_graph__" }] },
    ],
    reactions: [{ kind: "log", id: "r", queries: ["q", "p"] }],
  });
  assertEquals(faults.map(({ path, message }) => `${path}: ${message}`), [
    'sources.1.id: is used twice: "s"',
    'queries.0.sources.0.sourceId: there is no source "t"',
    'reactions.0.queries.1: there is no query "p"',
  ]);
});

Deno.test("references to secrets stand where a host can hide them, and secret fields hold nothing else", () => {
  const told = (template: Parameters<typeof configurationFaults>[0], configuration: JsonObject) =>
    configurationFaults(template, configuration).map(({ path, message }) => `${path}: ${message}`);
  assertEquals(
    told("command", {
      command: ["psql", "--password=${secret:db}"],
      env: { A: "x${secret:db}y${secret:api.key-2}", B: "${secret:}", C: "${secret:a b}", D: "$" },
      workingDirectory: "/srv/${secret:db}",
    }),
    [
      "command.1: must not hold a secret, since every user of the host can read arguments; put it into env",
      "env.B: must hold references of the form ${secret:NAME}: letters, digits, '.', '_' and '-'",
      "env.C: must hold references of the form ${secret:NAME}: letters, digits, '.', '_' and '-'",
      "workingDirectory: must not hold a secret; secrets may stand in env",
    ],
  );
  const needed =
    "must be a reference, ${secret:NAME}, since what is written here can be read in the log";
  assertEquals(
    told("drasi-server", {
      sources: [
        { kind: "postgres", id: "a", password: "hush", user: "u" },
        { kind: "http", id: "b", auth: { token: "${secret:t}", saslPassword: "${secret:a}x" } },
        { kind: "http", id: "c", partitionKey: "k", apiKey: "${API_KEY}", clientSecret: "" },
      ],
      queries: [{ id: "q", query: "RETURN '${secret:t}'" }],
    }),
    [
      `sources.0.password: ${needed}`,
      "queries.0.query: must not hold a secret; secrets may stand in sources, reactions, " +
      "identityProviders, bootstrapProviders, secretStore, stateStore",
    ],
  );
});
