/** The `drasi-server` template on the process platform, with the built-in stand-in as its binary. */
import { NO_FENCE } from "../../workers/platform.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DrasiServerOptions } from "../../workers/process/process_host.ts";
import { failureOf, fileText, isRunning, started, startIt, withWorld } from "./process_world.ts";

const entry = new URL("../../workers/templates/stand_in/main.ts", import.meta.url).pathname;
const standInCommand = [Deno.execPath(), "run", "--allow-all", "--no-check", entry];
const template = "drasi-server" as const;
const withStandIn = {
  // The test runner's own, for the cache of modules.
  hostEnvironment: Deno.env.toObject(),
  drasiServer: {
    drasiServerBin: null,
    standIn: "auto",
    standInCommand,
  } satisfies DrasiServerOptions,
};

Deno.test("a stand-in starts on a picked port, says what it is, and is stopped gracefully", () =>
  withWorld(async ({ platform }) => {
    const info = await started(platform, {}, { template });
    assertEquals(info.runtimeMetadata, { standIn: "true" });
    assertEquals(info.host, "127.0.0.1");
    const answer = await fetch(`http://127.0.0.1:${info.port}/api/v1/instances`);
    assertStringIncludes(await answer.text(), '"i-1"');
    const { runtimeInfo } = await platform.stop("i-1", NO_FENCE);
    assertEquals([runtimeInfo?.exit?.reason, runtimeInfo?.exit?.code], ["Stopped", 0]);
  }, withStandIn));

Deno.test("without a binary or a stand-in the failure says what to install or to set", () =>
  withWorld(async ({ platform }) => {
    const { failure } = failureOf(await startIt(platform, {}, { template }));
    assertEquals([failure.code, failure.retryable], ["binary_missing", false]);
    assertStringIncludes(failure.message, "Install drasi-server, or set DRASI_SERVER_BIN");
  }));

Deno.test("an explicit binary that is missing is never replaced by a stand-in", () =>
  withWorld(async ({ platform }) => {
    const { failure } = failureOf(await startIt(platform, {}, { template }));
    assertEquals([failure.code, failure.retryable], ["binary_missing", false]);
    assertStringIncludes(failure.message, "/opt/none/drasi-server");
  }, { drasiServer: { ...withStandIn.drasiServer, drasiServerBin: "/opt/none/drasi-server" } }));

Deno.test("every fault of a configuration is said in one message", () =>
  withWorld(async ({ platform }) => {
    const configuration = { host: "invalid", port: -1 };
    const { failure } = failureOf(await startIt(platform, configuration, { template }));
    assertEquals([failure.code, failure.retryable], ["configuration_invalid", false]);
    assertEquals(
      failure.message,
      "Configuration is invalid: host: must be an IPv4 address or localhost; " +
        "port: must be a whole number from 1 to 65535",
    );
  }, withStandIn));

Deno.test("a server whose boot fails tells its last lines", () =>
  withWorld(async ({ platform }) => {
    const configuration = { sources: [{ kind: "no-such-kind", id: "s-1" }] };
    const { failure } = failureOf(await startIt(platform, configuration, { template }));
    assertEquals(failure.code, "exited_at_once");
    assertStringIncludes(failure.message, "Missing plugins");
  }, withStandIn));

Deno.test("a stranger that answers on the port is not taken for the server", () =>
  withWorld(async ({ platform, folder, dataFolder }) => {
    // Healthy, but it lists another instance: as a server with a default configuration would.
    const stranger = "const port = Number(Deno.args.at(-1)); Deno.serve({ port, " +
      "hostname: '127.0.0.1' }, () => Response.json({ data: [{ id: 'another' }] }))";
    await Deno.writeTextFile(`${dataFolder}/stranger.ts`, stranger);
    const abort = new AbortController();
    const starting = platform.start({
      instanceId: "i-1",
      runId: "r-1",
      fence: { generation: 1, attempt: 1 },
      template,
      configuration: {},
      spawnWithinMs: 10_000,
    }, abort.signal);
    await fileText(`${folder()}/logs/stderr.log`);
    const info = await platform.inspect("i-1");
    const early = await Promise.race([
      starting,
      new Promise((resolve) => setTimeout(() => resolve("still starting"), 1_000)),
    ]);
    assertEquals(early, "still starting");
    abort.abort();
    assertEquals(failureOf(await starting).failure.code, "aborted");
    assert(!await isRunning(info?.processId), "it was ended");
  }, {
    drasiServer: {
      drasiServerBin: null,
      standIn: "auto",
      standInCommand: ["sh", "-c", `exec '${Deno.execPath()}' run -A ../../stranger.ts "$@"`, "sh"],
    },
  }));
