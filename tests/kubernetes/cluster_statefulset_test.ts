/** A StatefulSet of the test cluster comes to life, is refused, is replaced and goes, as on a real one. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { KubeObject, Pod, StatefulSet } from "./cluster/kube_objects.ts";
import {
  eventsOf,
  lastSeenPod,
  POD,
  SET,
  shellSet,
  untilPod,
  untilPrinted,
  untilTold,
  untilWaiting,
} from "./cluster/shell_set.ts";
import { testOnCluster } from "./cluster/test_cluster.ts";
import { eventually } from "../workers/process_world.ts";

testOnCluster("an applied set runs its command, and tells it", async (cluster) => {
  const { api, namespace } = cluster;
  await api.apply("statefulsets", shellSet(namespace, "echo hello; exec sleep 1000"));
  const pod = await untilPrinted(cluster, "hello");
  assertEquals(pod.metadata.labels, {
    app: SET,
    "apps.kubernetes.io/pod-index": "0",
    "controller-revision-hash": pod.metadata.labels?.["controller-revision-hash"] ?? "",
    "statefulset.kubernetes.io/pod-name": POD,
  });
  assertEquals(pod.spec.hostname, POD);
  const set = await eventually("the set is ready", async () => {
    const found = await api.get<StatefulSet>("statefulsets", namespace, SET);
    return found.status?.readyReplicas === 1 && found.status.currentReplicas === 1 && found;
  });
  const { status = {}, metadata } = set;
  const { currentRevision: _c, updateRevision: _u, ...counts } = status;
  assertEquals(counts, {
    observedGeneration: metadata.generation,
    replicas: 1,
    readyReplicas: 1,
    currentReplicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    collisionCount: 0,
  });
  const reasons = await eventually("all is told", async () => {
    const events = await api.list("events", namespace);
    const found = events.map(({ reason }) => String(reason)).sort();
    return found.length >= 6 && found;
  });
  const told = ["Created", "Pulled", "Pulling", "Scheduled", "Started", "SuccessfulCreate"];
  assertEquals(reasons, told);
  assertEquals(await eventsOf(cluster, "SuccessfulCreate"), [
    "create Pod web-0 in StatefulSet web successful",
  ]);
});

testOnCluster(
  "a set scaled to none ends its pod with SIGTERM, and the exit code is told",
  async (cluster) => {
    const { api, namespace } = cluster;
    const script = "trap 'exit 7' TERM; echo up; while :; do sleep 0.02; done";
    await api.apply("statefulsets", shellSet(namespace, script));
    await untilPrinted(cluster, "up");
    const last = await lastSeenPod(
      cluster,
      () => api.merge("statefulsets", namespace, SET, { spec: { replicas: 0 } }),
    );
    const ended = last.status?.containerStatuses?.[0]?.state.terminated;
    assertEquals([ended?.exitCode, ended?.reason, last.status?.phase], [7, "Error", "Failed"]);
    await eventually("the set has none", async () => {
      const { status } = await api.get<StatefulSet>("statefulsets", namespace, SET);
      return status?.replicas === 0 && status.readyReplicas === undefined;
    });
  },
);

testOnCluster(
  "a pod that is deleted comes back under its name with another uid",
  async (cluster) => {
    const { api, namespace } = cluster;
    const script = "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
    await api.apply("statefulsets", shellSet(namespace, script));
    const first = await untilPrinted(cluster, "up");
    const gone = await lastSeenPod(cluster, () => api.delete("pods", namespace, POD));
    assertEquals([gone.metadata.uid, gone.status?.phase], [first.metadata.uid, "Succeeded"]);
    const next = await untilPod(
      cluster,
      "another runs",
      ({ metadata, status }) => metadata.uid !== first.metadata.uid && status?.phase === "Running",
    );
    assertEquals(next.status?.containerStatuses?.[0]?.restartCount, 0);
  },
);

testOnCluster("a changed template replaces the pod; with OnDelete it does not", async (cluster) => {
  const { api, namespace } = cluster;
  const set = shellSet(namespace, "trap 'exit 0' TERM; echo one; while :; do sleep 0.02; done");
  await api.apply("statefulsets", set);
  const first = await untilPrinted(cluster, "one");
  await eventually(
    "it is ready",
    async () =>
      (await api.get<StatefulSet>("statefulsets", namespace, SET)).status?.readyReplicas === 1,
  );
  const template = (text: string) => ({
    metadata: { annotations: { text } },
  });
  await api.merge("statefulsets", namespace, SET, { spec: { template: template("two") } });
  const second = await untilPod(
    cluster,
    "another runs",
    ({ metadata, status }) => metadata.uid !== first.metadata.uid && status?.phase === "Running",
  );
  assertEquals(second.metadata.annotations, { text: "two" });
  const patch = {
    spec: {
      updateStrategy: { type: "OnDelete", rollingUpdate: null },
      template: template("three"),
    },
  };
  const { metadata: { generation } } = await api.merge<KubeObject>(
    "statefulsets",
    namespace,
    SET,
    patch,
  );
  await eventually(
    "the change is seen",
    async () =>
      (await api.get<StatefulSet>("statefulsets", namespace, SET)).status?.observedGeneration ===
        generation,
  );
  const third = await api.get<Pod>("pods", namespace, POD);
  assertEquals([third.metadata.uid, third.metadata.deletionTimestamp], [
    second.metadata.uid,
    undefined,
  ]);
});

for (const podManagementPolicy of ["OrderedReady", "Parallel"]) {
  const isReplaced = podManagementPolicy === "Parallel";
  const what = isReplaced ? "is replaced" : "is not replaced";
  testOnCluster(
    `a pod that never became ready ${what} by a mended template: ${podManagementPolicy}`,
    async (cluster) => {
      const { api, namespace } = cluster;
      const setOf = (container: object) => {
        const set = shellSet(namespace, "echo up; exec sleep 1000", container);
        Object.assign(set.spec as object, { podManagementPolicy });
        return set;
      };
      await api.apply("statefulsets", setOf({ image: "example/none:1" }));
      const broken = await untilWaiting(cluster, "ErrImagePull");
      await api.apply("statefulsets", setOf({}));
      if (!isReplaced) {
        await eventually("the change is seen", async () => {
          const { metadata, status } = await api.get<StatefulSet>("statefulsets", namespace, SET);
          return status?.observedGeneration === metadata.generation &&
            status?.updateRevision !== status?.currentRevision;
        });
        const { metadata } = await api.get<Pod>("pods", namespace, POD);
        assertEquals(
          [metadata.uid, metadata.deletionTimestamp],
          [broken.metadata.uid, undefined],
        );
        await api.delete("pods", namespace, POD);
      }
      await untilPrinted(cluster, "up");
    },
  );
}

testOnCluster(
  "a quota of pods refuses the pod, not the set, and an Event says so",
  async (cluster) => {
    const { api, namespace } = cluster;
    await cluster.limitPods(0);
    await api.apply("statefulsets", shellSet(namespace, "exec sleep 1000"));
    const [message = ""] = await untilTold(cluster, "FailedCreate");
    assertEquals(
      message,
      'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=0, limited: pods=0',
    );
    await cluster.limitPods(null);
    await untilPod(cluster, "it runs", ({ status }) => status?.phase === "Running");
  },
);

testOnCluster(
  "a restricted namespace refuses the pod, and an Event says what it violates",
  async (cluster) => {
    await cluster.restrictPods();
    await cluster.api.apply("statefulsets", shellSet(cluster.namespace, "exec sleep 1000"));
    const [message = ""] = await untilTold(cluster, "FailedCreate");
    assertStringIncludes(
      message,
      'create Pod web-0 in StatefulSet web failed error: pods "web-0" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false), ',
    );
    assertMatch(message, /runAsNonRoot != true .* seccompProfile/);
  },
);

testOnCluster("claims are made of templates and outlive the pod", async (cluster) => {
  const { api, namespace } = cluster;
  const set = shellSet(
    namespace,
    "cat /keep/it 2>/dev/null || echo new; echo kept > /keep/it; exec sleep 1000",
    { volumeMounts: [{ name: "keep", mountPath: "/keep" }] },
    { terminationGracePeriodSeconds: 0 },
  );
  (set.spec as StatefulSet["spec"]).volumeClaimTemplates = [{
    metadata: { name: "keep" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  } as unknown as KubeObject];
  await api.apply("statefulsets", set);
  const first = await untilPrinted(cluster, "new");
  const claim = await api.get("persistentvolumeclaims", namespace, "keep-web-0");
  assertEquals(claim.metadata.labels, { app: SET });
  await api.delete("pods", namespace, POD);
  const second = await untilPrinted(cluster, "kept");
  assert(second.metadata.uid !== first.metadata.uid, "it is another pod");
});

testOnCluster("claims go with a pod that is scaled away, where they are to", async (cluster) => {
  const { api, namespace } = cluster;
  const set = shellSet(namespace, "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done", {
    volumeMounts: [{ name: "keep", mountPath: "/keep" }],
  });
  Object.assign(set.spec as object, {
    persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" },
    volumeClaimTemplates: [{
      metadata: { name: "keep" },
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
    }],
  });
  await api.apply("statefulsets", set);
  await untilPrinted(cluster, "up");
  await api.merge("statefulsets", namespace, SET, { spec: { replicas: 0 } });
  await eventually(
    "the claim is gone",
    async () => await api.find("persistentvolumeclaims", namespace, "keep-web-0") === null,
  );
});

testOnCluster("what a deleted set owned goes with it", async (cluster) => {
  const { api, namespace } = cluster;
  const script = "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
  await api.apply("statefulsets", shellSet(namespace, script));
  await untilPrinted(cluster, "up");
  await api.delete("statefulsets", namespace, SET, { propagationPolicy: "Foreground" });
  await eventually("both are gone", async () =>
    await api.find("pods", namespace, POD) === null &&
    await api.find("statefulsets", namespace, SET) === null);
});
