/** Launch plans are pure: the same template, configuration and context give the same plan. */
import { assertEquals } from "@std/assert";
import type { LaunchContext } from "../../workers/templates/launch_plan.ts";
import { planLaunch, wantsPort } from "../../workers/templates/templates.ts";

const context: LaunchContext = {
  spec: { instanceId: "i-1", runId: "r-1" },
  site: "s-1",
  instanceFolder: "/data/instances/i-1",
  runFolder: "/data/instances/i-1/runs/r-1",
  pickedPort: null,
  hostEnvironment: { PATH: "/bin", HOME: "/root", AWS_SECRET_ACCESS_KEY: "x", LANG: "C" },
  drasiServer: {
    argv: ["/opt/drasi-server"],
    isStandIn: false,
    version: "0.2.2",
    pluginsFolder: null,
  },
};

const marks = { DRAAS_INSTANCE_ID: "i-1", DRAAS_RUN_ID: "r-1", DRAAS_SITE: "s-1" };
const inherited = { PATH: "/bin", HOME: "/root", LANG: "C" };

Deno.test("a drasi-server gets its whole configuration said, whatever its defaults are", () => {
  const plan = planLaunch(
    "drasi-server",
    { id: "another", queries: [{ id: "q", queryText: "MATCH (n) RETURN n" }] },
    { ...context, pickedPort: 18_080 },
  );
  const path = "/data/instances/i-1/runs/r-1/drasi-server.json";
  assertEquals(plan.argv, ["/opt/drasi-server", "--config", path, "--port", "18080"]);
  assertEquals(plan.files.map((file) => file.path), [path]);
  assertEquals(JSON.parse(plan.files[0]?.content ?? ""), {
    id: "i-1",
    host: "127.0.0.1",
    port: 18_080,
    persistConfig: false,
    queries: [{ id: "q", query: "MATCH (n) RETURN n" }],
  });
  assertEquals(plan.env, { ...inherited, ...marks, NO_COLOR: "1" });
  assertEquals([plan.host, plan.port], ["127.0.0.1", 18_080]);
  assertEquals(
    [plan.stopSignal, plan.bootStopSignal, plan.stopGraceMs],
    ["SIGINT", "SIGTERM", 30_000],
  );
  assertEquals(plan.runtimeMetadata, { version: "0.2.2" });
});

Deno.test("a drasi-server is ready when it answers and lists its own instance", () => {
  const configuration = { port: 9_000, host: "0.0.0.0" };
  assertEquals(planLaunch("drasi-server", configuration, context).readiness, {
    kind: "http",
    checks: [
      { url: "http://127.0.0.1:9000/health" },
      { url: "http://127.0.0.1:9000/api/v1/instances", listsInstance: "i-1" },
    ],
    withinMs: 60_000,
  });
  const slow = planLaunch("drasi-server", { ...configuration, autoInstallPlugins: true }, context);
  assertEquals(slow.readiness?.withinMs, 300_000);
});

Deno.test("a stand-in gets the same flags and says what it is", () => {
  const plan = planLaunch("drasi-server", { port: 9_000 }, {
    ...context,
    drasiServer: {
      argv: ["deno", "run", "stand_in.ts"],
      isStandIn: true,
      version: null,
      pluginsFolder: "/opt/plugins",
    },
  });
  assertEquals(plan.argv.slice(0, 4), ["deno", "run", "stand_in.ts", "--config"]);
  assertEquals(plan.argv.slice(-2), ["--plugins-dir", "/opt/plugins"]);
  assertEquals(plan.runtimeMetadata, { standIn: "true" });
});

Deno.test("a command runs as it is, with documented defaults", () => {
  assertEquals(planLaunch("command", { command: ["sleep", "9"], env: { A: "1" } }, context), {
    argv: ["sleep", "9"],
    env: { ...inherited, A: "1", ...marks },
    workingDirectory: "/data/instances/i-1",
    files: [],
    stopSignal: "SIGTERM",
    bootStopSignal: "SIGTERM",
    stopGraceMs: 10_000,
    settleMs: 200,
    readiness: null,
    liveness: null,
    host: null,
    port: null,
    finalExitCodes: [],
    knownFailures: [],
    runtimeMetadata: {},
  });
});

Deno.test("a command cannot take over the marks that its processes are found by", () => {
  const plan = planLaunch("command", {
    command: ["x"],
    env: { DRAAS_RUN_ID: "another", DRAAS_SITE: "another", PORT: "1" },
    port: 9_000,
  }, context);
  assertEquals(plan.env, { ...inherited, ...marks, PORT: "1" });
});

Deno.test("a port is picked where one is needed and none is given", () => {
  const command = ["x"];
  assertEquals(wantsPort("drasi-server", {}), true);
  assertEquals(wantsPort("drasi-server", { port: 1 }), false);
  assertEquals(wantsPort("command", { command }), false);
  assertEquals(wantsPort("command", { command, readiness: { tcp: {} } }), true);
  assertEquals(wantsPort("command", { command, readiness: { tcp: { port: 1 } } }), false);
  assertEquals(wantsPort("command", { command, port: 1, readiness: { tcp: {} } }), false);
});

Deno.test("a probe asks its own port, or else the server's", () => {
  const command = ["x"];
  const own = { command, port: 1, readiness: { tcp: { port: 2 }, withinMs: 9 } };
  assertEquals(planLaunch("command", own, context).readiness, {
    kind: "tcp",
    host: "127.0.0.1",
    port: 2,
    withinMs: 9,
  });
  const servers = { command, port: 1, readiness: { http: { path: "/up" } } };
  assertEquals(planLaunch("command", servers, context).readiness, {
    kind: "http",
    checks: [{ url: "http://127.0.0.1:1/up" }],
    withinMs: 25_000,
  });
});
