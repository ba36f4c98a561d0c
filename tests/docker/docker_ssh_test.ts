/** A daemon that is reached over SSH, by a real sshd: as a worker beside another host's daemon does that has no TLS. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import { parseDockerHost } from "../../workers/docker/docker_address.ts";
import { openDocker } from "../../workers/docker/docker_platform.ts";
import { DockerodeEngine } from "../../workers/docker/dockerode_engine.ts";
import { EngineCalls } from "../../workers/docker/engine_calls.ts";
import { openSshWay, sshArguments, sshFailure } from "../../workers/docker/ssh_way.ts";
import { withFleet } from "../e2e/support/redis_fleet.ts";
import { startDockerDaemon, stopDockerDaemon } from "../support/docker_daemon.ts";
import { startSshHost } from "../support/ssh_host.ts";
import { testWith } from "../support/tools.ts";
import { eventually, realClock } from "../workers/process_world.ts";
import { shellImage } from "./docker_world.ts";

Deno.test.afterAll(stopDockerDaemon);

const INSTANCES = "/api/server/instances";
/** As docs/security.md recommends. */
const ONLY_DOCKER = 'restrict,command="docker system dial-stdio"';
const TO = { user: null, host: "far", port: null, socketPath: null };

testWith(
  ["dockerd", "docker", "busybox", "tar", "redis-server", "ssh", "sshd"],
  "a worker runs images on a daemon over ssh, and says in ssh's own words why it cannot",
  () =>
    withFleet(async (fleet) => {
      const { folder } = fleet;
      const daemon = await startDockerDaemon();
      const far = await startSshHost({ DOCKER_HOST: daemon.host }, `${ONLY_DOCKER} `);
      try {
        await Deno.writeTextFile(`${folder}/worker.yaml`, "templates: [image]\n");
        const begin = (...args: string[]) =>
          fleet.begin("worker:docker", [
            ...["--data-dir", `${folder}/docker`, "--policy", `${folder}/worker.yaml`, ...args],
          ], {
            DOCKER_HOST: `ssh://127.0.0.1:${far.port}`,
            PATH: `${far.bin}:${Deno.env.get("PATH")}`,
          });
        const refusal = async () => {
          const { code, stderr } = await begin("--redis-wait", "0s").ended;
          assertEquals(code, 1, stderr);
          return stderr;
        };
        await far.authorize(false);
        const refused = await refusal();
        assertStringIncludes(refused, "Permission denied (publickey)");
        assertStringIncludes(refused, "Give the worker's user a key");
        await far.authorize(true);
        await far.know(false);
        assertStringIncludes(await refusal(), "Host key verification failed");
        await far.know(true);

        const api = await fleet.serve();
        const first = begin();
        await first.hears(/^ {2}Found +\d+/m);
        assertEquals((await Deno.stat(`${folder}/docker/ssh`)).mode! & 0o777, 0o700);
        const { json: { id } } = await api.call(`POST ${INSTANCES}`, {
          name: "far",
          platform: "Docker",
          template: "image",
          serverConfiguration: shellImage("echo hello; exec httpd -f -p 8080 -h /etc", {
            ports: [{ port: 8080 }],
            readiness: { http: { path: "/passwd" } },
          }),
        });
        const { status, json } = await api.call(`POST ${INSTANCES}/${id}/start`);
        assertEquals([status, json.runtimeInfo?.status], [200, "Running"], JSON.stringify(json));
        const { json: logs } = await api.call(`GET ${INSTANCES}/${id}/logs`);
        assertStringIncludes(JSON.stringify(logs), "hello");

        await first.end("SIGKILL");
        await eventually("no ssh outlives it", async () => (await far.logins()).present === 0);
        const worker = begin();
        await worker.hears(/^ {2}Found +1 server running/m);
        assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
        assertEquals((await worker.end("SIGTERM")).code, 0);
        await eventually("no ssh is left", async () => (await far.logins()).present === 0);
        assertEquals([...Deno.readDirSync(`${folder}/docker/ssh`)], []);
      } finally {
        await far.stop();
      }
    }),
);

