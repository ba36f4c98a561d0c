/** What operators apply to a cluster: it is accepted there, as restricted as can be, and names settings that exist. */
import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";
import { parseSettings } from "../../config.ts";
import { VERSION } from "../../programs/version.ts";
import { type Command } from "../../settings/settings.ts";
import { parseHostPolicy, strictPolicy } from "../../workers/policy/host_policy.ts";
import type { KubeObject } from "../kubernetes/cluster/kube_objects.ts";
import { RESOURCES } from "../kubernetes/cluster/resources.ts";
import { testOnCluster } from "../kubernetes/cluster/test_cluster.ts";
import { type FileObject, fileObject, OBJECTS, templates } from "./kubernetes_files.ts";

const ROOT = new URL("../../", import.meta.url);
/** Of those that the test cluster's own server does not have. */
const OTHER_PLURALS: Record<string, string> = {
  Deployment: "deployments",
  NetworkPolicy: "networkpolicies",
  PodDisruptionBudget: "poddisruptionbudgets",
  Role: "roles",
  RoleBinding: "rolebindings",
  ServiceAccount: "serviceaccounts",
};
const VOLUMES: Record<string, string[]> = {
  redis: ["persistentVolumeClaim"],
  "draas-control-plane": [],
  "draas-worker": ["emptyDir", "configMap"],
};
const STRICT = { fieldValidation: "Strict" };

testOnCluster("every object is accepted", async (cluster) => {
  const { api, namespace } = cluster;
  const isReal = Deno.env.get("DRAAS_TEST_KUBECONFIG");
  for (const object of OBJECTS) {
    const { apiVersion, kind, metadata } = object;
    const served = RESOURCES.find((one) => one.kind === kind);
    if (served?.isNamespaced === false) {
      const name = `${namespace}-${metadata.name}`;
      const copy = { ...object, metadata: { ...metadata, name } };
      await api.apply(served.plural, copy as KubeObject, { ...STRICT, dryRun: "All" });
      await api.delete(served.plural, "", name).catch(() => {});
      continue;
    }
    const body = { ...object, metadata: { ...metadata, namespace }, ...specOf(object) };
    if (served) await api.apply(served.plural, body as KubeObject, STRICT);
    else if (isReal) {
      const path = `${root(apiVersion)}/namespaces/${namespace}/${
        OTHER_PLURALS[kind]
      }/${metadata.name}`;
      await api.call("PATCH", path, {
        body,
        type: "application/apply-patch+yaml",
        query: { ...STRICT, dryRun: "All" },
      });
    } else assert(kind in OTHER_PLURALS, `${kind} is one that somebody thought of`);
  }
});

testOnCluster("every pod is let into a namespace that is restricted", async (cluster) => {
  const { api, namespace } = cluster;
  await cluster.restrictPods();
  const found = templates();
  assertEquals(found.map(({ name }) => name), ["redis", "draas-control-plane", "draas-worker"]);
  for (const { name, pod, metadata } of found) {
    // The account of the worker is not there, and is none of this test's.
    const { serviceAccountName: _, ...spec } = pod;
    const body = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, name, namespace },
      spec,
    };
    await api.create("pods", namespace, body);
  }
});

Deno.test("both namespaces let in nothing that is not restricted", () => {
  const level = "pod-security.kubernetes.io/enforce";
  const found = OBJECTS.filter(({ kind }) => kind === "Namespace")
    .map(({ metadata: { name, labels } }) => [name, labels?.[level]]);
  assertEquals(found, [["draas", "restricted"], ["draas-servers", "restricted"]]);
});

