/** The role of `deploy/kubernetes/worker.yaml` beside what the worker asks a cluster for: neither less nor more. */
import { assertEquals } from "@std/assert";
import { NO_FENCE } from "../../workers/platform.ts";
import { accessByText, type ClusterAccess } from "../../workers/kubernetes/cluster_access.ts";
import { shellImage } from "../kubernetes/kubernetes_world.ts";
import { inWorld, refused, started } from "../kubernetes/started.ts";
import { eventually } from "../workers/process_world.ts";
import { fileObject, OBJECTS } from "./kubernetes_files.ts";

const VERBS: Record<string, string> = { POST: "create", PATCH: "patch", DELETE: "delete" };

/** As a role has it: `get apps/statefulsets`. A request of server-side apply may come to be a create. */
function rightsFor(path: string, { method = "GET", headers }: RequestInit): string[] {
  const { pathname, searchParams } = new URL(path, "http://cluster");
  const inNamespace = /^\/apis?\/(?:([a-z0-9.]+)\/)?v1(?:beta1)?\/namespaces\/[^/]+(.*)$/;
  const [, group = "", rest = ""] = inNamespace.exec(pathname) ?? [];
  const [resource = "namespaces", name, subresource] = rest.split("/").filter((one) => one !== "");
  const isOne = name !== undefined || resource === "namespaces";
  const read = isOne ? "get" : searchParams.has("watch") ? "watch" : "list";
  const what = `${group}/${resource}${subresource ? `/${subresource}` : ""}`;
  const isApply = new Headers(headers).get("content-type")?.includes("apply-patch") ?? false;
  return [VERBS[method] ?? read, ...(isApply ? ["create"] : [])].map((verb) => `${verb} ${what}`);
}

/** Writes down what is asked. */
function watched(access: ClusterAccess, rights: Set<string>): ClusterAccess {
  const fetch = access.fetch.bind(access);
  access.fetch = (path, request) => {
    for (const right of rightsFor(path, request)) rights.add(right);
    return fetch(path, request);
  };
  return access;
}

function rightsOfRole(): string[] {
  const { rules = [] } = fileObject("Role", "draas-worker");
  return rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`))
    )
  );
}

inWorld("the role is what a worker asks for in all that it does", async (world) => {
  const { cluster, secretsFolder, reopen } = world;
  await Deno.writeTextFile(`${secretsFolder}/db`, "hunter-2-hunter", { mode: 0o600 });
  const rights = new Set<string>();
  const choice = { context: null, namespace: cluster.namespace };
  const access = watched(accessByText(cluster.kubeconfig, choice), rights);
  const platform = await reopen({ access });
  const more = {
    env: { DB: "${secret:db}" },
    ports: [{ port: 6379 }],
    volumes: [{ name: "data", path: "/data" }],
  };
  await started(platform, shellImage("echo begun; exec sleep 1000", more));
  await eventually("its output is read", async () => (await platform.logs("i-1", 1)).length > 0);
  await eventually("what it uses was asked", () => {
    platform.metrics();
    return [...rights].some((right) => right.includes("metrics.k8s.io"));
  });
  const drasi = { template: "drasi-server", instanceId: "i-2" } as const;
  assertEquals((await refused(platform, {}, drasi)).code, "image_unavailable");
  await platform.inventory();
  await platform.stop("i-1", NO_FENCE);
  await cluster.limitPods(0);
  const again = { fence: { generation: 2, attempt: 1 } };
  assertEquals((await refused(platform, shellImage("exit"), again)).code, "quota_exceeded");
  await cluster.limitPods(null);
  await platform.remove("i-1", NO_FENCE);
  assertEquals([...rights].sort(), rightsOfRole().sort());
});

Deno.test("the role counts where the servers are, and is the worker's alone", () => {
  const [role, binding] = ["Role", "RoleBinding"].map((kind) => fileObject(kind, "draas-worker"));
  const places = [role, binding].map((one) => one!.metadata.namespace);
  assertEquals(places, ["draas-servers", "draas-servers"]);
  assertEquals(binding!.subjects, [
    { kind: "ServiceAccount", name: "draas-worker", namespace: "draas" },
  ]);
  const others = OBJECTS.filter(({ kind }) => /Role/.test(kind));
  assertEquals(others.length, 2, "no other rights are given, and none in the whole cluster");
  // Who may patch a secret sees it in the answer.
  const elsewhere = OBJECTS.filter(({ spec }) => spec?.template)
    .map(({ metadata: { namespace } }) => namespace);
  assertEquals([...new Set(elsewhere)], ["draas"], "nothing of DRaaS is where the servers are");
});
