/** drasi-server as an image on a real daemon, with the stand-in in its place: what it gets, how it ends, what is told. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withFleet } from "../e2e/support/redis_fleet.ts";
import type { HealthReport } from "../../events/health.ts";
import type { JsonObject } from "../../events/json.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { NO_FENCE, type StartOutcome, type StartSpec } from "../../workers/platform.ts";
import { type DockerDaemon, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { freePort } from "../support/redis_server.ts";
import { eventually, failureOf } from "../workers/process_world.ts";
import { imageSpec } from "../support/image_spec.ts";
import { type DockerWorld, withDockerWorld } from "./docker_world.ts";
import { BROKEN_SOURCE, makeDrasiImage } from "./drasi_image.ts";

const IMAGE = "draas-test/drasi-server:1";
/** A source whose plugin the stand-in has. */
const SOURCE = { kind: "mock", id: "s-1" };

let made: Promise<void> | null = null;
Deno.test.afterAll(stopDockerDaemon);

function inWorld(sentence: string, test: (world: DockerWorld) => Promise<void>): void {
  testWithDocker(sentence, async (daemon: DockerDaemon) => {
    await (made ??= makeDrasiImage(daemon, IMAGE));
    await withDockerWorld(daemon, test, { drasiServerImage: IMAGE });
  });
}

function start(
  { platform }: DockerWorld,
  configuration: JsonObject,
  more: Partial<StartSpec> = {},
): Promise<StartOutcome> {
  const spec = imageSpec(configuration, { template: "drasi-server", ...more });
  return platform.start(spec, new AbortController().signal);
}

async function started(...asked: Parameters<typeof start>): Promise<RuntimeInfo> {
  const outcome = await start(...asked);
  if (outcome.kind === "running") return outcome.runtimeInfo;
  throw new Error(`expected it to run: ${JSON.stringify(outcome.failure)}`);
}

async function sourcesOf({ host, port }: RuntimeInfo): Promise<string[]> {
  const response = await fetch(`http://${host}:${port}/api/v1/instances/i-1/sources`);
  const { data } = await response.json();
  return data.map(({ id }: { id: string }) => id);
}

inWorld(
  "it starts with its configuration, is healthy, and a stop ends it in order",
  async (world) => {
    const reports: HealthReport[] = [];
    world.platform.onHealth((report) => reports.push(report));
    const port = freePort();
    const info = await started(world, { port, sources: [SOURCE] });
    assertEquals([info.host, info.port], ["127.0.0.1", port]);
    assertEquals(info.runtimeMetadata, { image: IMAGE });
    assert((await sourcesOf(info)).includes("s-1"), "its own source");
    await eventually("it is well", () => reports.some(({ health }) => health === "healthy"));
    const { runtimeInfo } = await world.platform.stop("i-1", NO_FENCE);
    assertEquals([runtimeInfo?.exit?.reason, runtimeInfo?.exit?.code], ["Stopped", 0]);
    const said = (await world.platform.logs("i-1", 50)).join("\n");
    assertStringIncludes(said, "Shutting down Drasi Server");
  },
);

inWorld("its user can write to its data, which outlives it, and to its plugins", async (world) => {
  const { daemon } = world;
  const first = await started(world, {});
  const inside = (id: string | undefined, script: string) =>
    daemon.docker("exec", id!, "/bin/sh", "-c", script);
  await inside(first.containerId, "echo kept > /app/data/kept; echo a > /app/plugins/a");
  const again = await started(world, {}, { fence: { generation: 2, attempt: 1 } })
    .catch((error: Error) => error.message);
  assertStringIncludes(String(again), "locked");
  await world.platform.stop("i-1", NO_FENCE);
  const second = await started(world, {}, { fence: { generation: 2, attempt: 1 } });
  const told = await inside(
    second.containerId,
    "read kept < /app/data/kept; echo $kept; test -e /app/plugins/a || echo empty",
  );
  assertEquals(told, "kept\nempty");
});

inWorld("a secret is in its environment, and in no file", async (world) => {
  await Deno.writeTextFile(`${world.secretsFolder}/db`, "hunter-2-hunter", { mode: 0o600 });
  const source = { ...SOURCE, password: "${secret:db}", url: "db://app:${secret:db}@host" };
  const { containerId } = await started(world, { sources: [source] });
  const script = 'while read -r line; do echo "$line"; done < /app/config/server.json; ' +
    'echo "$DRAAS_VALUE_0 $DRAAS_VALUE_1"';
  const said = await world.daemon.docker("exec", containerId!, "/bin/sh", "-c", script);
  assertStringIncludes(said, '"password": "${DRAAS_VALUE_0}"');
  assertStringIncludes(said, '"url": "${DRAAS_VALUE_1}"');
  const [, values] = /(\S+ \S+)$/.exec(said)!;
  assertEquals(values, "hunter-2-hunter db://app:hunter-2-hunter@host");
  assertEquals(said.split("hunter-2-hunter").length - 1, 2, "only in its environment");
});

inWorld("why its boot ends is told by its own words", async (world) => {
  const sources = [{ kind: "no-such-kind", id: "s-1" }];
  const { failure } = failureOf(await start(world, { sources }));
  assertEquals([failure.code, failure.retryable], ["plugins_missing", false]);
  assertStringIncludes(
    failure.message,
    "drasi-server lacks plugins that its configuration needs: source/no-such-kind (referenced by " +
      "source 's-1'). List them in plugins and set autoInstallPlugins. Its last output:\n",
  );
});

inWorld("a part that fails is told while the server is well", async (world) => {
  const reports: HealthReport[] = [];
  world.platform.onHealth((report) => reports.push(report));
  await started(world, { sources: [{ ...SOURCE, id: BROKEN_SOURCE }] });
  const report = await eventually(
    "it is told",
    () => reports.find(({ cause }) => cause === "components"),
  );
  assertEquals(report.health, "unhealthy");
  assertEquals(report.components?.map(({ kind, name, status }) => [kind, name, status]), [
    ["source", BROKEN_SOURCE, "Error"],
  ]);
});

testWithDocker(
  "a fleet runs it as it is asked for, from the image of the worker's setting",
  (daemon) =>
    withFleet(async (fleet) => {
      await (made ??= makeDrasiImage(daemon, IMAGE));
      const api = await fleet.serve();
      const policy = `${fleet.folder}/docker.yaml`;
      await Deno.writeTextFile(policy, "templates: [drasi-server]\n");
      const args = ["--data-dir", `${fleet.folder}/docker`, "--policy", policy];
      const environment = { DOCKER_HOST: daemon.host, DRASI_SERVER_IMAGE: IMAGE };
      await fleet.begin("worker:docker", args, environment).hears(/^ {2}Found +\d+/m);
      const instances = "/api/server/instances";
      const serverConfiguration = { sources: [SOURCE] };
      const wanted = { name: "orders", platform: "Docker", serverConfiguration };
      const { json, status } = await api.call(`POST ${instances}`, wanted);
      assertEquals([status, json.template], [201, "drasi-server"]);
      const started = await api.call(`POST ${instances}/${json.id}/start`);
      assertEquals(started.status, 200, JSON.stringify(started.json));
      const { runtimeInfo: { host, port, runtimeMetadata } } = started.json;
      assertEquals(runtimeMetadata, { image: IMAGE });
      const answer = await fetch(`http://${host}:${port}/api/v1/instances`);
      assertStringIncludes(await answer.text(), json.id);
      assertEquals((await api.call(`POST ${instances}/${json.id}/stop`)).status, 200);
      assertEquals((await api.call(`DELETE ${instances}/${json.id}`)).status, 204);
    }),
);
