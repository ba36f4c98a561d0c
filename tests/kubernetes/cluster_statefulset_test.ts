/** A StatefulSet of the test cluster comes to life, is stopped, and comes back, as on a real one. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type KubeObject, type Pod, type StatefulSet } from "./cluster/kube_objects.ts";
import { SHELL_IMAGE, type TestCluster, testOnCluster } from "./cluster/test_cluster.ts";
import { eventually } from "../workers/process_world.ts";

/** A StatefulSet that runs a line of shell. */
export function shellSet(namespace: string, script: string, spec: object = {}): KubeObject {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "web", namespace },
    spec: {
      replicas: 1,
      serviceName: "web",
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [{ name: "app", image: SHELL_IMAGE, command: ["sh", "-c", script] }],
          ...spec,
        },
      },
    },
  };
}

async function podOf({ api, namespace }: TestCluster): Promise<Pod | null> {
  return await api.find<Pod>("pods", namespace, "web-0");
}

async function untilPhase(cluster: TestCluster, phase: string): Promise<Pod> {
  let pod: Pod | null = null;
  await eventually(`the pod is ${phase}`, async () => {
    pod = await podOf(cluster);
    return pod?.status?.phase === phase;
  });
  return pod!;
}

testOnCluster(
  "an applied StatefulSet runs its command, and its log can be read",
  async (cluster) => {
    const { api, namespace } = cluster;
    await api.apply("statefulsets", shellSet(namespace, "echo hello; exec sleep 1000"));
    const pod = await untilPhase(cluster, "Running");
    assertEquals(pod.status?.containerStatuses?.[0]?.restartCount, 0);
    await eventually(
      "it has printed",
      async () => await api.log(namespace, "web-0") === "hello\n",
    );
    const stamped = await api.log(namespace, "web-0", { timestamps: true });
    assertMatch(stamped, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z hello\n$/);
    await eventually("the set is ready", async () => {
      const set = await api.get<StatefulSet>("statefulsets", namespace, "web");
      return set.status?.readyReplicas === 1;
    });
  },
);

testOnCluster(
  "a set scaled to none ends its pod with SIGTERM, and the exit code is told",
  async (cluster) => {
    const { api, namespace } = cluster;
    const script = "trap 'exit 7' TERM; echo up; while :; do sleep 0.02; done";
    await api.apply("statefulsets", shellSet(namespace, script));
    await untilPhase(cluster, "Running");
    await eventually("it traps", async () => await api.log(namespace, "web-0") === "up\n");
    const seen: Pod[] = [];
    const abort = new AbortController();
    const watching = (async () => {
      for await (const { object } of api.watch<Pod>("pods", namespace, {}, abort.signal)) {
        seen.push(object);
      }
    })().catch(() => {});
    await api.merge("statefulsets", namespace, "web", { spec: { replicas: 0 } });
    await eventually("the pod is gone", async () => await podOf(cluster) === null);
    const last = seen.at(-1)?.status?.containerStatuses?.[0]?.state.terminated;
    assertEquals([last?.exitCode, last?.reason], [7, "Error"]);
    abort.abort();
    await watching;
  },
);

testOnCluster(
  "a pod that is deleted comes back under its name with another uid",
  async (cluster) => {
    const { api, namespace } = cluster;
    await api.apply("statefulsets", shellSet(namespace, "exec sleep 1000"));
    const first = await untilPhase(cluster, "Running");
    await api.delete("pods", namespace, "web-0", { gracePeriodSeconds: 1 });
    await eventually("another one runs", async () => {
      const pod = await podOf(cluster);
      return pod?.status?.phase === "Running" && pod.metadata.uid !== first.metadata.uid;
    });
    const events = await api.list("events", namespace);
    const reasons = new Set(events.map(({ reason }) => reason));
    for (const reason of ["SuccessfulCreate", "Scheduled", "Created", "Started", "Killing"]) {
      assert(reasons.has(reason), `${reason} in ${[...reasons].join(", ")}`);
    }
    assertStringIncludes(
      String(events.find(({ reason }) => reason === "SuccessfulCreate")?.message),
      "create Pod web-0 in StatefulSet web successful",
    );
  },
);
