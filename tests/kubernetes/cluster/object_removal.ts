/** How objects go: at once, or marked until a kubelet or a finalizer lets them. */
import type { KubeObject } from "./kube_objects.ts";
import { deletionOf, nextGeneration } from "./object_meta.ts";
import type { ObjectStore } from "./object_store.ts";
import { FOREGROUND, type Resource, RESOURCES } from "./resources.ts";

/** What became of it: its last version, or the marked one. */
export interface Removal {
  object: KubeObject;
  isGone: boolean;
}

/** Removes it, or marks it where someone has to agree first. `policy` is a `propagationPolicy`. */
export function removeObject(
  store: ObjectStore,
  resource: Resource,
  live: KubeObject,
  graceSeconds: number | null,
  policy = "Background",
): Removal {
  const { metadata } = live;
  if (policy === "Orphan") orphan(store, metadata.uid);
  const added = policy === "Foreground" ? [FOREGROUND] : [];
  const finalizers = [...new Set([...metadata.finalizers ?? [], ...added])];
  const grace = resource.plural === "pods" ? podGrace(live, graceSeconds) : 0;
  const mustWait = finalizers.length > 0 || resource.plural === "namespaces";
  if (grace === 0 && !mustWait) return removedNow(store, resource, live);
  const known = metadata.deletionGracePeriodSeconds;
  if (metadata.deletionTimestamp && (known ?? 0) <= grace) return { object: live, isGone: false };
  const object = store.put(resource, {
    ...live,
    metadata: {
      ...metadata,
      ...(finalizers.length > 0 ? { finalizers } : {}),
      ...deletionOf(grace),
      ...(metadata.deletionTimestamp ? {} : nextGeneration(resource, metadata)),
    },
    ...(resource.plural === "namespaces" ? { status: { phase: "Terminating" } } : {}),
  });
  return { object, isGone: false };
}

function removedNow(store: ObjectStore, resource: Resource, live: KubeObject): Removal {
  const { metadata } = live;
  const last = metadata.deletionTimestamp
    ? { deletionGracePeriodSeconds: 0 }
    : resource.plural === "pods"
    ? { ...nextGeneration(resource, metadata), ...deletionOf(0) }
    : {};
  const object = { ...live, metadata: { ...metadata, ...last } };
  return { object: store.remove(resource, object), isGone: true };
}

/** Takes a finalizer away from an object that goes; the last one lets it go. */
export function releaseObject(
  store: ObjectStore,
  resource: Resource,
  live: KubeObject,
  finalizer: string,
): void {
  const left = (live.metadata.finalizers ?? []).filter((name) => name !== finalizer);
  const { finalizers: _, ...metadata } = live.metadata;
  if (left.length === 0) store.remove(resource, { ...live, metadata });
  else store.put(resource, { ...live, metadata: { ...metadata, finalizers: left } });
}

function orphan(store: ObjectStore, owner: string | undefined): void {
  for (const resource of RESOURCES) {
    for (const object of store.list(resource, "")) {
      const { ownerReferences = [], ...metadata } = object.metadata;
      const left = ownerReferences.filter(({ uid }) => uid !== owner);
      if (left.length === ownerReferences.length) continue;
      const kept = left.length > 0 ? { ...metadata, ownerReferences: left } : metadata;
      store.put(resource, { ...object, metadata: kept });
    }
  }
}

/** A pod that no kubelet has goes at once. */
function podGrace(live: KubeObject, asked: number | null): number {
  const { nodeName, terminationGracePeriodSeconds } = live.spec as {
    nodeName?: string;
    terminationGracePeriodSeconds?: number;
  };
  const { phase } = (live.status ?? {}) as { phase?: string };
  if (!nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  return asked ?? terminationGracePeriodSeconds ?? 30;
}
