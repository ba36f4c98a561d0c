/** The node of the test cluster runs, restarts and ends containers, and tells of it, as a real kubelet does. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Container, Pod, PodSpec } from "./cluster/kube_objects.ts";
import { ApiRefusal } from "./cluster/api_client.ts";
import {
  eventsOf,
  lastSeenPod,
  POD,
  SET,
  shellSet,
  untilPod,
  untilPrinted,
  untilWaiting,
} from "./cluster/shell_set.ts";
import { SHELL_IMAGE, type TestCluster, testOnCluster } from "./cluster/test_cluster.ts";
import { eventually } from "../workers/process_world.ts";

const FAST = { backOffBaseMs: 300, backOffMaxMs: 2_000 };

async function run(
  { api, namespace }: TestCluster,
  script: string,
  container: Partial<Container> = {},
  pod: Partial<PodSpec> = {},
): Promise<void> {
  await api.apply("statefulsets", shellSet(namespace, script, container, pod));
}

function stop({ api, namespace }: TestCluster): Promise<Pod> {
  const replicas = { spec: { replicas: 0 } };
  return lastSeenPod(
    { api, namespace } as TestCluster,
    () => api.merge("statefulsets", namespace, SET, replicas),
  );
}

function endOf({ status }: Pod): [number | undefined, string | undefined] {
  const ended = status?.containerStatuses?.[0]?.state.terminated;
  return [ended?.exitCode, ended?.reason];
}

testOnCluster(
  "a container that ends is run again at once, then later and later",
  async (cluster) => {
    await run(cluster, "echo ran; exit 3");
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
      (await eventsOf(cluster, "BackOff"))[0] ?? "",
      /^Back-off restarting failed container app in pod web-0_/,
    );
  },
  FAST,
);

testOnCluster("a container that has done its work is run again too", async (cluster) => {
  await run(cluster, "exit 0");
  const pod = await untilWaiting(cluster, "CrashLoopBackOff");
  const ended = pod.status?.containerStatuses?.[0]?.lastState.terminated;
  assertEquals([ended?.exitCode, ended?.reason], [0, "Completed"]);
}, FAST);

testOnCluster("who has no handler for SIGTERM is killed after its grace", async (cluster) => {
  await run(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 1 });
  await untilPrinted(cluster, "up");
  const began = performance.now();
  assertEquals(endOf(await stop(cluster)), [137, "Error"]);
  assert(performance.now() - began >= 950, "the grace was kept");
});

testOnCluster(
  "with a shared process namespace SIGTERM ends who has no handler for it",
  async (cluster) => {
    await run(cluster, "echo up; exec sleep 1000", {}, { shareProcessNamespace: true });
    await untilPrinted(cluster, "up");
    assertEquals(endOf(await stop(cluster)), [143, "Error"]);
  },
);

testOnCluster(
  "a hook is run before the stop, and can end the process by itself",
  async (cluster) => {
    const lifecycle = { preStop: { exec: { command: ["sh", "-c", "kill -INT 1"] } } };
    await run(cluster, "trap 'exit 9' INT; echo up; while :; do sleep 0.02; done", { lifecycle });
    await untilPrinted(cluster, "up");
    assertEquals(endOf(await stop(cluster)), [9, "Error"]);
  },
);

testOnCluster("a second deletion with less grace hastens the first", async (cluster) => {
  const { api, namespace } = cluster;
  await run(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 30 });
  await untilPrinted(cluster, "up");
  const last = await lastSeenPod(cluster, async () => {
    await api.delete("pods", namespace, POD);
    await api.delete("pods", namespace, POD, { gracePeriodSeconds: 1 });
  });
  assertEquals(endOf(last), [137, "Error"]);
});

testOnCluster("memory that runs out kills the container, which is run again", async (cluster) => {
  await run(cluster, "echo up; exec sleep 1000");
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

testOnCluster("an image that is not there is waited for", async (cluster) => {
  await run(cluster, "echo up; exec sleep 1000", { image: "example/none:1" });
  await untilWaiting(cluster, "ErrImagePull");
  const pod = await untilWaiting(cluster, "ImagePullBackOff");
  const waiting = pod.status?.containerStatuses?.[0]?.state.waiting;
  assertMatch(waiting?.message ?? "", /^Back-off pulling image "example\/none:1": ErrImagePull: /);
  assertEquals(pod.status?.phase, "Pending");
  const failed = await eventsOf(cluster, "Failed");
  assert(failed.includes("Error: ErrImagePull"), failed.join("; "));
  cluster.kubelet.images.push("example/none:1");
  await untilPrinted(cluster, "up");
}, FAST);

testOnCluster("an image is pulled as slowly as it is", async (cluster) => {
  const gate = Promise.withResolvers<void>();
  cluster.kubelet.images.gate = gate.promise;
  await run(cluster, "echo up; exec sleep 1000");
  await untilWaiting(cluster, "ContainerCreating");
  await eventually("it is told", async () => (await eventsOf(cluster, "Pulling")).length === 1);
  gate.resolve();
  await untilPrinted(cluster, "up");
});

testOnCluster("an image's own program runs where the pod names none", async (cluster) => {
  await run(cluster, "", { image: "example/server:1", command: [], args: ["of args"] });
  await untilPrinted(cluster, "of args in an image");
}, {
  images: {
    "example/server:1": {
      entrypoint: ["sh", "-c", 'echo "$0 in $PLACE"; exec sleep 1000'],
      cmd: ["of cmd"],
      env: { PLACE: "an image" },
    },
  },
});

testOnCluster("a program that is not there is told and tried again", async (cluster) => {
  await run(cluster, "", { command: ["/no/such/program"] });
  const pod = await untilWaiting(cluster, "CrashLoopBackOff");
  const ended = pod.status?.containerStatuses?.[0]?.lastState.terminated;
  assertEquals([ended?.exitCode, ended?.reason], [128, "StartError"]);
  assertMatch(ended?.message ?? "", /exec: "\/no\/such\/program": .*no such file or directory/);
}, FAST);

testOnCluster(
  "the environment is made of values, secrets, config maps and fields",
  async (cluster) => {
    const { api, namespace } = cluster;
    await run(cluster, 'echo "$A|$B|$C|$D|$E"; exec sleep 1000', {
      env: [
        { name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
        { name: "B", valueFrom: { configMapKeyRef: { name: "c", key: "k", optional: true } } },
        { name: "C", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "D", value: "$(C) and $(NONE) and $$(C)" },
        { name: "E", value: "" },
      ],
    });
    const pod = await untilWaiting(cluster, "CreateContainerConfigError");
    assertEquals(
      pod.status?.containerStatuses?.[0]?.state.waiting?.message,
      'secret "s" not found',
    );
    await api.create("secrets", namespace, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      stringData: { other: "x" },
    });
    await untilPod(
      cluster,
      "the key is missed",
      ({ status }) =>
        status?.containerStatuses?.[0]?.state.waiting?.message ===
          `couldn't find key k in Secret ${namespace}/s`,
    );
    await api.merge("secrets", namespace, "s", { stringData: { k: "secret" } });
    await untilPrinted(cluster, "secret||web-0|web-0 and $(NONE) and $(C)|");
  },
);

testOnCluster("files of config maps and secrets are where they are mounted", async (cluster) => {
  const { api, namespace } = cluster;
  await run(cluster, "cat /etc/app/one.yaml /etc/app-secret; exec sleep 1000", {
    volumeMounts: [
      { name: "config", mountPath: "/etc/app" },
      { name: "secret", mountPath: "/etc/app-secret", subPath: "k" },
    ],
  }, {
    volumes: [
      { name: "config", configMap: { name: "c" } },
      { name: "secret", secret: { secretName: "s" } },
    ],
  });
  const [message = ""] = await eventually("it is told", async () => {
    const told = await eventsOf(cluster, "FailedMount");
    return told.length > 0 && told;
  });
  assertMatch(message, /^MountVolume.SetUp failed for volume "config" : configmap "c" not found$/);
  for (const [kind, name] of [["ConfigMap", "c"], ["Secret", "s"]] as const) {
    const data = kind === "Secret"
      ? { stringData: { k: "of a secret\n" } }
      : { data: { "one.yaml": "of a map\n" } };
    await api.create(kind === "Secret" ? "secrets" : "configmaps", namespace, {
      apiVersion: "v1",
      kind,
      metadata: { name },
      ...data,
    });
  }
  await untilPrinted(cluster, "of a secret");
  assertEquals(await api.log(namespace, POD), "of a map\nof a secret\n");
});

testOnCluster(
  "a readiness probe says when the pod is ready, and when it no longer is",
  async (cluster) => {
    const ready = await Deno.makeTempFile();
    try {
      await Deno.remove(ready);
      await run(cluster, "echo up; exec sleep 1000", {
        readinessProbe: {
          exec: { command: ["cat", ready] },
          periodSeconds: 1,
          failureThreshold: 1,
        },
      }, { terminationGracePeriodSeconds: 0 });
      const isReady = ({ status }: Pod) => status?.containerStatuses?.[0]?.ready === true;
      const pod = await untilPrinted(cluster, "up");
      assertEquals([isReady(pod), pod.status?.containerStatuses?.[0]?.started], [false, true]);
      const [message = ""] = await eventually("it is told", async () => {
        const told = await eventsOf(cluster, "Unhealthy");
        return told.length > 0 && told;
      });
      assertMatch(message, /^Readiness probe failed: .*cat: .*No such file/);
      await Deno.writeTextFile(ready, "");
      await untilPod(cluster, "it is ready", isReady);
      await Deno.remove(ready);
      await untilPod(cluster, "it no longer is", (each) => !isReady(each));
    } finally {
      await Deno.remove(ready).catch(() => {});
    }
  },
);

testOnCluster(
  "probes by connection and by request reach the container's ports",
  async (cluster) => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) =>
        new Response("", { status: new URL(request.url).pathname === "/well" ? 200 : 503 }),
    );
    try {
      const { port } = server.addr;
      await run(cluster, "echo up; exec sleep 1000", {
        ports: [{ name: "http", containerPort: port }],
        startupProbe: { tcpSocket: { port }, periodSeconds: 1 },
        readinessProbe: { httpGet: { port: "http", path: "/well" }, periodSeconds: 1 },
        livenessProbe: {
          httpGet: { port, path: "/ill" },
          initialDelaySeconds: 1,
          failureThreshold: 1,
        },
      }, { terminationGracePeriodSeconds: 0 });
      await untilPod(
        cluster,
        "it was ready",
        ({ status }) => status?.containerStatuses?.[0]?.ready === true,
      );
      const pod = await untilPod(
        cluster,
        "it is run again",
        ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 0,
      );
      assertEquals(pod.status?.containerStatuses?.[0]?.lastState.terminated?.exitCode, 137);
      assert(
        (await eventsOf(cluster, "Unhealthy")).includes(
          "Liveness probe failed: HTTP probe failed with statuscode: 503",
        ),
      );
      assert(
        (await eventsOf(cluster, "Killing")).includes(
          "Container app failed liveness probe, will be restarted",
        ),
      );
    } finally {
      await server.shutdown();
    }
  },
);

testOnCluster(
  "a log is given out from a time on, from its end, and as it grows",
  async (cluster) => {
    const { api, namespace } = cluster;
    await run(
      cluster,
      "trap 'exit 0' TERM; echo one; echo two; echo three >&2; while :; do sleep 0.02; done",
    );
    await untilPrinted(cluster, "three");
    assertEquals(await api.log(namespace, POD, { tailLines: 1 }), "three\n");
    assertEquals(await api.log(namespace, POD, { limitBytes: 5 }), "one\nt");
    const lines = (await api.log(namespace, POD, { timestamps: true })).trim().split("\n");
    const times = lines.map((line) => line.split(" ")[0] ?? "");
    assertEquals([...times].sort(), times);
    const following = api.log(namespace, POD, { follow: true, tailLines: 0 });
    await stop(cluster);
    assertEquals(await following, "");
    const error = await api.log(namespace, POD).then(() => null, (error) => error);
    assert(error instanceof ApiRefusal && error.code === 404, String(error));
  },
);

testOnCluster("a pod that finds no place says so", async (cluster) => {
  cluster.kubelet.refusePods("1 Insufficient memory");
  await run(cluster, "echo up; exec sleep 1000");
  const pod = await untilPod(
    cluster,
    "it has no place",
    ({ status }) => status?.conditions?.some(({ reason }) => reason === "Unschedulable") ?? false,
  );
  const message = "0/1 nodes are available: 1 Insufficient memory.";
  assertEquals(pod.status?.conditions?.[0]?.message, message);
  await eventually(
    "it is told",
    async () => (await eventsOf(cluster, "FailedScheduling"))[0] === message,
  );
  cluster.kubelet.refusePods(null);
  await untilPrinted(cluster, "up");
});

testOnCluster("what a frozen kubelet missed it does when it is thawed", async (cluster) => {
  const { api, namespace } = cluster;
  await run(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 1 });
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
  await run(cluster, "echo up; exec sleep 1000", {}, { terminationGracePeriodSeconds: 1 });
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

testOnCluster("an image with a name that can't be is told", async (cluster) => {
  await run(cluster, "true", { image: `${SHELL_IMAGE.toUpperCase()}` });
  await untilWaiting(cluster, "InvalidImageName");
});
