/** `kill -9` of a docker worker around each call that changes something, and each time that it talks to the log. */
import { shellImage } from "../docker/docker_world.ts";
import type { RedisFleet } from "../e2e/support/redis_fleet.ts";
import { type DockerDaemon, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { spyUnixSocket } from "../support/spied_way.ts";
import { callMoment, type KillMoment, type KillWorld, workerKills } from "./worker_kills.ts";

Deno.test.afterAll(stopDockerDaemon);

const CREATE = { is: "its container is made", method: "POST", path: /\/containers\/create/ };
const START = {
  is: "its container is started",
  method: "POST",
  path: /\/containers\/[0-9a-f]+\/start/,
};
const MARK = {
  is: "the end of its container is marked",
  method: "POST",
  path: /\/volumes\/create/,
};
const SIGNAL = {
  is: "its container is signalled",
  method: "POST",
  path: /\/containers\/[0-9a-f]+\/kill/,
};

const OWN: readonly KillMoment[] = [
  callMoment("start", "before", CREATE),
  callMoment("start", "after", CREATE),
  callMoment("start", "before", START),
  callMoment("start", "after", START),
  callMoment("stop", "before", MARK),
  callMoment("stop", "before", SIGNAL),
  callMoment("stop", "after", SIGNAL),
  callMoment("restart", "after", SIGNAL),
  callMoment("restart", "after", START),
];

function worldOf(daemon: DockerDaemon) {
  return async (fleet: RedisFleet): Promise<KillWorld> => {
    const policy = `${fleet.folder}/docker.yaml`;
    await Deno.writeTextFile(policy, "templates: [image]\n");
    const path = daemon.host.slice("unix://".length);
    const listed = async (...options: string[]) =>
      (await daemon.docker("ps", ...options)).split("\n").filter((id) => id);
    let spies = 0;
    return {
      async begin(environment) {
        const args = ["--data-dir", `${fleet.folder}/docker`, "--policy", policy];
        const settings = { DOCKER_HOST: daemon.host, ...environment };
        const life = fleet.begin("worker:docker", args, settings);
        await life.hears(/^ {2}Found +\d+/m);
        return life;
      },
      async spyRuntime(spy) {
        const own = `${fleet.folder}/spied-${spies++}.sock`;
        const way = spyUnixSocket(own, path, spy.moment, spy.act);
        return { way, environment: { DOCKER_HOST: `unix://${own}` } };
      },
      instance: (name) => ({
        name,
        platform: "Docker",
        template: "image",
        restartPolicy: { mode: "never" },
        serverConfiguration: shellImage("exec sleep 1000"),
      }),
      running: () => listed("-q", "--no-trunc"),
      nameOf: ({ containerId = "" }) => containerId,
      remains: () => listed("-aq"),
    };
  };
}

workerKills(
  "docker",
  OWN,
  (sentence, run) => testWithDocker(sentence, (daemon) => run(worldOf(daemon))),
);
