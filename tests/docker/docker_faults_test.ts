/** What goes wrong with containers, behind our back or because of what was asked, is seen soon and told by name. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { parseDockerHost } from "../../workers/docker/docker_address.ts";
import type { DockerPlatform } from "../../workers/docker/docker_platform.ts";
import { NO_FENCE, type StartOutcome } from "../../workers/platform.ts";
import { openPolicy, strictPolicy } from "../../workers/policy/host_policy.ts";
import { SecretStore } from "../../workers/secret_store.ts";
import { httpMoment, spyUnixSocket } from "../support/spied_way.ts";
import { stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { eventually, failureOf } from "../workers/process_world.ts";
import { imageSpec } from "../support/image_spec.ts";
import { type DockerWorld, shellImage, withDockerWorld } from "./docker_world.ts";

Deno.test.afterAll(stopDockerDaemon);

/** Everything here is to be seen within this. */
const SEEN_WITHIN_MS = 2_000;

function inWorld(
  sentence: string,
  test: (world: DockerWorld) => Promise<void>,
  options: Parameters<typeof withDockerWorld>[2] = {},
): void {
  testWithDocker(sentence, (daemon) => withDockerWorld(daemon, test, options));
}

function start(
  platform: DockerPlatform,
  ...[configuration, more]: Parameters<typeof imageSpec>
): Promise<StartOutcome> {
  return platform.start(imageSpec(configuration, more), new AbortController().signal);
}

async function started(
  platform: DockerPlatform,
  ...spec: Parameters<typeof imageSpec>
): Promise<RuntimeInfo> {
  const outcome = await start(platform, ...spec);
  if (outcome.kind === "running") return outcome.runtimeInfo;
  throw new Error(`expected it to run: ${JSON.stringify(outcome.failure)}`);
}

/** The end that is told of after `act`. */
async function endAfter(
  { platform }: DockerWorld,
  act: (containerId: string) => Promise<unknown>,
  ...spec: Parameters<typeof imageSpec>
): Promise<RuntimeInfo> {
  const exits: RuntimeInfo[] = [];
  platform.onExit((info) => exits.push(info));
  const { containerId } = await started(platform, ...spec);
  await act(containerId!);
  return await eventually("its end is told", () => exits[0], SEEN_WITHIN_MS);
}

inWorld("a container that is killed behind our back is told with its signal", async (world) => {
  const info = await endAfter(
    world,
    (id) => world.daemon.docker("kill", id),
    shellImage("exec sleep 1000"),
  );
  assertEquals([info.exit?.reason, info.exit?.signal], ["Exited", "SIGKILL"]);
  assertMatch(info.exit!.message, /^was killed by SIGKILL after /);
});

inWorld(
  "a container that is removed behind our back is told, and starts again as another run",
  async (world) => {
    const { daemon, platform } = world;
    const info = await endAfter(
      world,
      (id) => daemon.docker("rm", "-f", id),
      shellImage("exec sleep 1000"),
    );
    assertEquals([info.status, info.exit?.code === null || info.exit?.signal === "SIGKILL"], [
      "Stopped",
      true,
    ]);
    await started(platform, shellImage("exec sleep 1000"), {
      fence: { generation: 2, attempt: 1 },
    });
  },
);

inWorld("a container that somebody restarts is still ours, and can be stopped", async (world) => {
  const { daemon, platform } = world;
  const { containerId } = await started(platform, shellImage("exec sleep 1000"));
  await daemon.docker("restart", "-t", "0", containerId!);
  const outcome = await platform.stop("i-1", NO_FENCE);
  assertEquals([outcome.kind, outcome.runtimeInfo?.containerId], ["stopped", containerId]);
  assertEquals(await daemon.docker("ps", "-q", "--filter", `id=${containerId}`), "");
});

inWorld("a container out of memory says so, with its limit", async (world) => {
  const info = await endAfter(
    world,
    () => Promise.resolve(),
    shellImage("sleep 0.5; exec tail /dev/zero"),
    { limits: { memoryBytes: 16 * 1_048_576 } },
  );
  assertStringIncludes(info.exit!.message, "out of memory (limit 16 MiB)");
});

