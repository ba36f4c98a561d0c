/** One fleet whose instances run as a process, as a container and in a cluster, driven by one control plane. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { shellImage as containerImage } from "../docker/docker_world.ts";
import { commandInstance, type ControlPlane } from "./support/control_plane.ts";
import type { ProgramLife } from "./support/program_life.ts";
import { type RedisFleet, withFleet } from "./support/redis_fleet.ts";
import { type DockerDaemon, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import {
  SHELL_IMAGE,
  type TestCluster,
  withTestCluster,
} from "../kubernetes/cluster/test_cluster.ts";
import { shellImage as podImage } from "../kubernetes/kubernetes_world.ts";

Deno.test.afterAll(stopDockerDaemon);

const INSTANCES = "/api/server/instances";
const IMAGES = { [SHELL_IMAGE]: { entrypoint: ["sh", "-c"] } };

/** The workers of a fleet, one a platform. */
async function workersOf(fleet: RedisFleet, daemon: DockerDaemon, cluster: TestCluster) {
  const { folder } = fleet;
  await Deno.writeTextFile(`${folder}/images.yaml`, "templates: [image]\n");
  await Deno.writeTextFile(`${folder}/kubeconfig`, cluster.kubeconfig);
  const heard = async (life: ProgramLife) => {
    await life.hears(/^ {2}Found +\d+/m);
    return life;
  };
  const args = (name: string) => [
    ...["--data-dir", `${folder}/${name}`, "--policy", `${folder}/images.yaml`],
    ...["--worker-id", name],
  ];
  return {
    process: () => fleet.worker("host-1"),
    docker: () =>
      heard(fleet.begin("worker:docker", args("docker-1"), { DOCKER_HOST: daemon.host })),
    kubernetes: () =>
      heard(
        fleet.begin(
          "worker:kubernetes",
          [...args("cluster-1"), "--cluster-namespace", cluster.namespace],
          { KUBECONFIG: `${folder}/kubeconfig` },
        ),
      ),
  };
}

/** Moves a stopped instance to each platform, and runs it there; what it leaves is gone each time. */
async function moveThroughAll(
  api: ControlPlane,
  id: string,
  daemon: DockerDaemon,
  cluster: TestCluster,
): Promise<void> {
  const image = { template: "image" };
  const places = [
    { platform: "Docker", ...image, serverConfiguration: containerImage("exec sleep 1000") },
    { platform: "AKS", ...image, serverConfiguration: podImage("exec sleep 1000") },
    {
      platform: "Process",
      template: "command",
      serverConfiguration: { command: ["sleep", "1000"] },
    },
  ];
  const marks = ["containerId", "podName", "processId"];
  for (const [index, place] of places.entries()) {
    const move = await api.call(`POST ${INSTANCES}/${id}/move`, place);
    assertEquals([move.status, move.json.status], [200, "Created"], move.json.detail);
    const { status, json } = await api.call(`POST ${INSTANCES}/${id}/start`);
    assertEquals(status, 200, json.detail);
    assert(json.runtimeInfo[marks[index]!], `it runs on ${place.platform}`);
    assertEquals((await api.call(`POST ${INSTANCES}/${id}/stop`)).status, 200);
    const containers = await daemon.docker("ps", "-aq");
    const sets = await cluster.api.list("statefulsets", cluster.namespace);
    assertEquals(
      [containers !== "", sets.length],
      [place.platform === "Docker", place.platform === "AKS" ? 1 : 0],
      "nothing of it is left where it was",
    );
  }
}

testWithDocker(
  "three platforms in one fleet: each start finds its worker, each server outlives it, and one moves from each to the next",
  (daemon) =>
    withTestCluster((cluster) =>
      withFleet(async (fleet) => {
        const api = await fleet.serve();
        const workers = await workersOf(fleet, daemon, cluster);
        const made = async (body: object) => (await api.call(`POST ${INSTANCES}`, body)).json;
        const image = (name: string, platform: string, serverConfiguration: object) =>
          made({ name, platform, template: "image", serverConfiguration });
        const instances = [
          await made(commandInstance("as a process", ["sleep", "1000"])),
          await image("as a container", "Docker", containerImage("exec sleep 1000")),
          await image("in a cluster", "AKS", podImage("exec sleep 1000")),
        ];
        assertEquals(instances.map(({ platform }) => platform), [
          "process",
          "docker",
          "kubernetes",
        ]);

        const lives = [await workers.process(), await workers.docker()];
        const alone = await api.call(`POST ${INSTANCES}/${instances[2].id}/start?timeout=1s`);
        assertEquals([alone.status, alone.json.error], [500, "Operation timed out"]);
        assertStringIncludes(
          alone.json.detail,
          "No worker for the platform kubernetes is running; there are workers for docker (docker-1) and process (",
        );
        lives.push(await workers.kubernetes());
        const starts = instances.map(({ id }) => api.call(`POST ${INSTANCES}/${id}/start`));
        const started = await Promise.all(starts);
        assertEquals(started.map(({ status }) => status), [200, 200, 200]);
        const infos = started.map(({ json }) => json.runtimeInfo);
        assert(infos[0].processId && infos[1].containerId && infos[2].podName);
        assertEquals(new Set(infos.map(({ site }) => site)).size, 3, "each is a site of its own");

        await Promise.all(lives.map((life) => life.end("SIGKILL")));
        await Promise.all([workers.process(), workers.docker(), workers.kubernetes()]);
        for (const [index, { id }] of instances.entries()) {
          const { json } = await api.call(`GET ${INSTANCES}/${id}`);
          assertEquals([json.status, json.runtimeInfo.runId], ["Running", infos[index].runId]);
        }
        for (const { id } of instances) {
          const stopped = await api.call(`POST ${INSTANCES}/${id}/stop`);
          assertEquals([stopped.status, stopped.json.runtimeInfo.status], [200, "Stopped"]);
        }
        const [{ id: moving }, ...others] = instances;
        for (const { id } of others) {
          assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
        }
        await moveThroughAll(api, moving, daemon, cluster);
        assertEquals((await api.call(`DELETE ${INSTANCES}/${moving}`)).status, 204);
        assertEquals(await daemon.docker("ps", "-aq"), "");
        assertEquals(await cluster.api.list("statefulsets", cluster.namespace), []);
        assertEquals(fleet.servers("host-1"), []);
      }), { images: IMAGES }),
);
