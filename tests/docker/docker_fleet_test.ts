/** One fleet on a real Redis whose instances run as processes and as containers at once. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commandInstance } from "../e2e/support/control_plane.ts";
import type { ProgramLife } from "../e2e/support/program_life.ts";
import { type RedisFleet, withFleet } from "../e2e/support/redis_fleet.ts";
import type { JsonObject } from "../../events/json.ts";
import { type DockerDaemon, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { eventually } from "../workers/process_world.ts";
import { shellImage } from "./docker_world.ts";

Deno.test.afterAll(stopDockerDaemon);

const INSTANCES = "/api/server/instances";
const POLICY = "templates: [image]\n";

async function dockerWorker(
  fleet: RedisFleet,
  daemon: DockerDaemon,
  folder = "docker",
): Promise<ProgramLife> {
  const policy = `${fleet.folder}/docker.yaml`;
  await Deno.writeTextFile(policy, POLICY);
  const args = ["--data-dir", `${fleet.folder}/${folder}`, "--policy", policy];
  const life = fleet.begin("worker:docker", args, { DOCKER_HOST: daemon.host });
  await life.hears(/^ {2}Found +\d+/m);
  return life;
}

function container(name: string, script: string, more: JsonObject = {}) {
  const serverConfiguration = shellImage(script, more);
  return { name, platform: "Docker", template: "image", serverConfiguration };
}

testWithDocker(
  "an instance lives as a container over the kill of its worker, and one as a process beside it",
  (daemon) =>
    withFleet(async (fleet) => {
      const api = await fleet.serve();
      const first = await dockerWorker(fleet, daemon);
      assertStringIncludes(first.output, `images as containers of Docker at ${daemon.host}`);
      await Deno.writeTextFile(`${fleet.folder}/process.yaml`, "templates: [command]\n");
      await fleet.worker("w", ["--policy", `${fleet.folder}/process.yaml`]);

      const made = await api.call(
        `POST ${INSTANCES}`,
        container("in-a-container", "echo hello; exec sleep 1000"),
      );
      assertEquals([made.status, made.json.platform], [201, "docker"]);
      const { id } = made.json;
      const started = await api.call(`POST ${INSTANCES}/${id}/start`);
      assertEquals(started.status, 200, JSON.stringify(started.json));
      const { containerId } = started.json.runtimeInfo;
      assert(/^[0-9a-f]{64}$/.test(containerId));
      const beside = await api.call(
        `POST ${INSTANCES}`,
        commandInstance("beside", ["sleep", "1000"]),
      );
      const process = await api.call(`POST ${INSTANCES}/${beside.json.id}/start`);
      assert(process.json.runtimeInfo.processId !== undefined);

      await first.end("SIGKILL");
      const second = await dockerWorker(fleet, daemon);
      assertStringIncludes(second.output, "Found  1 server running");
      const shown = await api.call(`GET ${INSTANCES}/${id}`);
      assertEquals([shown.json.status, shown.json.runtimeInfo.containerId], [
        "Running",
        containerId,
      ]);

      await daemon.docker("kill", containerId);
      const again = await eventually("its restart policy starts it again", async () => {
        const { json } = await api.call(`GET ${INSTANCES}/${id}`);
        return json.status === "Running" && json.runtimeInfo.containerId !== containerId && json;
      });
      assertEquals(again.restarts, 1);
      const stopped = await api.call(`POST ${INSTANCES}/${id}/stop`);
      assertEquals([stopped.status, stopped.json.runtimeInfo.status], [200, "Stopped"]);
      assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
      assertEquals(await daemon.docker("ps", "-aq"), "");
    }),
);

testWithDocker(
  "a slow start by one worker of a daemon is left alone by another one that begins meanwhile",
  (daemon) =>
    withFleet(async (fleet) => {
      const api = await fleet.serve();
      await dockerWorker(fleet, daemon, "first");
      const readiness = { logLine: { contains: "ready" }, withinMs: 60_000 };
      const slow = container("slow", "sleep 6; echo ready; exec sleep 1000", { readiness });
      const { json: { id } } = await api.call(`POST ${INSTANCES}`, slow);
      const starting = api.call(`POST ${INSTANCES}/${id}/start?timeout=60s`);
      const made = await eventually(
        "its container runs",
        async () => await daemon.docker("ps", "-q") || null,
      );
      await dockerWorker(fleet, daemon, "second");
      assertEquals(await daemon.docker("ps", "-q"), made);
      const { status, json } = await starting;
      assertEquals([status, json.runtimeInfo?.containerId?.slice(0, 12)], [200, made]);
      assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
    }),
);

testWithDocker(
  "where no worker runs containers, a start says so; a worker whose host says nothing refuses",
  (daemon) =>
    withFleet(async (fleet) => {
      const api = await fleet.serve(["--command-timeout-ms", "1000"]);
      const { json: { id } } = await api.call(`POST ${INSTANCES}`, container("one", "sleep 9"));
      const alone = await api.call(`POST ${INSTANCES}/${id}/start`);
      assertEquals([alone.status, alone.json.error], [500, "Operation timed out"]);
      const silent = fleet.begin("worker:docker", ["--data-dir", `${fleet.folder}/d`], {
        DOCKER_HOST: daemon.host,
      });
      await silent.hears(/^ {2}Found +\d+/m);
      const refused = await api.call(`POST ${INSTANCES}/${id}/start`);
      assertStringIncludes(
        refused.json.error,
        'rule "templates": this host runs no image; it runs none',
      );
    }),
);

testWithDocker(
  "a daemon that is not there, or no address, ends the worker with what to do",
  () =>
    withFleet(async (fleet) => {
      const begin = (host: string) =>
        fleet.begin("worker:docker", ["--data-dir", `${fleet.folder}/d`, "--redis-wait", "0s"], {
          DOCKER_HOST: host,
        }).ended;
      const away = await begin(`unix://${fleet.folder}/none.sock`);
      assertEquals(away.code, 1);
      assertStringIncludes(
        away.stderr,
        `the Docker daemon at unix://${fleet.folder}/none.sock does not answer`,
      );
      const wrong = await begin("ssh://-oProxyCommand=id");
      assertEquals(wrong.code, 2);
      assertStringIncludes(
        wrong.stderr,
        'DOCKER_HOST "ssh://-oProxyCommand=id" is not an address that a worker can use.',
      );
    }),
);