inWorld(
  "an image that is not there, and cannot be brought, is told by name",
  async ({ platform }) => {
    const { failure } = failureOf(await start(platform, { image: "localhost:1/none/such:1" }));
    assertEquals(failure.code, "image_unavailable");
    assertStringIncludes(failure.message, "localhost:1/none/such:1");
    assertEquals(await platform.inspect("i-1"), null);
  },
);

inWorld("a program that the image does not have is told by name", async ({ platform }) => {
  const { failure } = failureOf(
    await start(platform, { ...shellImage(""), command: ["no-such-program"] }),
  );
  assertEquals([failure.code, failure.retryable], ["binary_missing", false]);
  assertStringIncludes(failure.message, "no-such-program");
});

inWorld("what a container prints takes only so much of the daemon's disk", async (world) => {
  const { platform, daemon } = world;
  const { containerId } = await started(platform, shellImage("exec sleep 1000"));
  const config = await daemon.docker(
    "inspect",
    "-f",
    "{{json .HostConfig.LogConfig}}",
    containerId!,
  );
  assertEquals(JSON.parse(config), {
    Type: "json-file",
    Config: { "max-size": "16384k", "max-file": "4" },
  });
});

inWorld("a port that another container has is told", async ({ platform }) => {
  const ports = [{ port: 80, published: 28_123 }];
  await started(platform, shellImage("exec sleep 1000", { ports }));
  const { failure } = failureOf(
    await start(platform, shellImage("exec sleep 1000", { ports }), { instanceId: "i-2" }),
  );
  assertEquals([failure.code, failure.retryable], ["port_in_use", true]);
});

inWorld(
  "a server is ready when it listens in its container, not when the daemon does",
  async ({ platform }) => {
    const info = await started(
      platform,
      shellImage("echo hello >/tmp/hello; sleep 1; exec httpd -f -p 80 -h /tmp", {
        ports: [{ port: 80 }],
        readiness: { tcp: {}, withinMs: 10_000 },
      }),
    );
    assert(info.port! > 0 && info.host === "127.0.0.1");
    const answer = await fetch(`http://${info.host}:${info.port}/hello`);
    assertEquals(await answer.text(), "hello\n");
  },
);

inWorld(
  "a server whose probe fails is told as unhealthy, by a program in the container",
  async ({ platform }) => {
    const reports: string[] = [];
    platform.onHealth(({ health, reason }) => reports.push(`${health} ${reason ?? ""}`.trim()));
    await started(
      platform,
      shellImage("exec sleep 1000", {
        liveness: { command: ["sh", "-c", "exit 3"], intervalMs: 500, failures: 2 },
      }),
    );
    await eventually("it is told", () => reports.includes("unhealthy sh ended with 3"));
  },
);

inWorld(
  "a probe's program that does not end is told, and no other is begun beside it",
  async ({ platform, daemon }) => {
    const reports: string[] = [];
    platform.onHealth(({ reason }) => reports.push(reason ?? ""));
    const pace = { intervalMs: 500, timeoutMs: 200, failures: 1 };
    const liveness = { command: ["sleep", "1001"], ...pace };
    const info = await started(platform, shellImage("exec sleep 1000", { liveness }));
    const told = (words: string) => reports.filter((reason) => reason.includes(words)).length;
    await eventually("it is told", () => told("a probe before it is still running") > 2);
    assertEquals(told("did not end within"), 1);
    const processes = await daemon.docker("top", info.containerId!);
    assertEquals(processes.split("sleep 1001").length - 1, 1, processes);
  },
);

