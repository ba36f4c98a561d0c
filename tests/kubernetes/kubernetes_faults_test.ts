/** What happens to pods behind our back, or because of what was asked, is seen soon and told by name. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { eventually } from "../workers/process_world.ts";
import type { Pod, StatefulSet } from "./cluster/kube_objects.ts";
import { imageSpec } from "../support/image_spec.ts";
import { shellImage } from "./kubernetes_world.ts";
import {
  endAfter,
  exitsOf,
  healthOf,
  inWorld,
  onDouble,
  POD,
  refused,
  SEEN_WITHIN_MS,
  SET,
  start,
  started,
} from "./started.ts";

const STEADY = shellImage("exec sleep 1000");

inWorld(
  "a pod that somebody deletes is not put back by its set, and its end is told",
  async (world) => {
    const { api, namespace } = world.cluster;
    const info = await endAfter(world, () => api.delete("pods", namespace, POD), STEADY);
    assertEquals([info.exit?.reason, info.status], ["Exited", "Stopped"]);
    assertEquals(info.exit?.signal, "SIGTERM");
    assertEquals(await api.find("pods", namespace, POD), null);
    const set = await api.get<StatefulSet>(
      "statefulsets",
      namespace,
      SET,
    );
    assertEquals(set.spec.replicas, 0);
  },
);

inWorld("a set that somebody deletes takes its run with it, which is told", async (world) => {
  const { api, namespace } = world.cluster;
  const info = await endAfter(world, () => api.delete("statefulsets", namespace, SET), STEADY);
  assertStringIncludes(info.exit?.message ?? "", "somebody deleted its set");
});

inWorld("a server that runs out of memory is told so, with its limit", async (world) => {
  const { kubelet, namespace } = world.cluster;
  const info = await endAfter(
    world,
    () => kubelet.killForMemory(namespace, POD),
    STEADY,
    { limits: { memoryBytes: 64 * 2 ** 20, processes: 10 } },
  );
  assertMatch(info.exit?.message ?? "", /^was ended by the kernel: out of memory \(limit 64 MiB\)/);
  assertEquals(Object.keys(info.limitsNotSet ?? {}), ["processes"]);
});

inWorld(
  "a server that ended while no worker was there, and which its kubelet began anew, is told as it ended first",
  async ({ platform, reopen, cluster: { kubelet, namespace, api } }) => {
    const { runId } = await started(platform, shellImage("sleep 1; echo last words; exit 3"));
    await platform.close();
    await eventually("its kubelet has begun it anew", async () => {
      const pod = await api.find<Pod>(
        "pods",
        namespace,
        POD,
      );
      return (pod?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0;
    });
    const next = await reopen();
    const [found] = await next.inventory();
    assertEquals([found?.runId, found?.status, found?.exit?.code], [runId, "Stopped", 3]);
    assertEquals(found?.logTail, "last words");
    assertEquals(kubelet.pids(namespace, POD).size, 0, "nothing of it runs");
  },
);

inWorld(
  "an image that is not there ends the start at once, with the registry's words",
  async (world) => {
    const failure = await refused(world.platform, { image: "draas-test/none:1" });
    assertEquals([failure.code, failure.retryable], ["image_unavailable", false]);
    assertStringIncludes(failure.message, "draas-test/none:1");
    assertEquals(await world.platform.inspect("i-1"), null);
  },
);

inWorld(
  "a program that is not in the image is named",
  async ({ platform }) => {
    const failure = await refused(platform, { image: "draas-test/bare:1", command: ["nosuch"] });
    assertEquals([failure.code, failure.retryable], ["binary_missing", false]);
    assertStringIncludes(failure.message, "nosuch");
  },
  {},
  { images: { "draas-test/bare:1": {} } },
);

inWorld(
  "a pod that no node takes is told why while it waits, and a stop ends the start",
  async (world) => {
    const { platform, cluster: { kubelet } } = world;
    kubelet.refusePods("1 Insufficient memory");
    const reports = healthOf(platform);
    const abort = new AbortController();
    const starting = platform.start(imageSpec(STEADY), abort.signal);
    await eventually(
      "the reason is told",
      () => reports.some(({ reason }) => reason?.includes("Insufficient memory")),
    );
    abort.abort();
    const outcome = await starting;
    assert(outcome.kind === "failed");
    assertEquals(outcome.failure.code, "aborted");
    assertEquals(await world.cluster.api.find("pods", world.cluster.namespace, POD), null);
  },
);

onDouble(
  "a quota that is used up is told",
  async ({ platform, cluster: { double, namespace } }) => {
    double.faults.limitPods(namespace, 0);
    const failure = await refused(platform, STEADY);
    assertEquals([failure.code, failure.retryable], ["quota_exceeded", true]);
    assertStringIncludes(failure.message, "exceeded quota");
  },
);

inWorld(
  "its pods are within the restricted standard",
  async ({ platform, cluster: { api, namespace } }) => {
    await api.merge("namespaces", "", namespace, {
      metadata: { labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
    });
    await started(platform, STEADY);
  },
);

inWorld(
  "a field that somebody else has set is told, and not taken",
  async ({ platform, cluster }) => {
    const { api, namespace } = cluster;
    await started(platform, STEADY);
    await platform.stop("i-1", NO_FENCE);
    await api.as("kubectl-edit").merge("statefulsets", namespace, SET, {
      spec: { template: { spec: { terminationGracePeriodSeconds: 99 } } },
    });
    const failure = await refused(platform, STEADY, { fence: { generation: 2, attempt: 1 } });
    assertEquals([failure.code, failure.retryable], ["field_conflict", false]);
    assertStringIncludes(failure.message, "kubectl-edit");
    assertStringIncludes(failure.message, "terminationGracePeriodSeconds");
    const set = await api.get<StatefulSet>("statefulsets", namespace, SET);
    assertEquals(set.spec.template.spec.terminationGracePeriodSeconds, 99);
  },
);

inWorld(
  "a set of that name that is somebody else's is left alone, and named",
  async ({ platform, cluster }) => {
    const { api, namespace } = cluster;
    const labels = { app: "theirs" };
    await api.create("statefulsets", namespace, {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: SET, namespace },
      spec: {
        replicas: 0,
        serviceName: SET,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: "theirs", image: "draas-test/shell:1" }] },
        },
      },
    });
    const failure = await refused(platform, STEADY);
    assertEquals(failure.code, "locked");
    assertStringIncludes(failure.message, `kubectl delete statefulset -n ${namespace} ${SET}`);
    assertEquals((await platform.remove("i-1", NO_FENCE)).kind, "stopped");
    assert(await api.find("statefulsets", namespace, SET) !== null, "theirs is still there");
  },
);

onDouble(
  "an end is seen although the watch was broken off and its past forgotten",
  async (world) => {
    const { cluster: { double, kubelet, namespace } } = world;
    const info = await endAfter(world, () => {
      double.compact();
      double.endWatches("broken");
      kubelet.killForMemory(namespace, POD);
    }, STEADY);
    assertEquals(info.exit?.code ?? info.exit?.signal, "SIGKILL");
  },
);

onDouble(
  "a server that is busy is asked again, and a lost answer starts nothing twice",
  async (world) => {
    const { platform, cluster: { double, api, namespace, kubelet } } = world;
    double.faults.fail({ status: 429, count: 2 });
    // The first patch applies the set, the second asks for its pod.
    let patches = 0;
    const asksForPod = ({ method, path }: { method: string; path: string }) =>
      method === "PATCH" && path.includes("/statefulsets/") && ++patches === 2;
    double.faults.fail({ status: "lost", count: 1, matches: asksForPod });
    const { runId } = await started(platform, STEADY);
    assert(patches >= 2, "the answer was lost");
    assertEquals((await platform.inspect("i-1"))?.runId, runId);
    assertEquals((await api.list("pods", namespace)).length, 1);
    assertEquals(kubelet.pids(namespace, POD).size, 1);
  },
);

onDouble(
  "what the cluster does not allow is told with the role to give",
  async ({ platform, cluster }) => {
    cluster.double.faults.forbid({ verb: "patch", resource: "statefulsets" });
    const failure = await refused(platform, STEADY);
    assertEquals([failure.code, failure.retryable], ["kubernetes_forbidden", false]);
    assertStringIncludes(failure.message, 'cannot patch resource "statefulsets"');
    assertStringIncludes(failure.message, "deploy/kubernetes/worker.yaml");
  },
);

inWorld(
  "a pod whose node is lost is never ended by force: the stop says what to look at",
  async (world) => {
    const { platform, cluster: { kubelet } } = world;
    await started(platform, shellImage("exec sleep 1000", { stopGraceMs: 0 }));
    await kubelet.loseNode();
    const stopping = platform.stop("i-1", { generation: 2, attempt: 1 });
    const state = await Promise.race([stopping, new Promise((done) => setTimeout(done, 3_000))]);
    assertEquals(state, undefined, "it waits");
    await kubelet.returnNode();
    assertEquals((await stopping).kind, "stopped");
  },
);

inWorld("an older stop leaves a newer run alone", async ({ platform }) => {
  const info = await started(platform, STEADY, { fence: { generation: 5, attempt: 1 } });
  const stopped = await platform.stop("i-1", { generation: 4, attempt: 1 });
  assertEquals(stopped.kind, "failed");
  assertEquals((await platform.inspect("i-1"))?.runId, info.runId);
});

inWorld(
  "of two workers that start an instance at once one is refused",
  async ({ platform, reopen, cluster }) => {
    const other = await reopen();
    const outcomes = await Promise.all([
      start(platform, STEADY),
      start(other, STEADY, { fence: { generation: 2, attempt: 1 } }),
    ]);
    const running = outcomes.filter(({ kind }) => kind === "running");
    assert(running.length <= 1, JSON.stringify(outcomes));
    const now = await platform.inspect("i-1");
    const pods = await cluster.api.list("pods", cluster.namespace);
    assertEquals(pods.length, now?.status === "Running" ? 1 : 0);
    if (running[0]) assertEquals(running[0].runtimeInfo?.runId, now?.runId);
  },
);

inWorld(
  "the end of a run is told by each worker that watches it, and a stop by none",
  async ({ platform, reopen }) => {
    const other = await reopen();
    const exits = [exitsOf(platform), exitsOf(other)];
    await started(platform, shellImage("sleep 2; exit 7"));
    await other.inventory();
    await eventually(
      "both tell it",
      () => exits.every(([first]) => first?.exit?.code === 7),
      SEEN_WITHIN_MS + 2_000,
    );
    await started(platform, STEADY, { fence: { generation: 2, attempt: 1 } });
    await other.inventory();
    await other.stop("i-1", { generation: 3, attempt: 1 });
    assertEquals(
      exits.map(({ length }) => length),
      [1, 1],
    );
  },
);
