/** The resources that the double serves. */

/** One kind of object and where it is served. */
export interface Resource {
  group: string;
  version: string;
  plural: string;
  kind: string;
  isNamespaced: boolean;
  /** Its type in `api_schema.json`. */
  schema: string;
  /** Other fields than `metadata.name` and `metadata.namespace` that a `fieldSelector` may name. */
  selectable: readonly string[];
  subresources: readonly string[];
  /** Whether a change of what isn't metadata or status counts up `metadata.generation`. */
  hasGeneration: boolean;
}

const core = (plural: string, kind: string, more: Partial<Resource> = {}): Resource => ({
  group: "",
  version: "v1",
  plural,
  kind,
  isNamespaced: true,
  schema: kind,
  selectable: [],
  subresources: [],
  hasGeneration: false,
  ...more,
});

/** All of them. */
export const RESOURCES: readonly Resource[] = [
  core("namespaces", "Namespace", { isNamespaced: false, subresources: ["status"] }),
  core("nodes", "Node", {
    isNamespaced: false,
    selectable: ["spec.unschedulable"],
    subresources: ["status"],
  }),
  core("pods", "Pod", {
    selectable: ["spec.nodeName", "spec.restartPolicy", "status.phase"],
    subresources: ["status", "log", "binding"],
    hasGeneration: true,
  }),
  core("services", "Service", { subresources: ["status"] }),
  core("configmaps", "ConfigMap"),
  core("secrets", "Secret", { selectable: ["type"] }),
  core("persistentvolumeclaims", "PersistentVolumeClaim", { subresources: ["status"] }),
  core("events", "Event", {
    selectable: [
      "involvedObject.kind",
      "involvedObject.namespace",
      "involvedObject.name",
      "involvedObject.uid",
      "reason",
      "type",
    ],
  }),
  core("statefulsets", "StatefulSet", {
    group: "apps",
    subresources: ["status", "scale"],
    hasGeneration: true,
  }),
];

/** By its name in a path. */
export function findResource(group: string, version: string, plural: string): Resource | null {
  return RESOURCES.find((resource) =>
    resource.group === group && resource.version === version && resource.plural === plural
  ) ?? null;
}

/** By its name; for parts of the double that know that it is there. */
export function resourceNamed(plural: string): Resource {
  const found = RESOURCES.find((resource) => resource.plural === plural);
  if (!found) throw new Error(`the double serves no ${plural}`);
  return found;
}

/** By what an object says that it is. */
export function resourceOfKind(apiVersion: string, kind: string): Resource | null {
  return RESOURCES.find((resource) =>
    resource.kind === kind && apiVersionOf(resource) === apiVersion
  ) ?? null;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The finalizer that keeps an owner until those that block its deletion are gone. */
export const FOREGROUND = "foregroundDeletion";

/** The finalizer that keeps a claim as long as a pod uses it. */
export const CLAIM_PROTECTION = "kubernetes.io/pvc-protection";
