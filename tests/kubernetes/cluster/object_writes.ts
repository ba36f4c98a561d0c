/** How the double changes objects: everything between a request that was read and the storage. */
import { type Admission, admit } from "./admission.ts";
import { isSame, type KubeObject } from "./kube_objects.ts";
import { appliedTo, updatedBy, type Writer } from "./managed_fields.ts";
import {
  annotationsOf,
  checkVersion,
  managedOf,
  newMeta,
  updatedMeta,
  versionOf,
  withGeneration,
  withoutTimes,
} from "./object_meta.ts";
import { completed, defaulted, withoutEmpties, withoutStopSignals } from "./object_defaults.ts";
import type { ObjectStore } from "./object_store.ts";
import { type Resource, resourceNamed } from "./resources.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  notFound,
} from "./status_errors.ts";
import { immutabilityFaults, validationFaults } from "./validation.ts";

/** Writes with all that a server does about them. */
export class ObjectWrites {
  #addresses = 1;

  constructor(readonly store: ObjectStore, readonly admission: Admission) {}

  /** POST. */
  create(resource: Resource, namespace: string, body: KubeObject, writer: Writer): KubeObject {
    const object = this.#read(namespace, body);
    const { name } = object.metadata;
    this.#checkNamespace(resource, namespace, name);
    const given: KubeObject = { ...object, metadata: newMeta(object.metadata) };
    if (resource.subresources.includes("status")) delete given.status;
    const filled = defaulted(resource, this.#cleaned(resource, given));
    const owned = updatedBy(null, filled, resource, writer);
    return this.#add(resource, namespace, owned);
  }

  /** PUT and patches other than applies. `live` is what the writer saw as the object to replace. */
  update(resource: Resource, live: KubeObject, body: KubeObject, writer: Writer): KubeObject {
    const { name, namespace = "" } = live.metadata;
    const object = this.#read(namespace, body);
    if (object.metadata.name !== name) {
      throw badRequest(
        `the name of the object (${object.metadata.name}) does not match the name on the URL (${name})`,
      );
    }
    checkVersion(resource, live, object.metadata);
    return this.#replace(resource, live, object, writer, (after) => {
      return updatedBy(live, after, resource, writer);
    });
  }

  /** PATCH with an apply; creates what isn't there. */
  apply(
    resource: Resource,
    namespace: string,
    name: string,
    body: KubeObject,
    writer: Writer,
    isForced: boolean,
  ): { object: KubeObject; isNew: boolean } {
    if (body.metadata?.managedFields) throw badRequest("metadata.managedFields must be nil");
    const live = this.store.get(resource, namespace, name);
    const metadata = { ...body.metadata, name, ...(namespace === "" ? {} : { namespace }) };
    if (!live) {
      if (metadata.uid) {
        const why =
          `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`;
        throw conflict(resource, name, why);
      }
      if (writer.subresource !== "") throw notFound(resource, name);
      this.#checkNamespace(resource, namespace, name);
      const owned = appliedTo(null, { ...body, metadata }, resource, writer, isForced);
      const given = { ...owned, metadata: newMeta(owned.metadata) };
      const filled = defaulted(resource, this.#cleaned(resource, given));
      return { object: this.#add(resource, namespace, filled), isNew: true };
    }
    const joined = appliedTo(live, { ...body, metadata }, resource, writer, isForced);
    checkVersion(resource, live, metadata);
    const object = this.#replace(resource, live, joined, writer, (after) => ({
      ...after,
      metadata: { ...after.metadata, ...managedOf(joined) },
    }));
    return { object, isNew: false };
  }

  #add(resource: Resource, namespace: string, object: KubeObject): KubeObject {
    const complete = this.#allocated(resource, completed(resource, object));
    const { name } = complete.metadata;
    const faults = validationFaults(resource, complete);
    if (faults.length > 0) throw invalid(resource, name, faults);
    admit(this.store, this.admission, resource, namespace, complete);
    if (this.store.get(resource, namespace, name)) throw alreadyExists(resource, name);
    return this.store.put(resource, withGeneration(resource, complete, 1));
  }

  #replace(
    resource: Resource,
    live: KubeObject,
    object: KubeObject,
    writer: Writer,
    owned: (after: KubeObject) => KubeObject,
  ): KubeObject {
    const part = writer.subresource === "status"
      ? { ...live, metadata: { ...live.metadata, ...annotationsOf(object) }, status: object.status }
      : { ...object, ...(resource.subresources.includes("status") ? { status: live.status } : {}) };
    const filled = defaulted(resource, this.#cleaned(resource, part as KubeObject));
    const metadata = updatedMeta(live.metadata, filled.metadata);
    const kept = completed(resource, owned({ ...filled, metadata }));
    const faults = [
      ...validationFaults(resource, kept),
      ...(writer.subresource === "" ? immutabilityFaults(resource, live, kept) : []),
    ];
    if (faults.length > 0) throw invalid(resource, live.metadata.name, faults);
    const isChanged = !isSame({ ...live, status: null, metadata: null }, {
      ...kept,
      status: null,
      metadata: null,
    });
    const generation = (live.metadata.generation ?? 0) + (isChanged ? 1 : 0);
    const after = resource.hasGeneration ? withGeneration(resource, kept, generation) : kept;
    if (isSame(withoutTimes(after), withoutTimes(live))) return live;
    const { deletionTimestamp, finalizers = [] } = after.metadata;
    if (deletionTimestamp && finalizers.length === 0 && resource.plural !== "pods") {
      this.store.remove(resource, after);
      return { ...after, metadata: { ...after.metadata, ...versionOf(live) } };
    }
    return this.store.put(resource, after);
  }

  /** Without what the server does not keep. */
  #cleaned(resource: Resource, object: KubeObject): KubeObject {
    const kept = this.admission.keepsStopSignals ? object : withoutStopSignals(resource, object);
    return withoutEmpties(kept, resource.schema);
  }

  /** What a client sent, with the place that its request names. */
  #read(namespace: string, body: KubeObject): KubeObject {
    const { metadata } = body;
    if (metadata.namespace && metadata.namespace !== namespace) {
      throw badRequest(
        `the namespace of the provided object does not match the namespace sent on the request`,
      );
    }
    const suffix = crypto.randomUUID().slice(0, 5);
    const name = metadata.name || (metadata.generateName ? metadata.generateName + suffix : "");
    const place = namespace === "" ? {} : { namespace };
    return { ...body, metadata: { ...metadata, name, ...place } };
  }

  #checkNamespace(resource: Resource, namespace: string, name: string): void {
    if (!resource.isNamespaced) return;
    const namespaces = resourceNamed("namespaces");
    const found = this.store.get(namespaces, "", namespace);
    if (!found) throw notFound(namespaces, namespace);
    if (found.metadata.deletionTimestamp) {
      throw forbidden(
        resource,
        name,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
    }
  }

  /** A service's address; `None` asks for none. */
  #allocated(resource: Resource, object: KubeObject): KubeObject {
    const spec = object.spec as { clusterIP?: string; type?: string } | undefined;
    if (resource.plural !== "services" || spec?.type === "ExternalName") return object;
    const address = spec?.clusterIP || `10.96.0.${++this.#addresses}`;
    return { ...object, spec: { ...spec, clusterIP: address, clusterIPs: [address] } };
  }
}
