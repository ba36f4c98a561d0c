/** The image of DRaaS, built for real: nothing is fetched to run it, it is not root, and writes nowhere but below /data. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type DockerDaemon, stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { freePort, RedisServer } from "../support/redis_server.ts";
import { withTestCluster } from "../kubernetes/cluster/test_cluster.ts";
import { eventually } from "../workers/process_world.ts";
import { buildDraas, makeOfflineImages } from "./offline_images.ts";

const IMAGE = "draas-test/draas:1";
const TOKEN = "token-of-the-image-test";
/** As the files of `deploy/` run it. */
const HARDENED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"];
const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));

let built: Promise<void> | null = null;
let redis: RedisServer | null = null;

Deno.test.afterAll(async () => {
  await stopDockerDaemon();
  await redis?.close();
});

function testWithImage(name: string, test: (daemon: DockerDaemon) => Promise<void>): void {
  testWithDocker(name, async (daemon) => {
    await (built ??= makeOfflineImages(daemon).then(() => buildDraas(daemon, IMAGE)));
    await test(daemon);
  });
}

/** Runs a container to its end. */
async function run(
  { host }: DockerDaemon,
  args: readonly string[],
): Promise<{ code: number; said: string }> {
  const { code, stdout, stderr } = await new Deno.Command("docker", {
    args: ["-H", host, "run", "--rm", "--network=none", ...HARDENED, ...args],
  }).output();
  const text = new TextDecoder();
  return { code, said: text.decode(stdout) + text.decode(stderr) };
}

/** What the entry makes of each word, and its code; one container for all, for the sake of time. */
async function entered(
  daemon: DockerDaemon,
  words: readonly string[],
): Promise<[code: number, said: string][]> {
  const script = 'for word; do /draas/deploy/entry.sh "$word" 2>&1; echo "=$?"; done';
  const { said } = await run(daemon, ["--entrypoint=sh", IMAGE, "-c", script, "sh", ...words]);
  const found = [...said.matchAll(/([^]*?)=(\d+)\n/g)];
  assertEquals(found.length, words.length, said);
  return found.map(([, text, code]) => [Number(code), text!]);
}

/** A container that goes on, in the host's network, where a Redis is; gives its name. */
async function started(daemon: DockerDaemon, args: readonly string[]): Promise<string> {
  redis ??= await RedisServer.start();
  const name = `draas-${crypto.randomUUID().slice(0, 8)}`;
  const url = `REDIS_URL=${redis.url}`;
  await daemon.docker(
    "run",
    "-d",
    "--name",
    name,
    "--network=host",
    "-e",
    url,
    ...HARDENED,
    ...args,
  );
  return name;
}

