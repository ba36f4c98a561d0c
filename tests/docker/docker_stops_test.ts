/** What stops and deletes end and remove, and what they leave alone, on a real daemon. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DockerPlatform } from "../../workers/docker/docker_platform.ts";
import { BUSYBOX, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { eventually, failureOf } from "../workers/process_world.ts";
import { imageSpec } from "../support/image_spec.ts";
import { shellImage, withDockerWorld } from "./docker_world.ts";

Deno.test.afterAll(stopDockerDaemon);

const NEVER = new AbortController().signal;
const steady = shellImage("exec sleep 1000");

async function startedRun(platform: DockerPlatform, generation: number): Promise<string> {
  const spec = imageSpec(steady, { fence: { generation, attempt: 1 } });
  const outcome = await platform.start(spec, NEVER);
  assertEquals(outcome.kind, "running", JSON.stringify(outcome));
  return spec.runId;
}

testWithDocker(
  "a stop that was overtaken leaves a newer run alone, and a delete does not",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform }) => {
      const runId = await startedRun(platform, 5);
      const late = await platform.stop("i-1", { generation: 4, attempt: 9 });
      assert(late.kind === "failed");
      assertEquals([late.failure.code, late.runtimeInfo?.runId], ["stale_generation", runId]);
      assertEquals((await platform.inspect("i-1"))?.status, "Running");
      assertEquals((await platform.stop("i-1", { generation: 5, attempt: 0 })).kind, "stopped");
      await startedRun(platform, 6);
      assertEquals((await platform.remove("i-1", { generation: 4, attempt: 1 })).kind, "stopped");
      assertEquals(await platform.inspect("i-1"), null);
    }),
);

testWithDocker(
  "a delete that leaves data behind says so, and does it when it is asked again",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform, namespace }) => {
      const volumes = [{ name: "data", path: "/data" }];
      const fence = { generation: 2, attempt: 1 };
      await platform.start(imageSpec(shellImage("exec sleep 1000", { volumes })), NEVER);
      const volume = `draas.${namespace}.i-1.data.data`;
      const user = await daemon.docker("run", "-d", "-v", `${volume}:/x`, BUSYBOX, "sleep", "1000");
      const outcome = await platform.remove("i-1", fence);
      assert(outcome.kind === "failed");
      const { code, message, retryable } = outcome.failure;
      assertEquals([code, retryable], ["still_there", true]);
      assertStringIncludes(message, `volume ${volume}`);
      const late = await platform.start(imageSpec(steady), NEVER);
      assertEquals(failureOf(late).failure.code, "stale_generation", "the marks go last");
      await daemon.docker("rm", "-f", user);
      assertEquals((await platform.remove("i-1", fence)).kind, "stopped");
      const filter = `label=draas.namespace=${namespace}`;
      assertEquals(await daemon.docker("volume", "ls", "-q", "--filter", filter), "");
    }),
);

testWithDocker(
  "a start that was aborted is shown as stopped, not as a crash",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform }) => {
      const abort = new AbortController();
      const readiness = { command: ["sh", "-c", "exit 1"] };
      const spec = imageSpec(shellImage("exec sleep 1000", { readiness }));
      const starting = platform.start(spec, abort.signal);
      await eventually("it runs", async () => await platform.inspect("i-1") !== null);
      abort.abort();
      assertEquals(failureOf(await starting).failure.code, "aborted");
      const { exit } = (await platform.inspect("i-1"))!;
      assert(exit?.reason === "Stopped" || exit?.reason === "Killed", JSON.stringify(exit));
    }),
);
