/**
 * What the `drasi-server` template takes for granted of its binary, held to the real one where `DRASI_SERVER_BIN` names
 * it, else to the stand-in: the same cases, so that the stand-in cannot drift from what it stands for. Operator's
 * reference of drasi-server 0.2.x, §1 to §7.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { failureOf, started, startIt, withWorld } from "./process_world.ts";
import { assertInOrder, launch, type Launched, type LaunchSettings } from "./stand_in_world.ts";

const BINARY = Deno.env.get("DRASI_SERVER_BIN") || null;
const UNDER_TEST = BINARY ?? "the stand-in";
const STAND_IN = new URL("../../workers/templates/stand_in/main.ts", import.meta.url).pathname;
const template = "drasi-server" as const;

function conforms(what: string, test: () => Promise<void>): void {
  Deno.test(`${UNDER_TEST}: ${what}`, test);
}

/** Run by itself, with a folder of plugins of its own. */
function run(flags: readonly string[], settings: LaunchSettings = {}): Promise<Launched> {
  return launch(["--plugins-dir", "plugins", ...flags], { ...settings, binary: BINARY });
}

/** Run as instances are. */
const asInstances: Parameters<typeof withWorld>[1] = {
  hostEnvironment: Deno.env.toObject(),
  drasiServer: {
    drasiServerBin: BINARY,
    standIn: "auto",
    standInCommand: [Deno.execPath(), "run", "--allow-all", "--no-check", STAND_IN],
  },
};

async function instancesOf(url: string): Promise<{ id: string }[]> {
  return (await (await fetch(`${url}/api/v1/instances`)).json()).data;
}

conforms("--version is a name and a version, and an unknown flag is exit 2 on stderr", async () => {
  await using version = await run(["--version"], { hasConfigFlag: false, hasPortFlag: false });
  assertEquals((await version.ended()).code, 0);
  assertMatch(version.stdout(), /^drasi-server\S* \d+\.\d+\.\d+/);
  await using usage = await run(["--no-such-flag"]);
  assertEquals((await usage.ended()).code, 2);
  assertStringIncludes(usage.stderr(), "error: unexpected argument '--no-such-flag' found");
});

conforms("it boots in order, its port last, and SIGINT ends it in order with exit 0", async () => {
  await using server = await run([]);
  const health = await (await server.health()).json();
  assertEquals(health.status, "ok");
  assertEquals((await instancesOf(server.url)).map(({ id }) => id), ["inst-1"]);
  await server.says("Drasi Server started successfully");
  server.signal("SIGINT");
  assertEquals(await server.ended(), { success: true, code: 0, signal: null });
  assertEquals(server.stderr(), "");
  assertInOrder(server.stdout(), [
    "Starting Drasi Server",
    "Config file: ",
    `Port: ${server.port}`,
    "\nStarting Drasi Server\n  Version: ",
    `Starting web API on 127.0.0.1:${server.port}`,
    `Drasi Server started successfully with API on port ${server.port}`,
    "Shutting down Drasi Server",
  ]);
  assert(!server.stdout().includes("\x1b["), "no colours with NO_COLOR");
});

conforms("SIGTERM kills it at once, with nothing cleaned", async () => {
  await using server = await run([]);
  await server.health();
  server.signal("SIGTERM");
  assertEquals(await server.ended(), { success: false, code: 143, signal: "SIGTERM" });
  assert(!server.stdout().includes("Shutting down"), "expected no graceful stop");
});

conforms("a port that is taken is exit 1, said without the address", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using server = await run([], { port: taken.addr.port });
  assertEquals((await server.ended()).code, 1);
  assertStringIncludes(server.stderr(), "Error: Address already in use (os error 98)");
});

conforms(
  "a missing file creates the default, folders and all, and the server goes on",
  async () => {
    await using server = await run([], { config: null });
    await server.health();
    assertInOrder(server.stdout(), ["Config file '", "not found. Creating"]);
    await server.says("Default configuration created at: ");
    const text = await Deno.readTextFile(server.configPath);
    const id = /^id: (.+)$/m.exec(text)?.[1];
    assertEquals((await instancesOf(server.url)).map((one) => one.id), [id]);
  },
);

conforms("a configuration that is a folder can't be read", async () => {
  await using server = await run(["--config", "."], { hasConfigFlag: false });
  assertEquals((await server.ended()).code, 1);
  assertStringIncludes(
    server.stderr(),
    "Error: Failed to read config file: Is a directory (os error 21)",
  );
});

conforms(
  "JSON is read, and unknown fields, bad values and missing plugins are exit 1 on stderr",
  async () => {
    const faults: [config: string, words: RegExp][] = [
      ['{"id":"a","host":"127.0.0.1","hots":"x"}', /YAML error: .*unknown field .hots./],
      ['{"id":"a","host":"not a host"}', /Validation error: Invalid host 'not a host'/],
      [
        '{"id":"a","host":"127.0.0.1","sources":[{"kind":"no-such-kind","id":"s"}]}',
        /Missing plugins required by configuration:\n {2}- source\/no-such-kind \(referenced by source 's'\)/,
      ],
    ];
    for (const [config, words] of faults) {
      await using server = await run([], { config });
      assertEquals((await server.ended()).code, 1);
      assertMatch(server.stderr(), words);
    }
  },
);

conforms("the .env beside the configuration counts, but not over what is set already", async () => {
  await using server = await run([], {
    config: "id: ${INSTANCE}\nhost: 127.0.0.1\nlogLevel: ${LEVEL}\n",
    dotEnv: "INSTANCE=from-file\nLEVEL=trace\n",
    environment: { LEVEL: "warn" },
  });
  await server.health();
  assertEquals((await instancesOf(server.url)).map(({ id }) => id), ["from-file"]);
  assert(!server.stdout().includes("INFO"), "expected no INFO line at level warn");
});

conforms(
  "as an instance it is ready under its own id, and is stopped in order",
  () =>
    withWorld(async ({ platform, folder }) => {
      const configuration = { logLevel: "info", enableUi: false };
      const info = await started(platform, configuration, { template });
      const listed = await instancesOf(`http://127.0.0.1:${info.port}`);
      assertEquals(listed.map(({ id }) => id), ["i-1"]);
      if (BINARY !== null) assertMatch(info.runtimeMetadata.version ?? "", /^\d+\.\d+\.\d+/);
      else assertEquals(info.runtimeMetadata, { standIn: "true" });
      const { mode } = await Deno.stat(`${folder()}/runs/${info.runId}/drasi-server.json`);
      assertEquals((mode ?? 0) & 0o777, 0o600);
      const { runtimeInfo } = await platform.stop("i-1", NO_FENCE);
      assertEquals([runtimeInfo?.exit?.reason, runtimeInfo?.exit?.code], ["Stopped", 0]);
    }, asInstances),
);

conforms(
  "as an instance that lacks a plugin it is told which, and not started again",
  () =>
    withWorld(async ({ platform }) => {
      const configuration = { sources: [{ kind: "no-such-kind", id: "s" }] };
      const { failure } = failureOf(await startIt(platform, configuration, { template }));
      assertEquals([failure.code, failure.retryable], ["plugins_missing", false]);
      assertStringIncludes(failure.message, "source/no-such-kind (referenced by source 's')");
    }, asInstances),
);