/** What a container has printed by the time that it says `words`. */
async function heard(daemon: DockerDaemon, name: string, words: string): Promise<string> {
  return await eventually(`${name} says ${words}`, async () => {
    const { stdout, stderr } = await new Deno.Command("docker", {
      args: ["-H", daemon.host, "logs", name],
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return said.includes(words) && said;
  }, 30_000);
}

/** The first process of a container, as the kernel has it. */
async function commandOf(daemon: DockerDaemon, name: string): Promise<string> {
  const pid = await daemon.docker("inspect", "-f", "{{.State.Pid}}", name);
  return (await Deno.readTextFile(`/proc/${pid}/cmdline`)).split("\0").slice(0, -1).join(" ");
}

/** The command of a task, as the image runs it. */
function commandOfTask(task: string): string {
  return tasks[task].replace("deno run", "deno run --cached-only --frozen");
}

testWithImage("the image says its release, and is not root", async (daemon) => {
  assertEquals(await run(daemon, [IMAGE, "--version"]), { code: 0, said: "draas 0.1.0\n" });
  const { said } = await run(daemon, ["--entrypoint=id", IMAGE, "-u"]);
  assertEquals(said, "10001\n");
});

testWithImage("a word that is no program ends with code 2 and runs nothing", async (daemon) => {
  assertEquals((await run(daemon, [IMAGE, "nonsense"])).code, 2);
  const words = ["s.*", "serve; id", "$(id)", "../serve", "check:fmt", "test"];
  for (const [index, [code, said]] of (await entered(daemon, words)).entries()) {
    assertEquals(code, 2, said);
    assertStringIncludes(said, `There is no command ${JSON.stringify(words[index])}.`);
    assert(!said.includes("uid="), said);
  }
});

testWithImage("each program begins, and says which of its settings is missing", async (daemon) => {
  const workers = ["worker:process", "worker:docker", "worker:kubernetes", "worker:aks"];
  for (const [code, said] of await entered(daemon, ["serve", ...workers])) {
    assertEquals(code, 2, said);
    assertStringIncludes(said, "REDIS_URL: must be set");
  }
});

testWithImage(
  "nothing in it can be changed by who runs it, but what is below /data",
  async (daemon) => {
    const mine = "\\( -user 10001 -o -perm -0002 \\) ! -type l";
    const script = `find / -xdev ${mine} ! -path "/proc*" ! -path "/dev*" ! -path "/sys*"`;
    const { said } = await run(daemon, ["--entrypoint=sh", IMAGE, "-c", script]);
    const found = said.trim().split("\n").filter((path) => path !== "/tmp");
    assertEquals(found, ["/data"]);
    const folder = await run(daemon, ["--entrypoint=stat", IMAGE, "-c", "%a %u:%g", "/data"]);
    assertEquals(folder.said, "700 10001:10001\n");
  },
);

testWithImage(
  "serve answers, with the permissions of its task, and ends when told",
  async (daemon) => {
    const port = freePort();
    const settings = ["-e", "DRAAS_HOST=0.0.0.0", "-e", `DRAAS_API_TOKEN=${TOKEN}`];
    const name = await started(daemon, [...settings, IMAGE, "serve", "--port", String(port)]);
    const ready = await eventually("it is ready", async () => {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
      const told = await response?.json();
      return response?.status === 200 && told;
    }, 30_000);
    assertEquals(ready.version, "0.1.0");
    assertEquals(await commandOf(daemon, name), `${commandOfTask("serve")} --port ${port}`);
    await daemon.docker("stop", "-t", "20", name);
    assertEquals(await daemon.docker("inspect", "-f", "{{.State.ExitCode}}", name), "0");
    assertStringIncludes(await heard(daemon, name, "the fleet goes on"), "has ended");
  },
);

testWithImage(
  "a docker worker works with its daemon by the group of the socket alone",
  async (daemon) => {
    const socket = daemon.host.replace("unix://", "");
    const group = (await Deno.stat(socket)).gid;
    const api = await started(daemon, [IMAGE, "serve", "--port", "0"]);
    await heard(daemon, api, "ready in");
    const name = await started(daemon, [
      ...["--group-add", String(group), "-v", `${socket}:/var/run/docker.sock`],
      ...[IMAGE, "worker:docker"],
    ]);
    const said = await heard(daemon, name, "servers running");
    assertMatch(said, /Data\s+\/data\n/);
    assertEquals(await commandOf(daemon, name), commandOfTask("worker:docker"));
    await daemon.docker("stop", "-t", "20", name);
    assertEquals(await daemon.docker("inspect", "-f", "{{.State.ExitCode}}", name), "0");
  },
);

testWithImage("a kubernetes worker finds the kubeconfig of its home", async (daemon) => {
  await withTestCluster(async ({ kubeconfig, namespace }) => {
    const folder = await Deno.makeTempDir({ prefix: "draas-kubeconfig-" });
    await Deno.chmod(folder, 0o755);
    await Deno.writeTextFile(`${folder}/config`, kubeconfig);
    const name = await started(daemon, [
      ...["-v", `${folder}:/data/.kube:ro`, "-e", `DRAAS_KUBERNETES_NAMESPACE=${namespace}`],
      ...[IMAGE, "worker:kubernetes"],
    ]);
    assertStringIncludes(await heard(daemon, name, "servers running"), `namespace ${namespace}`);
    assertEquals(await commandOf(daemon, name), commandOfTask("worker:kubernetes"));
    await daemon.docker("rm", "-f", name);
    await Deno.remove(folder, { recursive: true });
  });
});
