/** What containers of the test cluster are given, how they are probed, and how their logs are read. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { ApiRefusal } from "./cluster/api_client.ts";
import type { Pod } from "./cluster/kube_objects.ts";
import {
  POD,
  runShell,
  stopSet,
  untilPod,
  untilPrinted,
  untilTold,
  untilWaiting,
} from "./cluster/shell_set.ts";
import { SHELL_IMAGE, testOnCluster } from "./cluster/test_cluster.ts";

const FAST = { backOffBaseMs: 300, backOffMaxMs: 2_000 };

testOnCluster("an image that is not there is waited for", async (cluster) => {
  await runShell(cluster, "echo up; exec sleep 1000", { image: "example/none:1" });
  await untilWaiting(cluster, "ErrImagePull");
  const pod = await untilWaiting(cluster, "ImagePullBackOff");
  const waiting = pod.status?.containerStatuses?.[0]?.state.waiting;
  assertMatch(waiting?.message ?? "", /^Back-off pulling image "example\/none:1": ErrImagePull: /);
  assertEquals(pod.status?.phase, "Pending");
  await untilTold(cluster, "Failed", (told) => told === "Error: ErrImagePull");
  cluster.kubelet.images.push("example/none:1");
  await untilPrinted(cluster, "up");
}, FAST);

testOnCluster("an image is pulled as slowly as it is", async (cluster) => {
  const gate = Promise.withResolvers<void>();
  cluster.kubelet.images.gate = gate.promise;
  await runShell(cluster, "echo up; exec sleep 1000");
  await untilWaiting(cluster, "ContainerCreating");
  await untilTold(cluster, "Pulling");
  gate.resolve();
  await untilPrinted(cluster, "up");
});

testOnCluster("an image's own program runs where the pod names none", async (cluster) => {
  await runShell(cluster, "", { image: "example/server:1", command: [], args: ["of args"] });
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
  await runShell(cluster, "", { command: ["/no/such/program"] });
  const pod = await untilWaiting(cluster, "CrashLoopBackOff");
  const ended = pod.status?.containerStatuses?.[0]?.lastState.terminated;
  assertEquals([ended?.exitCode, ended?.reason], [128, "StartError"]);
  assertMatch(ended?.message ?? "", /exec: "\/no\/such\/program": .*no such file or directory/);
}, FAST);

testOnCluster(
  "the environment is made of values, secrets, config maps and fields",
  async (cluster) => {
    const { api, namespace } = cluster;
    await runShell(cluster, 'echo "$A|$B|$C|$D|$E"; exec sleep 1000', {
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
  await runShell(cluster, "cat /etc/app/one.yaml /etc/app-secret; exec sleep 1000", {
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
  const [message = ""] = await untilTold(cluster, "FailedMount");
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
      await runShell(cluster, "echo up; exec sleep 1000", {
        readinessProbe: {
          exec: { command: ["cat", ready] },
          periodSeconds: 1,
          failureThreshold: 1,
        },
      }, { terminationGracePeriodSeconds: 0 });
      const isReady = ({ status }: Pod) => status?.containerStatuses?.[0]?.ready === true;
      const pod = await untilPrinted(cluster, "up");
      assertEquals([isReady(pod), pod.status?.containerStatuses?.[0]?.started], [false, true]);
      const [message = ""] = await untilTold(cluster, "Unhealthy");
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
      await runShell(cluster, "echo up; exec sleep 1000", {
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
      await untilTold(
        cluster,
        "Unhealthy",
        (told) => told === "Liveness probe failed: HTTP probe failed with statuscode: 503",
      );
      await untilTold(
        cluster,
        "Killing",
        (told) => told === "Container app failed liveness probe, will be restarted",
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
    await runShell(
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
    await stopSet(cluster);
    assertEquals(await following, "");
    const error = await api.log(namespace, POD).then(() => null, (error) => error);
    assert(error instanceof ApiRefusal && error.code === 404, String(error));
  },
);

testOnCluster("an image with a name that can't be is told", async (cluster) => {
  await runShell(cluster, "true", { image: `${SHELL_IMAGE.toUpperCase()}` });
  await untilWaiting(cluster, "InvalidImageName");
});

testOnCluster("where there is no log, it is told why", async (cluster) => {
  const { api, namespace } = cluster;
  const refused = async (query: Record<string, string>) => {
    const error = await api.log(namespace, POD, query).then(() => null, (error) => error);
    assert(error instanceof ApiRefusal, String(error));
    return [error.code, error.reason, error.status.message];
  };
  await runShell(cluster, "echo up; exec sleep 1000", { image: "example/none:1" });
  await untilWaiting(cluster, "ImagePullBackOff");
  const app = 'container "app" in pod "web-0"';
  const waits = `${app} is waiting to start: trying and failing to pull image`;
  assertEquals(await refused({}), [400, "BadRequest", waits]);
  cluster.kubelet.images.push("example/none:1");
  await untilPrinted(cluster, "up");
  const none = `previous terminated ${app} not found`;
  assertEquals(await refused({ previous: "true" }), [400, "BadRequest", none]);
  const other = "container other is not valid for pod web-0";
  assertEquals(await refused({ container: "other" }), [400, "BadRequest", other]);
}, { backOffBaseMs: 1_000 });

testOnCluster(
  "between two runs the log of the last one is the previous one too",
  async (cluster) => {
    const { api, namespace } = cluster;
    const folder = await Deno.makeTempDir();
    try {
      await runShell(cluster, `echo run >> ${folder}/runs; wc -l < ${folder}/runs; exit 1`);
      await untilPod(
        cluster,
        "it waits after its second run",
        ({ status }) =>
          status?.containerStatuses?.[0]?.restartCount === 1 &&
          status.containerStatuses[0].state.waiting !== undefined,
      );
      assertEquals(await api.log(namespace, POD), "2\n");
      assertEquals(await api.log(namespace, POD, { previous: true }), "2\n");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  { backOffBaseMs: 5_000 },
);