inWorld(
  "an end while the daemon was away is told when it is back, and a server lives on through that",
  async (world) => {
    const { daemon, platform } = world;
    const exits: RuntimeInfo[] = [];
    platform.onExit((info) => exits.push(info));
    const steady = await started(platform, shellImage("exec sleep 1000"), { instanceId: "i-2" });
    await started(platform, shellImage("sleep 1; exit 7"));
    await daemon.restart("SIGKILL");
    const info = await eventually("its end is told", () => exits[0], 15_000);
    assertEquals([info.instanceId, info.status], ["i-1", "Stopped"]);
    assertEquals((await platform.inspect("i-2"))?.runId, steady.runId);
    assertEquals((await platform.stop("i-2", NO_FENCE)).runtimeInfo?.exit?.reason, "Stopped");
  },
);

inWorld(
  "a host that does not list an image refuses it by the rule's name",
  async ({ platform }) => {
    const { failure } = failureOf(await start(platform, shellImage("exec sleep 1000")));
    assertStringIncludes(
      failure.message,
      'rule "images": draas-test/busybox:1 is not one of redis:*',
    );
  },
  { policy: { ...openPolicy("worker.yaml", ["image"]), images: ["redis:*"] } },
);

inWorld(
  "what a docker worker cannot keep is refused before anything is made",
  async ({ platform }) => {
    const steady = shellImage("exec sleep 1000");
    const leased = await start(platform, steady, { lease: { leaseMs: 30_000, fromMs: 0 } });
    const other = await start(platform, { command: ["sleep", "9"] }, { template: "command" });
    assertEquals([leased, other].map((outcome) => failureOf(outcome).failure.code), [
      "lease_unsupported",
      "template_unsupported",
    ]);
    assertEquals(await platform.inventory(), []);
  },
);

inWorld("a secret is in the container, and in nothing that is told", async (world) => {
  const { platform, secretsFolder, reopen } = world;
  await Deno.writeTextFile(`${secretsFolder}/db`, "hunter2-and-more", { mode: 0o600 });
  const configuration = shellImage('echo "it is $DB"; sleep 0.5; echo "$DB" >&2; exit 3', {
    env: { DB: "x${secret:db}x" },
  });
  const exits: RuntimeInfo[] = [];
  platform.onExit((info) => exits.push(info));
  const info = await started(platform, configuration);
  const exit = await eventually("it ends", () => exits[0]);
  assertEquals(exit.logTail, "it is x(secret)x\nx(secret)x");
  const later = await reopen({ secrets: new SecretStore({ folder: "/nowhere", variables: {} }) });
  const told = JSON.stringify([
    info,
    exit,
    await platform.readLogs("i-1", {}),
    await later.readLogs("i-1", {}),
  ]);
  assert(!told.includes("hunter2"), told);
  assertStringIncludes(told, "withheld: the secret db cannot be read");
  const missing = failureOf(
    await start(platform, shellImage("true", { env: { A: "${secret:none}" } }), {
      instanceId: "i-2",
    }),
  );
  assertEquals(missing.failure.code, "secret_missing");
});

inWorld(
  "a start that fails is no news of an exit, however often somebody looks meanwhile",
  async ({ platform }) => {
    const exits: RuntimeInfo[] = [];
    platform.onExit((info) => exits.push(info));
    // Never ready, so that it cannot count as started, however slow this host is.
    const readiness = { command: ["sh", "-c", "exit 1"], withinMs: 60_000 };
    const starting = start(platform, shellImage("sleep 0.3; exit 3", { readiness }));
    let isOver = false;
    void starting.finally(() => isOver = true);
    while (!isOver) await platform.inspect("i-1");
    assertEquals(failureOf(await starting).failure.code, "exited_at_once");
    assertEquals(exits, []);
  },
);

inWorld("a stop by one worker of the daemon is no exit to another", async (world) => {
  const { daemon, platform } = world;
  const exits: RuntimeInfo[] = [];
  await started(platform, shellImage("exec sleep 1000"));
  const { containerId } = await started(platform, shellImage("exec sleep 1000"), {
    instanceId: "i-2",
  });
  const other = await world.reopen();
  other.onExit((info) => exits.push(info));
  assertEquals((await other.inventory()).length, 2);
  await platform.stop("i-1", NO_FENCE);
  await daemon.docker("kill", containerId!);
  await eventually("what nobody asked for is told", () => exits.length > 0);
  assertEquals(exits.map(({ instanceId }) => instanceId), ["i-2"]);
});

