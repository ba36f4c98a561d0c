/** What admission plugins refuse: quotas of pods, and pods that a namespace's level of security forbids. */
import type { KubeObject, Pod } from "./kube_objects.ts";
import type { ObjectStore } from "./object_store.ts";
import { restrictedViolations } from "./pod_security.ts";
import { type Resource, resourceNamed } from "./resources.ts";
import { forbidden } from "./status_errors.ts";

/** What is switched on. */
export interface Admission {
  /** At most so many pods, by namespace. */
  podQuotas: Map<string, { name: string; pods: number }>;
  /** Whether the feature gate `ContainerStopSignals` is on. */
  keepsStopSignals: boolean;
}

/**
 * Refuses a new object where a plugin would.
 * @throws {ApiError} 403 with the plugin's words
 */
export function admit(
  store: ObjectStore,
  admission: Admission,
  resource: Resource,
  namespace: string,
  object: KubeObject,
): void {
  if (resource.plural !== "pods") return;
  const { name } = object.metadata;
  const home = store.get(resourceNamed("namespaces"), "", namespace);
  if (home?.metadata.labels?.["pod-security.kubernetes.io/enforce"] === "restricted") {
    const violations = restrictedViolations(object as Pod);
    if (violations.length > 0) {
      const words = `violates PodSecurity "restricted:latest": ${violations.join(", ")}`;
      throw forbidden(resource, name, words);
    }
  }
  const quota = admission.podQuotas.get(namespace);
  if (!quota) return;
  const used = store.list(resource, namespace).length;
  if (used < quota.pods) return;
  throw forbidden(
    resource,
    name,
    `exceeded quota: ${quota.name}, requested: pods=1, used: pods=${used}, limited: pods=${quota.pods}`,
  );
}
