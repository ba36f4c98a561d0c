/** What an instance in a cluster gets: its environment, secrets, ports, volumes, probes, signals, and what is told of it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { openPolicy, strictPolicy } from "../../workers/policy/host_policy.ts";
import { eventually } from "../workers/process_world.ts";
import type { KubeObject } from "./cluster/kube_objects.ts";
import { shellImage } from "./kubernetes_world.ts";
import { healthOf, inWorld, onDouble, POD, refused, SET, started } from "./started.ts";

async function spoken(platform: { logs(id: string, tail: number): Promise<string[]> }) {
  return await eventually("it has spoken", async () => {
    const lines = await platform.logs("i-1", 10);
    return lines.length > 0 && lines;
  });
}

inWorld("a server gets its environment as it is written, with what it is", async ({ platform }) => {
  const env = { PLAIN: "a $(HOME) $$ ${X}", PATH: "/usr/bin:/bin" };
  const script = 'echo "$PLAIN|$DRAAS_INSTANCE_ID|$PORT"; exec sleep 1000';
  await started(platform, shellImage(script, { env, ports: [{ port: 8080 }] }));
  assertEquals(await spoken(platform), ["a $(HOME) $$ ${X}|i-1|8080"]);
});

inWorld("secrets reach the server, and are nowhere else but in a Secret", async (world) => {
  const { platform, cluster: { api, namespace }, secretsFolder } = world;
  await Deno.writeTextFile(`${secretsFolder}/db`, "hunter-2-hunter", { mode: 0o600 });
  const env = { DB: "[${secret:db}] $x" };
  await started(platform, shellImage('echo "got $DB"; exec sleep 1000', { env }));
  assertEquals(await spoken(platform), ["got [(secret)] $x"]);
  const set = JSON.stringify(await api.get("statefulsets", namespace, SET));
  assert(!set.includes("hunter"), "not in its set");
  const secret = await api.get<KubeObject & { data: Record<string, string> }>(
    "secrets",
    namespace,
    SET,
  );
  assertEquals(atob(secret.data.db!), "hunter-2-hunter");
});

inWorld("its ports have a service, which goes with it", async ({ platform, cluster }) => {
  const { api, namespace } = cluster;
  const info = await started(platform, shellImage("exec sleep 1000", { ports: [{ port: 6379 }] }));
  assertEquals([info.host, info.port], [`${SET}.${namespace}.svc`, 6379]);
  const service = await api.get<KubeObject & { spec: { ports: { port: number }[] } }>(
    "services",
    namespace,
    SET,
  );
  assertEquals(service.spec.ports.map(({ port }) => port), [6379]);
  await platform.remove("i-1", NO_FENCE);
  for (const plural of ["statefulsets", "services", "secrets", "pods"]) {
    await eventually(
      `no ${plural} are left`,
      async () => (await api.list(plural, namespace)).length === 0,
    );
  }
});

inWorld(
  "data in a volume outlives the run, and goes with the instance",
  async ({ platform, cluster }) => {
    const { api, namespace } = cluster;
    const volumes = [{ name: "data", path: "/data" }];
    const script =
      "cat /data/kept 2>/dev/null || echo none; echo kept > /data/kept; exec sleep 1000";
    await started(platform, shellImage(script, { volumes }));
    assertEquals(await spoken(platform), ["none"]);
    await platform.stop("i-1", NO_FENCE);
    await started(platform, shellImage(script, { volumes }), {
      fence: { generation: 2, attempt: 1 },
    });
    assertEquals(await spoken(platform), ["kept"]);
    await platform.remove("i-1", NO_FENCE);
    await eventually(
      "its claim is gone",
      async () => (await api.list("persistentvolumeclaims", namespace)).length === 0,
    );
  },
);

inWorld(
  "a stop signal of its own is sent, and a server that heeds it is not killed",
  async ({ platform }) => {
    const script = "trap 'exit 9' INT; while :; do sleep 0.05; done";
    await started(platform, shellImage(script, { stopSignal: "SIGINT", stopGraceMs: 5_000 }));
    const stopped = await platform.stop("i-1", NO_FENCE);
    assertEquals(stopped.runtimeInfo?.exit?.code, 9);
  },
);

inWorld(
  "a server that does not heed its signal is killed after its grace",
  async ({ platform }) => {
    await started(
      platform,
      shellImage("trap '' TERM; while :; do sleep 0.05; done", { stopGraceMs: 1_000 }),
    );
    const { runtimeInfo } = await platform.stop("i-1", NO_FENCE);
    assertEquals(runtimeInfo?.exit?.reason, "Killed");
  },
);

inWorld("a line of its output makes it ready", async ({ platform }) => {
  const begin = performance.now();
  const readiness = { logLine: { contains: "ready now" }, withinMs: 20_000 };
  await started(platform, shellImage("sleep 1; echo ready now; exec sleep 1000", { readiness }));
  assert(performance.now() - begin >= 1_000, "not before the line");
});

inWorld("its liveness probe tells how it is", async ({ platform }) => {
  const reports = healthOf(platform);
  const file = await Deno.makeTempFile();
  const liveness = {
    command: ["test", "-e", file],
    intervalMs: 500,
    failures: 1,
  };
  await started(platform, shellImage("exec sleep 1000", { liveness }));
  await eventually("it is well", () => reports.some(({ health }) => health === "healthy"));
  await Deno.remove(file);
  await eventually("it is not", () => reports.find(({ health }) => health === "unhealthy"));
});

onDouble("what it uses is told where the cluster measures it", async ({ platform }) => {
  const { runId } = await started(platform, shellImage("while :; do :; done"));
  const found = await eventually("it was looked at", () => platform.metrics()?.[0]);
  assertEquals([found.runId, found.processes, found.openFiles], [runId, null, null]);
  assert(found.memoryBytes > 0);
});

inWorld(
  "a user that is no number, and a published port, are refused with what to do",
  async ({ platform }) => {
    const user = await refused(platform, shellImage("exec sleep 1", { user: "app" }));
    assertStringIncludes(user.message, "user must be a number on Kubernetes (1000 or 1000:1000)");
    const ports = [{ port: 80, published: 8080 }];
    const port = await refused(platform, shellImage("exec sleep 1", { ports }));
    assertStringIncludes(port.message, "Leave `published` out");
  },
);

inWorld("a worker whose host says nothing runs no image", async ({ platform }) => {
  const failure = await refused(platform, shellImage("exec sleep 1000"));
  assertStringIncludes(failure.message, 'rule "templates": this host runs no image');
}, { policy: { ...strictPolicy("worker.yaml"), templates: [] } });

inWorld("images that the host does not name are refused", async ({ platform }) => {
  const failure = await refused(platform, shellImage("exec sleep 1000"));
  assertStringIncludes(failure.message, 'rule "images"');
}, { policy: { ...openPolicy("worker.yaml", ["image"]), images: ["redis:*"] } });

inWorld(
  "two fleets in one namespace do not see each other",
  async ({ platform, reopen, cluster }) => {
    const other = await reopen({ fleet: "other" });
    await started(platform, shellImage("exec sleep 1000"));
    assertEquals(await other.inventory(), []);
    assertEquals(await other.inspect("i-1"), null);
    assertEquals((await refused(other, shellImage("exec sleep 1000"))).code, "locked");
    assertEquals((await cluster.api.list("pods", cluster.namespace)).length, 1);
    assertEquals((await platform.inspect("i-1"))?.podName, POD);
  },
);
