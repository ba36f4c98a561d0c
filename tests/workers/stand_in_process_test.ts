/** The stand-in for drasi-server as a real process: boot, signals, exit codes, faults. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { answers, assertInOrder, COMPONENTS, connects, launch, until } from "./stand_in_world.ts";

// The process

Deno.test("--version declares the stand-in, and a usage error is exit 2 on stderr", async () => {
  await using version = await launch(["--version"]);
  assertEquals((await version.ended()).code, 0);
  assertMatch(
    version.stdout(),
    /^drasi-server-standin \S+ \(STAND-IN: not drasi-server, runs no queries\)\n$/,
  );
  await using usage = await launch(["--no-such-flag"]);
  assertEquals((await usage.ended()).code, 2);
  assertEquals(usage.stdout(), "");
  assertStringIncludes(usage.stderr(), "error: unexpected argument '--no-such-flag' found");
});

Deno.test("boot tells its steps in order, answers with its mark, and SIGINT ends it with exit 0", async () => {
  await using server = await launch(["--stand-in-kinds", "source/mock,reaction/log"], {
    config: COMPONENTS,
  });
  const response = await server.health();
  assertEquals(response.headers.get("x-drasi-stand-in"), "1");
  assertEquals((await response.json()).standIn, true);
  const unknown = await fetch(`${server.url}/nowhere`);
  await unknown.body?.cancel();
  assertEquals([unknown.status, unknown.headers.get("x-drasi-stand-in")], [404, "1"]);
  server.signal("SIGINT");
  assertEquals(await server.ended(), { success: true, code: 0, signal: null });
  assertEquals(server.stderr(), "");
  assertInOrder(server.stdout(), [
    "STAND-IN for drasi-server 0.2.2: no plugins, no queries, no data\n",
    " INFO drasi_server: Starting Drasi Server",
    "Config file: ",
    `Port: ${server.port}`,
    "Plugins directory: ",
    "Loaded plugin: source/mock",
    "Persistence ENABLED.",
    "Enabling WAL provider for instance 'inst-1' at: ./data/id-696e73742d31/wal",
    "Loading 2 source(s)",
    "\nStarting Drasi Server\n  Version: 0.2.2 (STAND-IN)\n",
    "[STARTUP-COMPLETE]",
    `Starting web API on 127.0.0.1:${server.port}`,
    `Drasi Server started successfully with API on port ${server.port}`,
    "Shutting down Drasi Server",
    "drasi-lib stopped successfully",
  ]);
  assert(server.stdout().startsWith("STAND-IN for"), "expected the declaration to come first");
});

Deno.test("SIGINT during boot kills: no handler is there before the API", async () => {
  await using server = await launch(["--stand-in-fault", "slow-boot=600000"]);
  await server.says("[STARTUP-COMPLETE]");
  server.signal("SIGINT");
  assertEquals((await server.ended()).signal, "SIGINT");
});

Deno.test("errors of the configuration are exit 1 on stderr, before the log begins", async () => {
  await using typo = await launch([], { config: "hots: x\n" });
  assertEquals((await typo.ended()).code, 1);
  assertMatch(typo.stderr(), /^Error: Failed to parse config file '.+': YAML error: unknown field/);
  assertMatch(typo.stdout(), /^STAND-IN .*\n$/);
  await using missing = await launch([], { config: COMPONENTS });
  assertEquals((await missing.ended()).code, 1);
  assertStringIncludes(missing.stderr(), "Error: Missing plugins required by configuration:\n");
});

Deno.test("validate writes to stdout; a missing plugin is only a warning, a bad file is exit 1", async () => {
  await using fine = await launch(["validate"], { config: COMPONENTS, hasPortFlag: false });
  assertEquals((await fine.ended()).code, 0);
  assertStringIncludes(fine.stdout(), "  [WARN] source/mock — not installed");
  await using bad = await launch(["validate"], { config: "port: 0\n", hasPortFlag: false });
  assertEquals((await bad.ended()).code, 1);
  assertEquals(bad.stderr(), "");
  assertStringIncludes(bad.stdout(), "  [ERR] Validation error: Invalid port 0");
  await using absent = await launch(["validate"], { config: null, hasPortFlag: false });
  assertEquals((await absent.ended()).code, 1);
  assertStringIncludes(absent.stdout(), "[ERROR] Configuration file not found: ");
});

Deno.test("a component whose variable is unset, or an IPv6 host, ends the boot", async () => {
  await using unset = await launch(["--stand-in-kinds", "source/http"], {
    config: "sources: [{ kind: http, id: s, token: '${TOKEN}' }]\n",
  });
  assertEquals((await unset.ended()).code, 1);
  assertEquals(
    unset.stderr(),
    "Error: Environment variable 'TOKEN' not found and no default provided\n",
  );
  await using six = await launch([], { config: "host: '::1'\n" });
  assertEquals((await six.ended()).code, 1);
  assertStringIncludes(six.stderr(), "Error: failed to lookup address information");
});

// The faults

Deno.test("fault exit-at-boot ends with the code asked for, also from the environment", async () => {
  await using server = await launch([], {
    environment: { DRAAS_STAND_IN_FAULTS: "slow-stop=1, exit-at-boot=7" },
  });
  assertEquals((await server.ended()).code, 7);
  assertStringIncludes(server.stderr(), "Error: stand-in fault: exit-at-boot=7");
});

Deno.test("fault slow-boot keeps the port closed, then opens it", async () => {
  await using server = await launch(["--stand-in-fault", "slow-boot=300"]);
  await server.health();
  const atMs = (text: string) => {
    const line = server.stdout().split("\n").find((candidate) => candidate.includes(text));
    return Date.parse(line?.split(" ")[0] ?? "");
  };
  const waitedMs = atMs("Starting web API") - atMs("[STARTUP-COMPLETE]");
  assert(waitedMs >= 290, `expected the port to open 300 ms later, not ${waitedMs} ms`);
});

Deno.test("fault ignore-sigint begins to stop and never ends; further SIGINTs do nothing", async () => {
  await using server = await launch(["--stand-in-fault", "ignore-sigint"]);
  await server.health();
  server.signal("SIGINT");
  await server.says("Stopping drasi-lib");
  server.signal("SIGINT");
  await server.health();
  assertEquals(server.stdout().split("Shutting down").length, 2, "expected one shutdown line");
});

Deno.test("fault slow-stop delays the exit, and a second SIGINT in the meantime is swallowed", async () => {
  await using server = await launch(["--stand-in-fault", "slow-stop=1000"]);
  await server.health();
  server.signal("SIGINT");
  await server.says("Stopping drasi-lib");
  server.signal("SIGINT");
  assertEquals((await server.ended()).code, 0);
  assertEquals(server.stdout().split("Shutting down").length, 2, "expected one shutdown line");
});

Deno.test("fault source-error shows the source in Error while health stays ok", async () => {
  await using server = await launch([
    "--stand-in-kinds",
    "source/mock,reaction/log",
    "--stand-in-fault",
    "source-error=sensors",
  ], { config: COMPONENTS });
  await server.health();
  const found = await (await fetch(`${server.url}/api/v1/sources/sensors`)).json();
  assertEquals(
    [found.data.status, found.data.error_message],
    ["Error", "stand-in fault: source-error"],
  );
});

Deno.test("fault drop-api-after closes the API while the process lives on", async () => {
  await using server = await launch(["--stand-in-fault", "drop-api-after=200"]);
  await server.says("Web API server error: ");
  await until("the port to be closed", async () => !(await answers(server.url)));
  server.signal("SIGINT");
  assertEquals((await server.ended()).code, 0);
});

Deno.test("fault flood-stdout freezes a server whose pipe nobody reads, until someone does", async () => {
  await using server = await launch(["--stand-in-fault", "flood-stdout=4000000"], {
    isReadLater: true,
  });
  await until("the port to be open", () => connects(server.port));
  await until("the API to hang", async () => !(await answers(server.url)));
  server.read();
  await server.health();
  await until("the whole flood", () => Promise.resolve(server.stdout().length >= 4_000_000));
});
