/** A storage that keeps nothing: what a dry run writes to. */
import type { KubeObject } from "./kube_objects.ts";
import { ObjectStore } from "./object_store.ts";
import type { Resource } from "./resources.ts";

/** Shows the objects of another one, and gives back what would be written, without a new version. */
export class DryStore extends ObjectStore {
  constructor(private readonly real: ObjectStore) {
    super();
  }

  override get(resource: Resource, namespace: string, name: string): KubeObject | null {
    return this.real.get(resource, namespace, name);
  }

  override list(resource: Resource, namespace: string): KubeObject[] {
    return this.real.list(resource, namespace);
  }

  override put(resource: Resource, object: KubeObject): KubeObject {
    const { namespace = "", name } = object.metadata;
    const { resourceVersion } = this.get(resource, namespace, name)?.metadata ?? {};
    if (resourceVersion === undefined) return object;
    return { ...object, metadata: { ...object.metadata, resourceVersion } };
  }

  override remove(_resource: Resource, object: KubeObject): KubeObject {
    return object;
  }
}
