/** The double's switches: what a server refuses, loses, forgets and tells late, in the words of a real one. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ApiClient, ApiRefusal, type WatchEvent } from "./cluster/api_client.ts";
import type { KubeObject } from "./cluster/kube_objects.ts";
import { POD, SET, shellSet, untilPrinted } from "./cluster/shell_set.ts";
import { type TestCluster, testOnDouble, withTestCluster } from "./cluster/test_cluster.ts";
import { testWith } from "../support/tools.ts";
import { eventually } from "../workers/process_world.ts";

const configMap = (name: string, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data: { k: "v" },
});

async function refusal(act: () => Promise<unknown>): Promise<ApiRefusal> {
  return await assertRejects(act, ApiRefusal);
}

/** Collects the events of a watch until it ends. */
function watched(
  { worker: api, namespace }: TestCluster,
  query: Record<string, string>,
): { events: WatchEvent[]; ended: Promise<void>; abort(): void } {
  const abort = new AbortController();
  const events: WatchEvent[] = [];
  const ended = (async () => {
    for await (const event of api.watch("configmaps", namespace, query, abort.signal)) {
      events.push(event);
    }
  })();
  return { events, ended, abort: () => abort.abort() };
}

testOnDouble("who has no token is not let in", async ({ url }) => {
  const stranger = new ApiClient({ url, token: "wrong" }, "stranger");
  const { code, reason, status } = await refusal(() => stranger.list("pods", "default"));
  assertEquals([code, reason, status.message], [401, "Unauthorized", "Unauthorized"]);
  stranger.close();
});