for (const { name, pod } of templates()) {
  Deno.test(`${name} can write to its volumes alone, and knows only what it needs`, () => {
    const { automountServiceAccountToken, enableServiceLinks, containers } = pod;
    assertEquals(automountServiceAccountToken, name === "draas-worker");
    assertEquals(enableServiceLinks, false, "or a service named draas sets DRAAS_PORT");
    for (const { securityContext, resources } of containers) {
      assertEquals(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      assert(resources, "it is known what it takes");
    }
    const kinds = pod.volumes!.map((volume) => Object.keys(volume).find((key) => key !== "name"));
    assertEquals(kinds, VOLUMES[name]);
  });
}

for (const name of ["draas-control-plane", "draas-worker"]) {
  Deno.test(`${name} is a program of DRaaS with settings that it knows`, () => {
    const { pod } = templates().find((one) => one.name === name)!;
    const { image, args = [], env = [] } = pod.containers[0]!;
    assertEquals(image, "draas", "kustomization.yaml says which");
    const given: Record<string, string> = {
      REDIS_URL: "redis://r",
      DRAAS_API_TOKEN: "token-of-the-cluster-test",
      DRAAS_WORKER_ID: "draas-worker-0",
    };
    const environment = Object.fromEntries(
      env.map(({ name, value }) => [name, value ?? given[name] ?? ""]),
    );
    const [command, ...flags] = args;
    const parsed = parseSettings(command as Command, { args: flags, environment, file: null });
    assert(parsed.ok, JSON.stringify(parsed));
    if (name === "draas-worker") {
      const { workerId, kubernetesNamespace, workerPolicy } = parsed.value;
      assertEquals([workerId, kubernetesNamespace, workerPolicy], [
        "draas-worker-0",
        "draas-servers",
        "/etc/draas/worker.yaml",
      ]);
    } else assertEquals(parsed.value.host, "0.0.0.0");
  });
}

Deno.test("secrets are references, each to the secret of who needs it", () => {
  const found = templates().map(({ name, pod }) => {
    const { env = [], envFrom = [] } = pod.containers[0]!;
    return [name, env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef ?? []), envFrom];
  });
  const redisUrl = (name: string) => ({ name, key: "REDIS_URL" });
  assertEquals(found, [
    ["redis", [{ name: "draas-redis", key: "REDIS_PASSWORD" }], []],
    [
      "draas-control-plane",
      [redisUrl("draas-control-plane"), { name: "draas-control-plane", key: "DRAAS_API_TOKEN" }],
      [],
    ],
    [
      "draas-worker",
      [redisUrl("draas-worker")],
      [{ prefix: "DRAAS_SECRET_", secretRef: { name: "draas-secrets", optional: true } }],
    ],
  ]);
});

Deno.test("control planes are two, asked whether they are ready, and never all away at once", () => {
  const { spec } = fileObject("Deployment", "draas-control-plane");
  const { readinessProbe, livenessProbe } = spec!.template!.spec.containers[0]!;
  assertEquals(
    [spec!.replicas, readinessProbe?.httpGet?.path, livenessProbe?.httpGet?.path],
    [2, "/readyz", "/healthz"],
  );
  assertEquals(spec!.strategy, {
    type: "RollingUpdate",
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
  });
  const budget = fileObject("PodDisruptionBudget", "draas-control-plane").spec!;
  assertEquals(budget.minAvailable, 1);
  assertEquals(budget.selector, spec!.selector);
  const service = fileObject("Service", "draas-control-plane").spec!;
  assertEquals({ matchLabels: service.selector }, spec!.selector);
});

Deno.test("the policy that workers begin with is in order, and lets images run", () => {
  const text = fileObject("ConfigMap", "draas-worker").data!["worker.yaml"]!;
  const parsed = parseHostPolicy(parse(text), strictPolicy("worker.yaml"));
  assertEquals(parsed.ok && parsed.value.templates, ["image"]);
});

Deno.test("the image is that of this release", () => {
  const text = Deno.readTextFileSync(new URL("deploy/kubernetes/kustomization.yaml", ROOT));
  assertEquals(parse(text).images, [{ name: "draas", newTag: VERSION }]);
});

/** The volumes of its claims are put in, which the test cluster's own server does not know of. */
function specOf({ kind, metadata: { name }, spec }: FileObject): object {
  if (kind !== "StatefulSet") return {};
  const { pod } = templates().find((one) => one.name === name)!;
  return { spec: { ...spec, template: { ...spec!.template, spec: pod } } };
}

function root(apiVersion: string): string {
  return apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`;
}
