/** `kill -9` of a docker worker around each call that changes something: never two containers, none orphaned, the right end. */
import { assertEquals } from "@std/assert";
import type { ProgramLife } from "../e2e/support/program_life.ts";
import { withFleet } from "../e2e/support/redis_fleet.ts";
import { stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { shellImage } from "./docker_world.ts";
import { type Moment, spySocket } from "./spied_socket.ts";

Deno.test.afterAll(stopDockerDaemon);

const INSTANCES = "/api/server/instances";
/** More than once by `DRAAS_TEST_ROUNDS=17 deno task test tests/docker/docker_kills_test.ts`. */
const ROUNDS = Number(Deno.env.get("DRAAS_TEST_ROUNDS") ?? 1);

const CREATE = { call: "its container is made", method: "POST", path: /\/containers\/create/ };
const START = { call: "it is started", method: "POST", path: /\/containers\/[0-9a-f]+\/start/ };
const MARK = { call: "its end is marked", method: "POST", path: /\/volumes\/create/ };
const SIGNAL = { call: "it is signalled", method: "POST", path: /\/containers\/[0-9a-f]+\/kill/ };

interface NamedMoment extends Moment {
  call: string;
  during: "start" | "stop" | "restart";
}

const MOMENTS: readonly NamedMoment[] = [
  { during: "start", when: "before", ...CREATE },
  { during: "start", when: "after", ...CREATE },
  { during: "start", when: "before", ...START },
  { during: "start", when: "after", ...START },
  { during: "stop", when: "before", ...MARK },
  { during: "stop", when: "before", ...SIGNAL },
  { during: "stop", when: "after", ...SIGNAL },
  { during: "restart", when: "after", ...SIGNAL },
  { during: "restart", when: "after", ...START },
];

for (const { during, ...moment } of MOMENTS) {
  const call = String(moment.path).replace(/[\\/^$+[\]]/g, " ").replace(" 0-9a-f", "…").trim();
  testWithDocker(
    `killed ${moment.when} ${call}, during a ${during}`,
    (daemon) =>
      withFleet(async (fleet) => {
        const api = await fleet.serve();
        const policy = `${fleet.folder}/docker.yaml`;
        await Deno.writeTextFile(policy, "templates: [image]\n");
        const worker = async (socket: string): Promise<ProgramLife> => {
          const args = ["--data-dir", `${fleet.folder}/docker`, "--policy", policy];
          const life = fleet.begin("worker:docker", args, { DOCKER_HOST: `unix://${socket}` });
          await life.hears(/^ {2}Found +\d+/m);
          return life;
        };
        const own = daemon.host.slice("unix://".length);
        const running = async () =>
          (await daemon.docker("ps", "-q")).split("\n").filter((id) => id);
        for (let round = 0; round < ROUNDS; round++) {
          const { json: { id } } = await api.call(`POST ${INSTANCES}`, {
            name: `round-${round}`,
            platform: "Docker",
            template: "image",
            restartPolicy: { mode: "never" },
            serverConfiguration: shellImage("exec sleep 1000"),
          });
          if (during !== "start") {
            const first = await worker(own);
            assertEquals((await api.call(`POST ${INSTANCES}/${id}/start`)).status, 200);
            await first.end("SIGTERM");
          }
          let victim: ProgramLife | null = null;
          const spied = spySocket(
            `${fleet.folder}/spied-${round}.sock`,
            own,
            moment,
            async () => await victim!.end("SIGKILL"),
          );
          victim = await worker(spied.path);
          const answer = api.call(`POST ${INSTANCES}/${id}/${during}?timeout=40s`);
          await spied.hit;
          const next = await worker(own);
          const { status, json } = await answer;
          assertEquals(status, 200, JSON.stringify(json));
          const shown = await api.call(`GET ${INSTANCES}/${id}`);
          const live = await running();
          if (during === "stop") assertEquals([shown.json.status, live], ["Stopped", []]);
          else {
            assertEquals(shown.json.status, "Running");
            assertEquals(live, [shown.json.runtimeInfo.containerId.slice(0, 12)]);
          }
          assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
          assertEquals(await daemon.docker("ps", "-aq"), "", "nothing is left");
          await next.end("SIGTERM");
          await spied.close();
        }
      }),
  );
}