inWorld(
  "a start whose answer is lost has left nothing running when it is told as failed",
  async ({ daemon, namespace, reopen }) => {
    const path = await Deno.makeTempFile({ prefix: "draas-spied-" });
    await Deno.remove(path);
    const moment = httpMoment("after", "POST", /\/containers\/[0-9a-f]+\/start/);
    const spied = spyUnixSocket(path, daemon.host.slice("unix://".length), moment, async () => {});
    const platform = await reopen({ address: parseDockerHost(`unix://${path}`)! });
    let isAnswered = false;
    const starting = start(platform, shellImage("exec sleep 1000"));
    void starting.then(() => isAnswered = true);
    await spied.hit;
    const running = () =>
      daemon.docker("ps", "-q", "--filter", `label=draas.namespace=${namespace}`);
    assert(
      await running() !== "" && !isAnswered,
      "it runs, and nobody has said yet that it does not",
    );
    spied.mend();
    assertEquals(failureOf(await starting).failure.code, "docker_unreachable");
    assertEquals(await running(), "");
    await spied.close();
  },
);

inWorld("what a container uses is told", async ({ platform }) => {
  const { runId } = await started(platform, shellImage("while :; do :; done"));
  platform.metrics();
  const found = await eventually("it was looked at", () => platform.metrics()?.[0]);
  assertEquals([found.runId, found.openFiles], [runId, null]);
  assert(found.cpuSeconds > 0 && found.memoryBytes > 0 && found.processes! > 0);
});

inWorld("a host whose owner says nothing runs no image", async ({ platform }) => {
  const { failure } = failureOf(await start(platform, shellImage("exec sleep 1000")));
  assertStringIncludes(
    failure.message,
    'rule "templates": this host runs no image; it runs none',
  );
}, { policy: { ...strictPolicy("worker.yaml"), templates: [] } });

inWorld(
  "data in a volume outlives the run, and goes with the instance",
  async ({ platform, daemon, namespace }) => {
    const volumes = [{ name: "data", path: "/data" }];
    await started(platform, shellImage("echo kept >/data/file; exec sleep 1000", { volumes }));
    await platform.stop("i-1", NO_FENCE);
    await started(platform, shellImage("cat /data/file; exec sleep 1000", { volumes }), {
      fence: { generation: 2, attempt: 1 },
    });
    await eventually("it has read", async () => (await platform.logs("i-1", 5)).includes("kept"));
    await platform.remove("i-1", NO_FENCE);
    const left = await daemon.docker(
      "volume",
      "ls",
      "-q",
      "--filter",
      `label=draas.namespace=${namespace}`,
    );
    assertEquals(left, "");
  },
);

inWorld(
  "output goes on over runs, with a marker at each, and is followed without a gap",
  async ({ platform }) => {
    await started(platform, shellImage("echo one; exec sleep 1000"));
    await eventually("it has spoken", async () => (await platform.logs("i-1", 5)).length > 0);
    const first = await platform.readLogs("i-1", {});
    await platform.stop("i-1", NO_FENCE);
    const waiting = platform.readLogs("i-1", { cursor: first.cursor!, waitMs: 5_000 });
    await started(platform, shellImage("echo two; exec sleep 1000"), {
      fence: { generation: 2, attempt: 1 },
    });
    const lines = (await waiting).lines;
    const all = lines.length > 0
      ? lines
      : (await platform.readLogs("i-1", { cursor: first.cursor! })).lines;
    const rest = await eventually("the second has spoken", async () => {
      const page = await platform.readLogs("i-1", { cursor: first.cursor! });
      return page.lines.some(({ text }) => text === "two") && page.lines;
    });
    assert(all.length <= rest.length);
    assertEquals(rest.map(({ stream, kind, text }) => kind ?? `${stream} ${text}`), [
      "ended",
      "started",
      "stdout two",
    ]);
  },
);
