/** What admission plugins refuse: quotas and pod security. */
import type { KubeObject } from "./kube_objects.ts";
import type { ObjectStore } from "./object_store.ts";
import type { Resource } from "./resources.ts";

/** What is switched on. */
export interface Admission {
  /** At most so many pods in a namespace, by the name of the quota. */
  podQuotas: Map<string, { name: string; pods: number }>;
}

/** Refuses a new object where a plugin would. */
export function admit(
  _store: ObjectStore,
  _admission: Admission,
  _resource: Resource,
  _namespace: string,
  _object: KubeObject,
): void {}
