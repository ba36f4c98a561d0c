/** What `metrics.k8s.io` says of the pods: as the kubelet that runs them measures it. */
import type { KubeObject, Pod } from "./kube_objects.ts";
import { kubeletUrl } from "./log_proxy.ts";
import type { ObjectStore } from "./object_store.ts";
import { resourceNamed } from "./resources.ts";

/** Of the running pods of a namespace that a kubelet answers for. */
export async function podMetrics(store: ObjectStore, namespace: string): Promise<KubeObject[]> {
  const found: KubeObject[] = [];
  for (const object of store.list(resourceNamed("pods"), namespace)) {
    const { spec, status, metadata } = object as Pod;
    const base = status?.phase === "Running" ? kubeletUrl(store, spec.nodeName ?? "") : null;
    if (base === null) continue;
    const answer = await fetch(`${base}/podMetrics/${namespace}/${metadata.name}`);
    if (answer.ok) found.push(await answer.json());
    else await answer.body?.cancel();
  }
  return found;
}