testWith(
  ["dockerd", "docker", "busybox", "tar", "ssh", "sshd"],
  "more calls at once than an sshd takes logins wait their turn, and a failure is over with the next success",
  async () => {
    const daemon = await startDockerDaemon();
    const far = await startSshHost({});
    const folder = await Deno.makeTempDir({ prefix: "draas-way-" });
    const path = daemon.host.slice("unix://".length);
    const address = parseDockerHost(`ssh://root@127.0.0.1:${far.port}${path}`)!;
    const way = await openSshWay({
      to: address.ssh!,
      folder: `${folder}/ssh`,
      environment: { ...Deno.env.toObject(), PATH: `${far.bin}:${Deno.env.get("PATH")}` },
      clock: realClock,
    });
    try {
      const engine = () => {
        const calls = new EngineCalls(address.text, realClock, way);
        return new DockerodeEngine(openDocker(address, null, way), calls, "127.0.0.1", "test");
      };
      await far.authorize(false);
      const failure = await assertRejects(() => engine().identity(), OperationalError);
      assertEquals([failure.code, failure.retryable], ["docker_unreachable", true]);
      assertStringIncludes(failure.message, "Permission denied (publickey)");
      await far.authorize(true);
      const asked = Array.from({ length: 40 }, () => engine().list(null));
      assertEquals(await Promise.all(asked), asked.map(() => []));
      assertEquals(way.failure(), null);
      assert((await far.logins()).ever > 10, "they did come at once");
    } finally {
      await way.close();
      await far.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

Deno.test("an address over ssh is a user, a host, a port and a socket, and never an option of ssh or a shell's word", () => {
  const sshOf = (text: string) => parseDockerHost(text)?.ssh;
  assertEquals(parseDockerHost("ssh://far"), {
    text: "ssh://far",
    socketPath: null,
    host: null,
    port: null,
    ssh: TO,
    publishedAt: "far",
  });
  assertEquals(sshOf("ssh://far/"), TO);
  assertEquals(sshOf("ssh://me@far.example.com:2222/run/user/1000/docker.sock"), {
    user: "me",
    host: "far.example.com",
    port: 2222,
    socketPath: "/run/user/1000/docker.sock",
  });
  const wrong = [
    ...["ssh://", "ssh://-oProxyCommand=id", "ssh://-l@far", "ssh://me@-far", "ssh://me:word@far"],
    ...[
      "ssh://far:0",
      "ssh://far:65536",
      "ssh://far:",
      "ssh://fa r",
      "ssh://far;id",
      "ssh://far\n",
    ],
    ...[
      "ssh://far/a b",
      "ssh://far/$(id)",
      "ssh://far/;id",
      "ssh://@far",
      "ssh://far?x",
      "ssh://f@r@o",
    ],
  ];
  assertEquals(wrong.map(parseDockerHost), wrong.map(() => null));
});

Deno.test("ssh is given the host behind its options, and asks nobody anything", () => {
  assertEquals(
    sshArguments({ user: "me", host: "far", port: 2222, socketPath: "/run/d.sock" }).join(" "),
    "-T -o BatchMode=yes -o ConnectTimeout=10 -l me -p 2222 -- far docker --host unix:///run/d.sock system dial-stdio",
  );
  assertEquals(
    sshArguments(TO).join(" "),
    "-T -o BatchMode=yes -o ConnectTimeout=10 -- far docker system dial-stdio",
  );
});

Deno.test("the last words of ssh are told with what to do, without what a terminal would obey", () => {
  const told = (printed: string) => sshFailure(printed, 255, { ...TO, user: "me", port: 22 });
  const refused = told("Warning: added\r\nme@far: \u001b[31mPermission denied (publickey).\r\n\n");
  assertEquals(refused.words, "ssh: me@far: Permission denied (publickey).");
  assertStringIncludes(refused.hint, "`ssh -p 22 me@far docker version` has to ask nothing");
  assertStringIncludes(told("No key.\nHost key verification failed.").hint, "compare the key");
  assertStringIncludes(told("sh: 1: docker: not found").hint, "Install Docker's client");
  assertEquals(
    told("ssh: connect to host far port 22: Connection refused\n").words,
    "ssh: connect to host far port 22: Connection refused",
  );
  assertEquals(told("").words, "ssh: it ended with 255");
});

Deno.test("a host without ssh is told so", async () => {
  const folder = await Deno.makeTempDir({ prefix: "draas-way-" });
  const environment = { PATH: folder };
  const way = await openSshWay({ to: TO, folder: `${folder}/ssh`, environment, clock: realClock });
  const connection = await Deno.connect({ transport: "unix", path: way.socketPath });
  assertEquals(await connection.read(new Uint8Array(1)), null);
  connection.close();
  assertStringIncludes(way.failure()?.words ?? "", "ssh is not on the PATH");
  await way.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a data folder whose path is too long for a socket is told so", async () => {
  const folder = await Deno.makeTempDir({ prefix: "draas-way-" });
  const long = `${folder}/${"x".repeat(100)}`;
  const failure = await assertRejects(
    () => openSshWay({ to: TO, folder: long, environment: {}, clock: realClock }),
    OperationalError,
    "there can be no socket at",
  );
  assertEquals([failure.code, failure.retryable], ["docker_way_unusable", false]);
  await Deno.remove(folder, { recursive: true });
});
