/** The `drasi-server` template on the process platform, with the built-in stand-in as its binary. */
import { NO_FENCE } from "../../workers/platform.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DrasiServerOptions } from "../../workers/process/process_host.ts";
import { ProgramReleases } from "../../workers/process/program_releases.ts";
import {
  failureOf,
  fileText,
  isRunning,
  realClock,
  started,
  startIt,
  withWorld,
} from "./process_world.ts";

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
    assertEquals([failure.code, failure.retryable], ["plugins_missing", false]);
    assertStringIncludes(
      failure.message,
      "drasi-server lacks plugins that its configuration needs: " +
        "source/no-such-kind (referenced by source 's-1'). Install them",
    );
    assertStringIncludes(failure.message, "Its last output:\n");
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

/** Runs `test` with a binary that is the stand-in under another name, in a folder of its own. */
async function withBinary(test: (binary: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-binary-" });
  try {
    const binary = `${folder}/drasi-server`;
    const script = `#!/bin/sh\nexec ${standInCommand.map((word) => `'${word}'`).join(" ")} "$@"\n`;
    await Deno.writeTextFile(binary, script, { mode: 0o700 });
    await test(binary);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is told of a run of this binary, and where it said that its plugins are. */
async function ranWith(drasiServer: DrasiServerOptions): Promise<[unknown, string | undefined]> {
  let told: [unknown, string | undefined] = [null, undefined];
  await withWorld(async ({ platform }) => {
    const { runtimeMetadata, instanceId } = await started(platform, {}, { template });
    const log = (await platform.logs(instanceId, 200)).join("\n");
    const place = /Plugins directory: (.*)/.exec(log)?.[1];
    told = [runtimeMetadata, place];
  }, { ...withStandIn, drasiServer });
  return told;
}

Deno.test("a binary shows its release, and that it is a stand-in where it says so", () =>
  withBinary(async (drasiServerBin) => {
    const options = { drasiServerBin, standIn: "never" as const, standInCommand: null };
    const release = { standIn: "true", version: "0.1.0" };
    assertEquals(await ranWith(options), [release, "plugins"]);
    assertEquals(await ranWith({ ...options, pluginsFolder: "/opt/p" }), [release, "/opt/p"]);
    await Deno.mkdir(drasiServerBin.replace(/[^/]*$/, "plugins"));
    const [, place] = await ranWith(options);
    assert(place?.startsWith("/"), `the binary's own choice: ${place}`);
  }));

Deno.test("a binary that tells no release, and one that was replaced, are asked for it all the same", () =>
  withBinary(async (binary) => {
    const releases = new ProgramReleases(realClock, Deno.env.get("PATH") ?? "");
    await Deno.writeTextFile(binary, "#!/bin/sh\nexit 1\n");
    assertEquals(await releases.of(binary), null);
    await Deno.writeTextFile(binary, "#!/bin/sh\necho drasi-server 0.2.2; echo rustc 1.90\n");
    assertEquals(await releases.of(binary), { version: "0.2.2", isStandIn: false });
  }));