testOnDouble("who may not is told what", async ({ worker, namespace, double }) => {
  double.faults.forbid({ verb: "list", resource: "pods" });
  double.faults.forbid({ verb: "patch", resource: "statefulsets/scale" });
  const listed = await refusal(() => worker.list("pods", namespace));
  assertEquals(
    [listed.code, listed.status.message],
    [
      403,
      `pods is forbidden: User "worker" cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
    ],
  );
  const scaled = await refusal(() => worker.merge("statefulsets", namespace, SET, {}, "scale"));
  assertEquals(
    scaled.status.message,
    `statefulsets.apps "web" is forbidden: User "worker" cannot patch resource "statefulsets/scale" in API group "apps" in the namespace "${namespace}"`,
  );
  const ask = (resource: string) =>
    worker.call<{ status: { allowed: boolean } }>(
      "POST",
      "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      {
        body: {
          spec: { resourceAttributes: { namespace, verb: "list", resource, version: "v1" } },
        },
      },
    );
  assertEquals((await ask("pods")).status.allowed, false);
  assertEquals((await ask("secrets")).status.allowed, true);
});

testOnDouble(
  "a server that has too much to do says when to come again",
  async ({ worker: api, token, double }) => {
    double.faults.fail({ status: 429, count: 1, retryAfterSeconds: 3 });
    const path = api.path("namespaces", "", "kube-system");
    const response = await fetch(double.url + path, {
      headers: { authorization: `Bearer ${token}` },
    });
    assertEquals([response.status, response.headers.get("retry-after")], [429, "3"]);
    assertEquals((await response.json()).reason, "TooManyRequests");
    assert((await api.get("namespaces", "", "kube-system")).metadata.uid, "and then it answers");
  },
);

testOnDouble(
  "errors of the server come as often as they are to",
  async ({ worker: api, namespace, double }) => {
    const matches = ({ method }: { method: string }) => method === "POST";
    double.faults.fail({ status: 500, count: 1, matches });
    double.faults.fail({ status: 503, count: 1, matches });
    const create = () => api.create("configmaps", namespace, configMap("a"));
    assertEquals((await refusal(create)).code, 500);
    assertEquals((await refusal(create)).code, 503);
    await create();
  },
);

testOnDouble(
  "an answer that is lost leaves what was done",
  async ({ worker: api, namespace, double }) => {
    const matches = ({ method }: { method: string }) => method === "POST";
    double.faults.fail({ status: "lost", count: 1, matches });
    await assertRejects(() => api.create("configmaps", namespace, configMap("a")), TypeError);
    assertEquals(
      (await refusal(() => api.create("configmaps", namespace, configMap("a")))).reason,
      "AlreadyExists",
    );
  },
);

testOnDouble(
  "another's write comes between a read and a write",
  async ({ worker: api, namespace, double }) => {
    const { metadata } = await api.create<KubeObject>("configmaps", namespace, configMap("a"));
    const other = api.as("other");
    double.faults.beforeNext(({ method }) => method === "PATCH", async () => {
      await other.merge("configmaps", namespace, "a", { data: { k: "theirs" } });
    });
    const patch = { metadata: { resourceVersion: metadata.resourceVersion }, data: { k: "mine" } };
    const { code, status } = await refusal(() => api.merge("configmaps", namespace, "a", patch));
    assertEquals(
      [code, status.message],
      [
        409,
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
      ],
    );
    other.close();
  },
);

testOnDouble("a watch tells what begins and ceases to match, and where it is", async (cluster) => {
  const { api, namespace } = cluster;
  const watch = watched(cluster, {
    labelSelector: "app=x",
    allowWatchBookmarks: "true",
    timeoutSeconds: "1",
  });
  await api.create("configmaps", namespace, configMap("a", { app: "y" }));
  await api.merge("configmaps", namespace, "a", { metadata: { labels: { app: "x" } } });
  await api.merge("configmaps", namespace, "a", { data: { k: "w" } });
  await api.merge("configmaps", namespace, "a", { metadata: { labels: { app: "y" } } });
  await watch.ended;
  const kinds = watch.events.map(({ type }) => type);
  assertEquals(kinds.slice(0, 3), ["ADDED", "MODIFIED", "DELETED"]);
  const [bookmark] = watch.events.slice(3);
  assertEquals(bookmark, {
    type: "BOOKMARK",
    object: {
      kind: "ConfigMap",
      apiVersion: "v1",
      metadata: { resourceVersion: bookmark?.object.metadata.resourceVersion ?? "" },
    } as KubeObject,
  });
}, { bookmarkEveryMs: 200 });

testOnDouble(
  "a place that is forgotten is told as it is by a real server, or by the status",
  async (cluster) => {
    const { api, namespace, double } = cluster;
    const { metadata } = await api.create<KubeObject>("configmaps", namespace, configMap("a"));
    const resourceVersion = metadata.resourceVersion ?? "";
    const running = watched(cluster, { resourceVersion });
    await eventually("it is watched", () => double.watchCount >= 2);
    await api.create("configmaps", namespace, configMap("b"));
    await eventually("it is told", () => running.events.length === 1);
    double.compact();
    await running.ended;
    const late = watched(cluster, { resourceVersion });
    await late.ended;
    for (const { type, object } of [running.events.at(-1)!, late.events[0]!]) {
      assertEquals([type, object.code, object.reason, object.kind], [
        "ERROR",
        410,
        "Expired",
        "Status",
      ]);
      assertMatch(String(object.message), /^too old resource version: \d+ \(\d+\)$/);
    }
    double.faults.goneAs = "status";
    const refused = watched(cluster, { resourceVersion });
    assertEquals((await refusal(() => refused.ended)).code, 410);
  },
);

testOnDouble("a page of a list that is forgotten is told", async ({ api, namespace, double }) => {
  for (const name of ["a", "b"]) await api.create("configmaps", namespace, configMap(name));
  const path = api.path("configmaps", namespace);
  const { metadata } = await api.call<{ metadata: { continue: string } }>("GET", path, {
    query: { limit: 1 },
  });
  await api.create("configmaps", namespace, configMap("c"));
  double.compact();
  const query = { limit: 1, continue: metadata.continue };
  const { code, reason } = await refusal(() => api.call("GET", path, { query }));
  assertEquals([code, reason], [410, "Expired"]);
});

testOnDouble("watches end when the server ends them, or break off", async (cluster) => {
  const ended = watched(cluster, {});
  await eventually("it is watched", () => cluster.double.watchCount >= 2);
  cluster.double.endWatches("ended", "configmaps");
  await ended.ended;
  const broken = watched(cluster, {});
  await eventually("it is watched", () => cluster.double.watchCount >= 2);
  cluster.double.endWatches("broken", "configmaps");
  await assertRejects(() => broken.ended);
});

testOnDouble("a watch can fall silent without an end", async (cluster) => {
  const { api, namespace, double } = cluster;
  const silent = watched(cluster, {});
  await eventually("it is watched", () => double.watchCount >= 2);
  double.holdWatches(true, "configmaps");
  await api.create("configmaps", namespace, configMap("a"));
  const other = watched(cluster, {});
  await eventually("another is told", () => other.events.length === 1);
  assertEquals(silent.events, []);
  double.holdWatches(false);
  await eventually("it is told after all", () => silent.events.length === 1);
  for (const watch of [silent, other]) {
    watch.abort();
    await assertRejects(() => watch.ended);
  }
});

testOnDouble("a version that has not been is told", async (cluster) => {
  const watch = watched(cluster, { resourceVersion: "999999" });
  const { code, status } = await refusal(() => watch.ended);
  assertEquals(code, 504);
  assertMatch(
    String(status.message),
    /^Timeout: Too large resource version: 999999, current: \d+$/,
  );
});

testOnDouble("what a pod uses is measured, where the cluster measures", async (cluster) => {
  const { api, namespace, double } = cluster;
  await api.apply("statefulsets", shellSet(namespace, "echo up; while :; do :; done"));
  await untilPrinted(cluster, "up");
  const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`;
  const { containers } = await api.call<
    { containers: { name: string; usage: Record<string, string> }[] }
  >("GET", `${path}/${POD}`);
  assertEquals(containers[0]?.name, "app");
  assertMatch(containers[0]?.usage.cpu ?? "", /^\d+n$/);
  assertMatch(containers[0]?.usage.memory ?? "", /^\d+Ki$/);
  double.faults.hasMetrics = false;
  assertEquals((await refusal(() => api.call("GET", path))).code, 404);
  const { groups } = await api.call<{ groups: { name: string }[] }>("GET", "/apis");
  assertEquals(groups.map(({ name }) => name), ["apps"]);
});

testOnDouble("a stop signal is kept only where the feature is on", async (cluster) => {
  const { api, namespace, double } = cluster;
  const set = shellSet(
    namespace,
    "trap 'echo got INT; exit 4' INT; echo up; while :; do sleep 0.02; done",
    {
      lifecycle: { stopSignal: "SIGINT" },
    },
  );
  const hasSignal = async () =>
    JSON.stringify(await api.get("statefulsets", namespace, SET)).includes("SIGINT");
  await api.apply("statefulsets", set);
  assertEquals(await hasSignal(), false);
  await api.delete("statefulsets", namespace, SET);
  await eventually("the pod is gone", async () => await api.find("pods", namespace, POD) === null);
  double.faults.admission.keepsStopSignals = true;
  await api.apply("statefulsets", set);
  assertEquals(await hasSignal(), true);
  await untilPrinted(cluster, "up");
  const following = api.log(namespace, POD, { follow: true, tailLines: 0 });
  await api.merge("statefulsets", namespace, SET, { spec: { replicas: 0 } });
  assertEquals(await following, "got INT\n");
});

testOnDouble("a namespace goes with all that is in it", async ({ api }) => {
  const metadata = { name: "other" };
  const before = await api.create<KubeObject>("namespaces", "", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata,
  });
  await api.create("configmaps", "other", configMap("a"));
  await api.delete("namespaces", "", "other");
  const late = await refusal(() => api.create("configmaps", "other", configMap("b")));
  assertEquals(
    [late.code, late.status.message],
    [
      403,
      'configmaps "b" is forbidden: unable to create new content in namespace other because it is being terminated',
    ],
  );
  await eventually("it is gone", async () => await api.find("namespaces", "", "other") === null);
  const after = await api.create<KubeObject>("namespaces", "", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata,
  });
  assert(after.metadata.uid !== before.metadata.uid, "it is another one");
});

testOnDouble(
  "an apply may be written as YAML, as kubectl does",
  async ({ url, token, namespace }) => {
    const path = `/api/v1/namespaces/${namespace}/configmaps/a?fieldManager=kubectl`;
    const response = await fetch(url + path, {
      method: "PATCH",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/apply-patch+yaml",
      },
      body: "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: v\n",
    });
    assertEquals(response.status, 201);
    const { metadata, data } = await response.json() as KubeObject;
    assertEquals(data, { k: "v" });
    const owned = metadata.managedFields?.map((
      { manager, operation, fieldsV1 },
    ) => [manager, operation, fieldsV1]);
    assertEquals(owned, [["kubectl", "Apply", { "f:data": { "f:k": {} } }]]);
  },
);

testWith(
  ["openssl"],
  "a server with TLS is known by the authority in the kubeconfig",
  () =>
    withTestCluster(async (cluster) => {
      assertMatch(cluster.url, /^https:/);
      assertMatch(cluster.kubeconfig, /certificate-authority-data: /);
      await cluster.worker.get("namespaces", "", cluster.namespace);
      const path = cluster.worker.path("namespaces", "");
      await assertRejects(() => fetch(cluster.url + path), TypeError);
    }, { hasTls: true }),
);
