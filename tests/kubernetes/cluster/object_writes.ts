/** How the double changes objects: everything between a request that was read and the storage. */
import { type Admission, admit } from "./admission.ts";
import { invalidValue } from "./field_faults.ts";
import { isSame, type KubeObject, kubeTime, type ObjectMeta } from "./kube_objects.ts";
import { appliedTo, updatedBy, type Writer } from "./managed_fields.ts";
import { completed, defaulted, withoutEmpties, withoutStopSignals } from "./object_defaults.ts";
import type { ObjectStore } from "./object_store.ts";
import { FOREGROUND, type Resource, resourceNamed, RESOURCES } from "./resources.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  forbidden,
  invalid,
  MODIFIED,
  notFound,
} from "./status_errors.ts";
import { immutabilityFaults, validationFaults } from "./validation.ts";

/** Set by the server alone: an update leaves them as they are. */
const OWN_META = ["uid", "creationTimestamp", "generation", "deletionTimestamp"] as const;
/** Of a deletion that hangs on finalizers or on the kubelet. */
const OWN_DELETION = "deletionGracePeriodSeconds";

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

  /** Removes it, or marks it where a kubelet or a finalizer has to agree first. */
  remove(
    resource: Resource,
    live: KubeObject,
    graceSeconds: number | null,
    policy: string,
  ): { object: KubeObject; isGone: boolean } {
    const { metadata } = live;
    if (policy === "Orphan") this.#orphan(metadata.uid);
    const added = policy === "Foreground" ? [FOREGROUND] : [];
    const finalizers = [...new Set([...metadata.finalizers ?? [], ...added])];
    const grace = resource.plural === "pods" ? podGrace(live, graceSeconds) : 0;
    const mustWait = finalizers.length > 0 || resource.plural === "namespaces";
    if (grace === 0 && !mustWait) {
      const last = metadata.deletionTimestamp
        ? { deletionGracePeriodSeconds: 0 }
        : resource.plural === "pods"
        ? { ...nextGeneration(resource, metadata), ...deletionOf(0) }
        : {};
      const object = { ...live, metadata: { ...metadata, ...last } };
      return { object: this.store.remove(resource, object), isGone: true };
    }
    const known = metadata.deletionGracePeriodSeconds;
    if (metadata.deletionTimestamp && (known ?? 0) <= grace) {
      return { object: live, isGone: false };
    }
    const marked = this.store.put(resource, {
      ...live,
      metadata: {
        ...metadata,
        ...(finalizers.length > 0 ? { finalizers } : {}),
        ...deletionOf(grace),
        ...(metadata.deletionTimestamp ? {} : nextGeneration(resource, metadata)),
      },
      ...(resource.plural === "namespaces" ? { status: { phase: "Terminating" } } : {}),
    });
    return { object: marked, isGone: false };
  }

  /** Takes a finalizer away from an object that goes; the last one lets it go. */
  release(resource: Resource, live: KubeObject, finalizer: string): void {
    const left = (live.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    const { finalizers: _, ...metadata } = live.metadata;
    if (left.length === 0) this.store.remove(resource, { ...live, metadata });
    else this.store.put(resource, { ...live, metadata: { ...metadata, finalizers: left } });
  }

  #orphan(owner: string | undefined): void {
    for (const resource of RESOURCES) {
      for (const object of this.store.list(resource, "")) {
        const { ownerReferences = [], ...metadata } = object.metadata;
        const left = ownerReferences.filter(({ uid }) => uid !== owner);
        if (left.length === ownerReferences.length) continue;
        const kept = left.length > 0 ? { ...metadata, ownerReferences: left } : metadata;
        this.store.put(resource, { ...object, metadata: kept });
      }
    }
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

function newMeta(metadata: ObjectMeta): ObjectMeta {
  const { resourceVersion: _r, deletionTimestamp: _d, ...given } = metadata;
  return { ...given, uid: crypto.randomUUID(), creationTimestamp: kubeTime() };
}

function updatedMeta(live: ObjectMeta, given: ObjectMeta): ObjectMeta {
  const own = Object.fromEntries(
    [...OWN_META, OWN_DELETION].filter((name) => live[name as keyof ObjectMeta] !== undefined)
      .map((name) => [name, live[name as keyof ObjectMeta]]),
  );
  const { resourceVersion: _, deletionTimestamp: _d, ...rest } = given;
  return { ...rest, ...own };
}

function deletionOf(graceSeconds: number): Partial<ObjectMeta> {
  return {
    deletionTimestamp: kubeTime(Date.now() + graceSeconds * 1_000),
    deletionGracePeriodSeconds: graceSeconds,
  };
}

function nextGeneration(resource: Resource, { generation = 1 }: ObjectMeta): Partial<ObjectMeta> {
  return resource.hasGeneration ? { generation: generation + 1 } : {};
}

function withGeneration(resource: Resource, object: KubeObject, generation: number): KubeObject {
  if (!resource.hasGeneration) return object;
  return { ...object, metadata: { ...object.metadata, generation } };
}

/** For the comparison that tells a write that changes nothing. */
function withoutTimes(object: KubeObject): KubeObject {
  const { resourceVersion: _, managedFields = [], ...metadata } = object.metadata;
  const owners = managedFields.map(({ time: _time, ...entry }) => entry);
  return { ...object, metadata: { ...metadata, managedFields: owners as never } };
}

function versionOf({ metadata: { resourceVersion = "" } }: KubeObject): Partial<ObjectMeta> {
  return { resourceVersion };
}

function managedOf({ metadata: { managedFields } }: KubeObject): Partial<ObjectMeta> {
  return managedFields ? { managedFields } : {};
}

/** A write of the status may change labels and annotations too. */
function annotationsOf({ metadata }: KubeObject): Partial<ObjectMeta> {
  const { labels, annotations, managedFields } = metadata;
  return {
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(managedFields ? { managedFields } : {}),
  };
}

function checkVersion(resource: Resource, live: KubeObject, given: ObjectMeta): void {
  const { name, uid, resourceVersion } = live.metadata;
  if (given.uid && given.uid !== uid) {
    const fault = invalidValue("metadata.uid", given.uid, "field is immutable");
    // The real server finds it in two places.
    throw invalid(resource, name, [fault, fault]);
  }
  if (given.resourceVersion && given.resourceVersion !== resourceVersion) {
    throw conflict(resource, name, MODIFIED);
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
