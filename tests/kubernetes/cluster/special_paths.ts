/** Paths of the server that are about the server, and those of other API groups. */
import type { ApiFaults } from "./api_faults.ts";
import type { Answer } from "./api_requests.ts";
import { isFields } from "./kube_objects.ts";
import type { ObjectStore } from "./object_store.ts";
import { readBody } from "./request_body.ts";
import { apiVersionOf, findResource, resourceNamed, RESOURCES } from "./resources.ts";
import { notFound } from "./status_errors.ts";
import { podMetrics } from "./pod_metrics.ts";

/** Of the version whose fields `api_schema.json` has. */
const VERSION = {
  major: "1",
  minor: "34",
  gitVersion: "v1.34.4",
  gitCommit: "0000000000000000000000000000000000000000",
  gitTreeState: "clean",
  buildDate: "2026-01-01T00:00:00Z",
  goVersion: "go1.25.0",
  compiler: "gc",
  platform: "linux/amd64",
};

const METRICS = "metrics.k8s.io/v1beta1";

/** What these paths tell of. */
interface Served {
  store: ObjectStore;
  faults: ApiFaults;
}

/** The answer of such a path; null for a path of objects. */
export async function answerSpecial(
  double: Served,
  path: string,
  request: Request,
  user: string,
): Promise<Answer | null> {
  if (path === "/version") return { code: 200, body: VERSION };
  if (["/readyz", "/livez", "/healthz"].includes(path)) return { code: 200, body: "ok" };
  if (path === "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews") {
    return { code: 201, body: accessReview(double, await readBody(request), user) };
  }
  const listed = discovered(path, double.faults.hasMetrics);
  if (listed) return { code: 200, body: listed };
  const metrics = /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/([^/]+)\/pods(?:\/([^/]+))?$/
    .exec(path);
  if (!metrics) return null;
  // As of any group that is not there.
  if (!double.faults.hasMetrics) return null;
  const [, namespace = "", name = ""] = metrics;
  const resource = { ...resourceNamed("pods"), group: "metrics.k8s.io" };
  const target = { resource, namespace, name, subresource: "" };
  const verb = name === "" ? "list" : "get";
  if (double.faults.isForbidden(user, verb, target)) {
    throw double.faults.refusal(user, verb, target);
  }
  const items = await podMetrics(double.store, namespace);
  if (name === "") {
    const kind = { kind: "PodMetricsList", apiVersion: "metrics.k8s.io/v1beta1", metadata: {} };
    return { code: 200, body: { ...kind, items } };
  }
  const found = items.find(({ metadata }) => metadata.name === name);
  if (!found) throw notFound(resource, `${namespace}/${name}`);
  return { code: 200, body: found };
}

/** What the server says of the groups that it has, and of what is in them. */
function discovered(path: string, hasMetrics: boolean): unknown {
  const groups = ["apps/v1", ...(hasMetrics ? [METRICS] : [])];
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"] };
  if (path === "/apis") {
    const named = groups.map((groupVersion) => {
      const [name, version] = groupVersion.split("/");
      const preferredVersion = { groupVersion, version };
      return { name, versions: [preferredVersion], preferredVersion };
    });
    return { kind: "APIGroupList", apiVersion: "v1", groups: named };
  }
  const groupVersion = path === "/api/v1" ? "v1" : path.replace(/^\/apis\//, "");
  if (groupVersion !== "v1" && !groups.includes(groupVersion)) return null;
  const own = RESOURCES.filter((resource) => apiVersionOf(resource) === groupVersion);
  const resources = own.flatMap(({ plural, kind, isNamespaced, subresources }) =>
    ["", ...subresources.map((name) => `/${name}`)].map((suffix) => ({
      name: plural + suffix,
      singularName: suffix === "" ? kind.toLowerCase() : "",
      namespaced: isNamespaced,
      kind: suffix === "/scale" ? "Scale" : kind,
      verbs: ["create", "delete", "get", "list", "patch", "update", "watch"],
    }))
  );
  const pods = { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics" };
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: groupVersion === METRICS ? [{ ...pods, verbs: ["get", "list"] }] : resources,
  };
}

/** Whether the user may do something. */
function accessReview(double: Served, body: unknown, user: string): unknown {
  const spec = isFields(body) && isFields(body.spec) ? body.spec : {};
  const asked = (isFields(spec.resourceAttributes) ? spec.resourceAttributes : {}) as Record<
    string,
    string | undefined
  >;
  const resource = findResource(asked.group ?? "", asked.version ?? "v1", asked.resource ?? "") ??
    findResource(asked.group ?? "", "v1", asked.resource ?? "");
  const target = resource && {
    resource,
    namespace: asked.namespace ?? "",
    name: asked.name ?? "",
    subresource: asked.subresource ?? "",
  };
  const isForbidden = target !== null &&
    double.faults.isForbidden(user, asked.verb ?? "", target);
  return {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    metadata: {},
    spec,
    status: isForbidden ? { allowed: false } : { allowed: true, reason: "RBAC: allowed" },
  };
}
