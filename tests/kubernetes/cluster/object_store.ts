/** The double's storage: the newest version of each object, and the changes since the last compaction. */
import type { KubeObject } from "./kube_objects.ts";
import type { Resource } from "./resources.ts";

/** One change, as watches tell it. */
export interface StoredChange {
  type: "ADDED" | "MODIFIED" | "DELETED";
  resource: Resource;
  object: KubeObject;
  /** What it was before; null for a new object. */
  before: KubeObject | null;
  revision: number;
}

/** Begins above 1 so that an old version exists that a test can ask for. */
const FIRST_REVISION = 100;

/** Objects by resource, namespace and name; one revision counts all changes, as in etcd. */
export class ObjectStore {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #changes: StoredChange[] = [];
  readonly #listeners = new Set<(change: StoredChange) => void>();
  #revision = FIRST_REVISION;
  #compactedTo = FIRST_REVISION;

  /** Of the last change. */
  get revision(): number {
    return this.#revision;
  }

  /** Changes up to here are no longer known. */
  get compactedTo(): number {
    return this.#compactedTo;
  }

  /** The object, or null. Not a copy: it is never changed in place. */
  get(resource: Resource, namespace: string, name: string): KubeObject | null {
    return this.#table(resource).get(keyOf(namespace, name)) ?? null;
  }

  /** All objects of a resource in a namespace (all when it is empty), by namespace and name. */
  list(resource: Resource, namespace: string): KubeObject[] {
    return [...this.#table(resource)]
      .filter(([key]) => namespace === "" || key.startsWith(`${namespace}/`))
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([, object]) => object);
  }

  /** Stores a new object or a new version, with the next revision; gives back what is stored. */
  put(resource: Resource, object: KubeObject): KubeObject {
    const key = keyOf(object.metadata.namespace ?? "", object.metadata.name);
    const before = this.#table(resource).get(key) ?? null;
    const stored = this.#numbered(object);
    this.#table(resource).set(key, stored);
    this.#tell({ type: before ? "MODIFIED" : "ADDED", resource, object: stored, before });
    return stored;
  }

  /** Removes an object; gives back its last version, with the revision of the removal. */
  remove(resource: Resource, object: KubeObject): KubeObject {
    const key = keyOf(object.metadata.namespace ?? "", object.metadata.name);
    const before = this.#table(resource).get(key) ?? null;
    this.#table(resource).delete(key);
    const last = this.#numbered(object);
    this.#tell({ type: "DELETED", resource, object: last, before });
    return last;
  }

  /** The changes after a revision; null when some of them are no longer known. */
  changesAfter(revision: number): StoredChange[] | null {
    if (revision < this.#compactedTo) return null;
    return this.#changes.filter((change) => change.revision > revision);
  }

  /** Forgets all changes so far, as etcd does every five minutes. */
  compact(): void {
    this.#compactedTo = this.#revision;
    this.#changes.length = 0;
  }

  /** Called at once at every change, until the function that is given back is called. */
  subscribe(listener: (change: StoredChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #table({ group, plural }: Resource): Map<string, KubeObject> {
    const name = `${group}/${plural}`;
    const table = this.#objects.get(name) ?? new Map<string, KubeObject>();
    this.#objects.set(name, table);
    return table;
  }

  #numbered(object: KubeObject): KubeObject {
    this.#revision++;
    return {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.#revision) },
    };
  }

  #tell(change: Omit<StoredChange, "revision">): void {
    const numbered = { ...change, revision: this.#revision };
    this.#changes.push(numbered);
    for (const listener of [...this.#listeners]) listener(numbered);
  }
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
