/** Removes what has lost its owner, and what is in a namespace that goes. */
import type { KubeObject, PodSpec } from "./kube_objects.ts";
import { releaseObject, removeObject } from "./object_removal.ts";
import type { ObjectStore, StoredChange } from "./object_store.ts";
import {
  CLAIM_PROTECTION,
  FOREGROUND,
  type Resource,
  resourceNamed,
  RESOURCES,
} from "./resources.ts";

/** Works a moment after each deletion, as the real one does, never within the request. */
export class GarbageCollector {
  readonly #store: ObjectStore;
  readonly #unsubscribe: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(store: ObjectStore) {
    this.#store = store;
    this.#unsubscribe = store.subscribe((change) => this.#note(change));
  }

  /** Works no more. */
  close(): void {
    this.#unsubscribe();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #note({ type, object }: StoredChange): void {
    if (type !== "DELETED" && !object.metadata.deletionTimestamp) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#collect();
    }, 2);
  }

  #collect(): void {
    const all = RESOURCES.flatMap((resource) =>
      this.#store.list(resource, "").map((object) => ({ resource, object }))
    );
    for (const { resource, object } of all) {
      if (object.metadata.deletionTimestamp) this.#release(resource, object, all);
      else if (this.#isForsaken(object, all)) {
        removeObject(this.#store, resource, object, null);
      }
    }
  }

  /** Whether it has lost its owners, or its namespace goes. */
  #isForsaken({ metadata }: KubeObject, all: readonly Stored[]): boolean {
    const { ownerReferences = [], namespace } = metadata;
    const owners = ownerReferences.map(({ uid }) =>
      all.find(({ object }) => object.metadata.uid === uid)?.object
    );
    if (owners.length > 0 && owners.every((owner) => !owner || isGoing(owner))) return true;
    if (!namespace) return false;
    const home = this.#store.get(resourceNamed("namespaces"), "", namespace);
    return home?.metadata.deletionTimestamp !== undefined;
  }

  /** Lets it go when nothing that it waits for is there any longer. */
  #release(resource: Resource, object: KubeObject, all: readonly Stored[]): void {
    const { uid, name, namespace, finalizers = [] } = object.metadata;
    const isThere = (test: (other: KubeObject) => boolean) => all.some(({ object: o }) => test(o));
    if (resource.plural === "namespaces") {
      const isEmpty = !isThere(({ metadata }) => metadata.namespace === name);
      if (isEmpty) releaseObject(this.#store, resource, object, FOREGROUND);
    } else if (finalizers.includes(FOREGROUND)) {
      const isDone = !isThere(({ metadata }) =>
        metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false
      );
      if (isDone) releaseObject(this.#store, resource, object, FOREGROUND);
    } else if (finalizers.includes(CLAIM_PROTECTION)) {
      const isUsed = isThere(({ kind, metadata, spec }) =>
        kind === "Pod" && metadata.namespace === namespace &&
        ((spec as PodSpec).volumes ?? []).some((volume) =>
          volume.persistentVolumeClaim?.claimName === name
        )
      );
      if (!isUsed) releaseObject(this.#store, resource, object, CLAIM_PROTECTION);
    }
  }
}

interface Stored {
  resource: Resource;
  object: KubeObject;
}

/** An owner that is deleted in the foreground has its dependents deleted first. */
function isGoing({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): boolean {
  return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND);
}
