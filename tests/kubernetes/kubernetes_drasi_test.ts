/** drasi-server as an image in a cluster, with the stand-in as its entry point: what it gets, how it ends, what is told. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { JsonObject } from "../../events/json.ts";
import { NO_FENCE, type StartSpec } from "../../workers/platform.ts";
import { eventually } from "../workers/process_world.ts";
import type { Container, KubeObject, Pod, PodVolume } from "./cluster/kube_objects.ts";
import type { KubernetesWorld } from "./kubernetes_world.ts";
import { healthOf, onDouble, POD, refused, SET, started } from "./started.ts";

const IMAGE = "drasi-server:1";
const ENTRY = new URL("../../workers/templates/stand_in/main.ts", import.meta.url).pathname;
/** A pod is a process of this host here, so that its port is one of this host. */
const PORT = 8080;
const SOURCE = { kind: "mock", id: "s-1" };
const DRASI: Partial<StartSpec> = { template: "drasi-server" };

const run = [Deno.execPath(), "run", "--allow-all", "--no-check", ENTRY];
const cache = ["DENO_DIR", "HOME"].flatMap((name) => {
  const value = Deno.env.get(name);
  return value === undefined ? [] : [[name, value]];
});
const STAND_IN = {
  entrypoint: [...run, "--stand-in-kinds", "source/mock"],
  env: Object.fromEntries(cache),
};

function inDrasiWorld(sentence: string, test: (world: KubernetesWorld) => Promise<void>): void {
  onDouble(
    sentence,
    async (world) => {
      await eventually("the port is free", isPortFree, 60_000);
      await test(world);
    },
    { drasiServerImage: IMAGE },
    { images: { [IMAGE]: STAND_IN } },
  );
}

async function isPortFree(): Promise<boolean> {
  try {
    Deno.listen({ hostname: "0.0.0.0", port: PORT }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

async function fileOf({ cluster: { api, namespace } }: KubernetesWorld): Promise<JsonObject> {
  const { data } = await api.get<KubeObject & { data: Record<string, string> }>(
    "configmaps",
    namespace,
    SET,
  );
  assertEquals(Object.keys(data), ["server.json"]);
  return JSON.parse(data["server.json"]!);
}

inDrasiWorld(
  "it starts with its configuration, is healthy, and a stop ends it in order",
  async (world) => {
    const { platform, cluster: { api, namespace } } = world;
    const reports = healthOf(platform);
    // A port of the configuration is one of a host's, and of no meaning here.
    const info = await started(platform, { port: 9_000, sources: [SOURCE] }, DRASI);
    assertEquals([info.host, info.port], [`${SET}.${namespace}.svc`, PORT]);
    const service = await api.get<KubeObject & { spec: { ports: { port: number }[] } }>(
      "services",
      namespace,
      SET,
    );
    assertEquals(service.spec.ports.map(({ port }) => port), [PORT]);
    const answer = await fetch(`http://127.0.0.1:${PORT}/api/v1/instances/i-1/sources`);
    assertStringIncludes(await answer.text(), '"s-1"');
    await eventually("it is well", () => reports.some(({ health }) => health === "healthy"));
    const { runtimeInfo } = await platform.stop("i-1", NO_FENCE);
    assertEquals([runtimeInfo?.exit?.reason, runtimeInfo?.exit?.code], ["Stopped", 0]);
  },
);

inDrasiWorld(
  "its file is mounted where the image looks, beside what it writes to",
  async (world) => {
    const { platform, cluster: { api, namespace } } = world;
    await started(platform, {}, DRASI);
    const { spec } = await api.get<Pod>("pods", namespace, POD);
    const [container] = spec.containers as [Container];
    const sources = new Map((spec.volumes ?? []).map(({ name, ...source }) => [name, source]));
    const mounted = (container.volumeMounts ?? []).map((
      { name, mountPath },
    ) => [mountPath, Object.keys(sources.get(name) as Omit<PodVolume, "name">)]);
    assertEquals(Object.fromEntries(mounted), {
      "/app/data": ["persistentVolumeClaim"],
      "/app/config": ["configMap"],
      "/app/plugins": ["emptyDir"],
    });
    // The image's own user is a name, which a cluster lets nobody in with.
    assertEquals((spec.securityContext as JsonObject).runAsUser, 10_001);
    await platform.remove("i-1", NO_FENCE);
    await eventually(
      "its file is gone",
      async () =>
        (await api.list("configmaps", namespace)).every(({ metadata }) => metadata.name !== SET),
    );
  },
);

inDrasiWorld("each run has the configuration that it was started with", async (world) => {
  const { platform } = world;
  await started(platform, { logLevel: "info" }, DRASI);
  assertEquals((await fileOf(world)).logLevel, "info");
  await platform.stop("i-1", NO_FENCE);
  await eventually("the port is free", isPortFree);
  await started(platform, { logLevel: "debug" }, {
    ...DRASI,
    fence: { generation: 2, attempt: 1 },
  });
  assertEquals((await fileOf(world)).logLevel, "debug");
});

inDrasiWorld("a secret is in a Secret, and neither in its file nor in its set", async (world) => {
  const { platform, secretsFolder, cluster: { api, namespace, kubelet } } = world;
  await Deno.writeTextFile(`${secretsFolder}/db`, "hunter-2-hunter", { mode: 0o600 });
  const source = { ...SOURCE, password: "${secret:db}", url: "db://app:${secret:db}@$(HOST)" };
  await started(platform, { sources: [source] }, DRASI);
  assertEquals((await fileOf(world)).sources, [
    { ...SOURCE, password: "${DRAAS_VALUE_0}", url: "${DRAAS_VALUE_1}" },
  ]);
  const set = JSON.stringify(await api.get("statefulsets", namespace, SET));
  assert(!set.includes("hunter"), "not in its set");
  const [pid] = kubelet.pids(namespace, POD).values();
  const env = (await Deno.readTextFile(`/proc/${pid}/environ`)).split("\0");
  const [password, url] = [0, 1].map((n) => env.find((one) => one.startsWith(`DRAAS_VALUE_${n}`)));
  assertEquals(password, "DRAAS_VALUE_0=hunter-2-hunter");
  assertEquals(url, "DRAAS_VALUE_1=db://app:hunter-2-hunter@$(HOST)");
});

inDrasiWorld("why its boot ends is told by its own words", async ({ platform }) => {
  const sources = [{ kind: "no-such-kind", id: "s-1" }];
  const failure = await refused(platform, { sources }, DRASI);
  assertEquals([failure.code, failure.retryable], ["plugins_missing", false]);
  assertStringIncludes(failure.message, "source/no-such-kind (referenced by source 's-1').");
});
