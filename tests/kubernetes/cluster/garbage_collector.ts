/** Removes what has lost its owner, and what is in a namespace that goes. */
import type { KubeObject } from "./kube_objects.ts";
import type { StoredChange } from "./object_store.ts";
import type { ObjectWrites } from "./object_writes.ts";
import { FOREGROUND, resourceNamed, RESOURCES } from "./resources.ts";

/** Works a moment after each deletion, as the real one does, never within the request. */
export class GarbageCollector {
  readonly #writes: ObjectWrites;
  readonly #unsubscribe: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(writes: ObjectWrites) {
    this.#writes = writes;
    this.#unsubscribe = writes.store.subscribe((change) => this.#note(change));
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
      this.#writes.store.list(resource, "").map((object) => ({ resource, object }))
    );
    const byUid = new Map(all.map(({ object }) => [object.metadata.uid, object]));
    for (const { resource, object } of all) {
      const { ownerReferences = [], deletionTimestamp, namespace } = object.metadata;
      if (deletionTimestamp) continue;
      const owners = ownerReferences.map(({ uid }) => byUid.get(uid));
      const isOrphan = owners.length > 0 && owners.every((owner) => !owner || isGoing(owner));
      const home = namespace
        ? this.#writes.store.get(resourceNamed("namespaces"), "", namespace)
        : null;
      if (isOrphan || home?.metadata.deletionTimestamp) {
        this.#writes.remove(resource, object, null, "Background");
      }
    }
    for (const { resource, object } of all) {
      const { uid, finalizers = [], deletionTimestamp, name } = object.metadata;
      if (!deletionTimestamp) continue;
      const blocks = RESOURCES.some((other) =>
        this.#writes.store.list(other, resource.plural === "namespaces" ? name : "").some((each) =>
          resource.plural === "namespaces"
            ? each.metadata.namespace === name
            : each.metadata.ownerReferences?.some((owner) => owner.uid === uid)
        )
      );
      if (blocks) continue;
      if (finalizers.includes(FOREGROUND) || resource.plural === "namespaces") {
        this.#writes.release(resource, object, FOREGROUND);
      }
    }
  }
}

/** An owner that is deleted in the foreground has its dependents deleted first. */
function isGoing({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): boolean {
  return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND);
}
