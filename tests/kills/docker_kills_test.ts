/** `kill -9` of a docker worker around each call that changes something, and each time that it talks to the log. */
import { shellImage } from "../docker/docker_world.ts";
import type { RedisFleet } from "../e2e/support/redis_fleet.ts";
import { type DockerDaemon, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { httpMoment, spyUnixSocket } from "../support/spied_way.ts";
import { type KillMoment, type KillWorld, workerKills } from "./worker_kills.ts";

Deno.test.afterAll(stopDockerDaemon);

const CREATE = ["its container is made", /\/containers\/create/] as const;
const START = ["its container is started", /\/containers\/[0-9a-f]+\/start/] as const;
const MARK = ["the end of its container is marked", /\/volumes\/create/] as const;
const SIGNAL = ["its container is signalled", /\/containers\/[0-9a-f]+\/kill/] as const;

function point(
  during: KillMoment["during"],
  when: "before" | "after",
  [call, path]: readonly [string, RegExp],
): KillMoment {
  const moment = httpMoment(when, "POST", path);
  return { during, at: `${when} ${call}`, moment, way: "runtime" };
}

const OWN: readonly KillMoment[] = [
  point("start", "before", CREATE),
  point("start", "after", CREATE),
  point("start", "before", START),
  point("start", "after", START),
  point("stop", "before", MARK),
  point("stop", "before", SIGNAL),
  point("stop", "after", SIGNAL),
  point("restart", "after", SIGNAL),
  point("restart", "after", START),
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
