/** An image that is not on the daemon is brought there, as long as that takes, and as long as the start is wanted. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { parseRegistries } from "../../workers/docker/registry_credentials.ts";
import { RegistryLogins } from "../../workers/docker/registry_logins.ts";
import { BUSYBOX, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { eventually, failureOf } from "../workers/process_world.ts";
import { imageSpec } from "../support/image_spec.ts";
import { shellImage, withDockerWorld } from "./docker_world.ts";
import { serveRegistry } from "./registry.ts";

Deno.test.afterAll(stopDockerDaemon);

const nobody = () => Promise.resolve({ kind: "none" } as const);

testWithDocker(
  "a start brings its image, tells how far it is, and asks afterwards whether it is still wanted",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform }) => {
      const served = Promise.withResolvers<void>();
      const registry = await serveRegistry(daemon, BUSYBOX, () => served.promise);
      const told: string[] = [];
      platform.onHealth(({ reason }) => told.push(reason ?? ""));
      let asked = 0;
      const spec = imageSpec({ ...shellImage("exec sleep 1000"), image: registry.image }, {
        // Long over when the image is here.
        spawnWithinMs: 4_000,
        renew: () => Promise.resolve(++asked > 0),
      });
      const starting = platform.start(spec, new AbortController().signal);
      await eventually(
        "it is pulled",
        () => told.some((words) => words.includes(": 0 of 1 layers")),
      );
      await new Promise((resolve) => setTimeout(resolve, 4_100));
      served.resolve();
      const outcome = await starting;
      assertEquals([outcome.kind, asked], ["running", 1], JSON.stringify(outcome));
      assert(
        told.some((words) => words.startsWith(`pulling ${registry.image}: `)),
        told.join("; "),
      );
      await registry.close();
    }),
);

testWithDocker(
  "a start that has become another's while its image was brought starts nothing",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform }) => {
      const registry = await serveRegistry(daemon, BUSYBOX);
      const spec = imageSpec({ ...shellImage("exec sleep 1000"), image: registry.image }, {
        renew: () => Promise.resolve(false),
      });
      const { failure } = failureOf(await platform.start(spec, new AbortController().signal));
      assertEquals(failure.code, "spawn_too_late");
      assertEquals(await platform.inspect("i-1"), null);
      await registry.close();
    }),
);

testWithDocker(
  "a stop breaks off a pull that takes long",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform }) => {
      const served = Promise.withResolvers<void>();
      const registry = await serveRegistry(daemon, BUSYBOX, () => served.promise);
      const told: string[] = [];
      platform.onHealth(({ reason }) => told.push(reason ?? ""));
      const abort = new AbortController();
      const spec = imageSpec({ ...shellImage("exec sleep 1000"), image: registry.image });
      const starting = platform.start(spec, abort.signal);
      await eventually("it is pulled", () => told.some((words) => words.includes("pulling ")));
      abort.abort();
      assertStringIncludes(failureOf(await starting).failure.message, "cancelled");
      assertEquals((await platform.stop("i-1", NO_FENCE)).kind, "stopped");
      served.resolve();
      await registry.close();
    }),
);

testWithDocker(
  "a layer that comes broken is told with the daemon's words, after one pull",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform }) => {
      let served = 0;
      const registry = await serveRegistry(daemon, BUSYBOX, async () => {
        served++;
        return "broken";
      });
      const spec = imageSpec({ ...shellImage("exec sleep 1000"), image: registry.image });
      const { failure } = failureOf(await platform.start(spec, new AbortController().signal));
      assertEquals([failure.code, failure.retryable, served], ["image_unavailable", true, 1]);
      assertStringIncludes(failure.message, "verification failed");
      await registry.close();
    }),
);

testWithDocker(
  "a private registry is asked as who this host is, and another host is told why not",
  (daemon) =>
    withDockerWorld(daemon, async ({ platform, reopen }) => {
      const registry = await serveRegistry(daemon, BUSYBOX, undefined, "app:s3cret");
      const spec = imageSpec({ ...shellImage("exec sleep 1000"), image: registry.image });
      const { signal } = new AbortController();
      const { failure } = failureOf(await platform.start(spec, signal));
      assertEquals(failure.code, "image_unavailable");
      const [host = ""] = registry.image.split("/");
      const file = JSON.stringify({ auths: { [host]: { auth: btoa("app:s3cret") } } });
      const known = await reopen({ logins: new RegistryLogins(parseRegistries(file)!, nobody) });
      const outcome = await known.start({ ...spec, runId: "known" }, signal);
      assertEquals(outcome.kind, "running", JSON.stringify(outcome));
      await registry.close();
    }),
);
