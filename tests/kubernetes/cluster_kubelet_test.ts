/** The node of the test cluster runs, restarts and ends containers, and tells of it, as a real kubelet does. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Pod } from "./cluster/kube_objects.ts";
import {
  endOf,
  lastSeenPod,
  POD,
  runShell,
  SET,
  stopSet,
  untilPod,
  untilPrinted,
  untilTold,
  untilWaiting,
} from "./cluster/shell_set.ts";
import { testOnCluster } from "./cluster/test_cluster.ts";
import { eventually } from "../workers/process_world.ts";

const FAST = { backOffBaseMs: 300, backOffMaxMs: 2_000 };

testOnCluster(
  "a container that ends is run again at once, then later and later",
  async (cluster) => {
    await runShell(cluster, "echo ran; exit 3");
    const pod = await untilWaiting(cluster, "CrashLoopBackOff");
    const [status] = pod.status?.containerStatuses ?? [];
    const { uid } = pod.metadata;
    const place = `app pod=web-0_${cluster.namespace}(${uid})`;
    assertEquals(
      status?.state.waiting?.message,
      `back-off 300ms restarting failed container=${place}`,
    );
    assertEquals([status?.restartCount, status?.ready, status?.started], [1, false, false]);
    assertEquals(status?.lastState.terminated?.exitCode, 3);
    assertEquals(status?.lastState.terminated?.reason, "Error");
    assertEquals(pod.status?.phase, "Running");
    const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
    assertEquals([ready?.status, ready?.reason, ready?.message], [
      "False",
      "ContainersNotReady",
      "containers with unready status: [app]",
    ]);
    await untilPod(
      cluster,
      "it ran thrice",
      ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) >= 2,
    );
    assertEquals(
      await cluster.api.log(cluster.namespace, POD, { previous: true }),
      "ran\n",
    );
    assertMatch(
      (await untilTold(cluster, "BackOff"))[0] ?? "",
      /^Back-off restarting failed container app in pod web-0_/,
    );
  },
  FAST,
);

testOnCluster("a container that has done its work is run again too", async (cluster) => {
  await runShell(cluster, "exit 0");
  const pod = await untilWaiting(cluster, "CrashLoopBackOff");
  const ended = pod.status?.containerStatuses?.[0]?.lastState.terminated;
  assertEquals([ended?.exitCode, ended?.reason], [0, "Completed"]);
}, FAST);

testOnCluster("who has no handler for SIGTERM is killed after its grace", async (cluster) => {
  await runShell(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 1 });
  await untilPrinted(cluster, "up");
  const began = performance.now();
  assertEquals(endOf(await stopSet(cluster)), [137, "Error"]);
  assert(performance.now() - began >= 950, "the grace was kept");
});

testOnCluster(
  "with a shared process namespace SIGTERM ends who has no handler for it",
  async (cluster) => {
    await runShell(cluster, "echo up; exec sleep 1000", {}, { shareProcessNamespace: true });
    await untilPrinted(cluster, "up");
    assertEquals(endOf(await stopSet(cluster)), [143, "Error"]);
  },
);

testOnCluster(
  "a hook is run before the stop, and can end the process by itself",
  async (cluster) => {
    const lifecycle = { preStop: { exec: { command: ["sh", "-c", "kill -INT 1"] } } };
    await runShell(cluster, "trap 'exit 9' INT; echo up; while :; do sleep 0.02; done", {
      lifecycle,
    });
    await untilPrinted(cluster, "up");
    assertEquals(endOf(await stopSet(cluster)), [9, "Error"]);
  },
);

testOnCluster("a second deletion with less grace hastens the first", async (cluster) => {
  const { api, namespace } = cluster;
  await runShell(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 30 });
  await untilPrinted(cluster, "up");
  const last = await lastSeenPod(cluster, async () => {
    await api.delete("pods", namespace, POD);
    await api.delete("pods", namespace, POD, { gracePeriodSeconds: 1 });
  });
  assertEquals(endOf(last), [137, "Error"]);
});

testOnCluster("memory that runs out kills the container, which is run again", async (cluster) => {
  await runShell(cluster, "echo up; exec sleep 1000");
  await untilPrinted(cluster, "up");
  cluster.kubelet.killForMemory(cluster.namespace, POD);
  const pod = await untilPod(
    cluster,
    "it runs again",
    ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1,
  );
  const ended = pod.status?.containerStatuses?.[0]?.lastState.terminated;
  assertEquals([ended?.exitCode, ended?.reason], [137, "OOMKilled"]);
});

testOnCluster("a pod that finds no place says so", async (cluster) => {
  cluster.kubelet.refusePods("1 Insufficient memory");
  await runShell(cluster, "echo up; exec sleep 1000");
  const pod = await untilPod(
    cluster,
    "it has no place",
    ({ status }) => status?.conditions?.some(({ reason }) => reason === "Unschedulable") ?? false,
  );
  const message = "0/1 nodes are available: 1 Insufficient memory.";
  assertEquals(pod.status?.conditions?.[0]?.message, message);
  await untilTold(cluster, "FailedScheduling", (told) => told === message);
  cluster.kubelet.refusePods(null);
  await untilPrinted(cluster, "up");
});

testOnCluster("what a frozen kubelet missed it does when it is thawed", async (cluster) => {
  const { api, namespace } = cluster;
  await runShell(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 1 });
  const { metadata } = await untilPrinted(cluster, "up");
  cluster.kubelet.freeze(true);
  await api.merge("statefulsets", namespace, SET, { spec: { replicas: 0 } });
  const pod = await untilPod(
    cluster,
    "it is to go",
    ({ metadata }) => metadata.deletionTimestamp !== undefined,
  );
  assertEquals(pod.metadata.uid, metadata.uid);
  assertEquals(cluster.kubelet.pids(namespace, POD).size, 1);
  cluster.kubelet.freeze(false);
  await eventually("it is gone", async () => await api.find("pods", namespace, POD) === null);
});

testOnCluster("a lost node's pods stay until it is back", async (cluster) => {
  const { api, namespace } = cluster;
  await runShell(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 1 });
  await untilPrinted(cluster, "up");
  await cluster.kubelet.loseNode();
  const ready = ({ status }: Pod) =>
    status?.conditions?.find(({ type }) => type === "Ready")?.status;
  await untilPod(cluster, "it is no longer ready", (pod) => ready(pod) === "False");
  await api.delete("pods", namespace, POD);
  const pod = await api.get<Pod>("pods", namespace, POD);
  assert(pod.metadata.deletionTimestamp !== undefined, "it is to go, and stays");
  await cluster.kubelet.returnNode();
  await untilPod(
    cluster,
    "another runs",
    ({ metadata, status }) => metadata.uid !== pod.metadata.uid && status?.phase === "Running",
  );
});

testOnCluster("of a container that never ran the end is not known", async (cluster) => {
  await runShell(cluster, "true", { image: "example/none:1" });
  await untilWaiting(cluster, "ErrImagePull");
  const last = await stopSet(cluster);
  assertEquals([endOf(last), last.status?.phase], [[137, "ContainerStatusUnknown"], "Failed"]);
});

testOnCluster("a kubelet that begins anew goes on with what runs", async (cluster) => {
  const { namespace } = cluster;
  await runShell(cluster, "trap 'exit 5' TERM; echo up; while :; do sleep 0.02; done");
  const { metadata } = await untilPrinted(cluster, "up");
  const pids = cluster.kubelet.pids(namespace, POD);
  cluster.kubelet.restart();
  assertEquals(cluster.kubelet.pids(namespace, POD), pids);
  const last = await stopSet(cluster);
  assertEquals([last.metadata.uid, endOf(last)], [metadata.uid, [5, "Error"]]);
});

testOnCluster("a pod that the node casts out has failed, and another comes", async (cluster) => {
  const { api, namespace, kubelet } = cluster;
  await runShell(cluster, "echo up; exec sleep 1000");
  const first = await untilPrinted(cluster, "up");
  const gone = await lastSeenPod(cluster, () => kubelet.evict(namespace, POD, "memory"));
  const { phase, reason, message } = gone.status ?? {};
  assertEquals([gone.metadata.uid, phase, reason, message], [
    first.metadata.uid,
    "Failed",
    "Evicted",
    "The node was low on resource: memory. ",
  ]);
  await untilPrinted(cluster, "up");
  assert((await api.get("pods", namespace, POD)).metadata.uid !== first.metadata.uid, "another");
});

testOnCluster(
  "the end of the log is told of a container that failed, where it is asked for",
  async (cluster) => {
    const policy = { terminationMessagePolicy: "FallbackToLogsOnError" };
    await runShell(cluster, "echo why; exit 1", policy);
    const pod = await untilWaiting(cluster, "CrashLoopBackOff");
    const ended = pod.status?.containerStatuses?.[0]?.lastState.terminated;
    assertEquals([ended?.exitCode, ended?.message], [1, "why\n"]);
  },
  FAST,
);
