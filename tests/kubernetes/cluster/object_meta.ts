/** The parts of an object's metadata that the server looks after. */
import { invalidValue } from "./field_faults.ts";
import { type KubeObject, kubeTime, type ObjectMeta } from "./kube_objects.ts";
import type { Resource } from "./resources.ts";
import { conflict, invalid, MODIFIED } from "./status_errors.ts";

/** Set by the server alone: an update leaves them as they are. */
const OWN_META = ["uid", "creationTimestamp", "generation", "deletionTimestamp"] as const;
/** Of a deletion that hangs on finalizers or on the kubelet. */
const OWN_DELETION = "deletionGracePeriodSeconds";

/** Of a new object. */
export function newMeta(metadata: ObjectMeta): ObjectMeta {
  const { resourceVersion: _r, deletionTimestamp: _d, ...given } = metadata;
  return { ...given, uid: crypto.randomUUID(), creationTimestamp: kubeTime() };
}

/** Of a changed object, with what only the server sets. */
export function updatedMeta(live: ObjectMeta, given: ObjectMeta): ObjectMeta {
  const own = Object.fromEntries(
    [...OWN_META, OWN_DELETION].filter((name) => live[name as keyof ObjectMeta] !== undefined)
      .map((name) => [name, live[name as keyof ObjectMeta]]),
  );
  const { resourceVersion: _, deletionTimestamp: _d, ...rest } = given;
  return { ...rest, ...own };
}

/** Of an object that goes, from now on. */
export function deletionOf(graceSeconds: number): Partial<ObjectMeta> {
  return {
    deletionTimestamp: kubeTime(Date.now() + graceSeconds * 1_000),
    deletionGracePeriodSeconds: graceSeconds,
  };
}

/** Counted up, where it is counted. */
export function nextGeneration(
  resource: Resource,
  { generation = 1 }: ObjectMeta,
): Partial<ObjectMeta> {
  return resource.hasGeneration ? { generation: generation + 1 } : {};
}

/** The object with a generation, where it is counted. */
export function withGeneration(
  resource: Resource,
  object: KubeObject,
  generation: number,
): KubeObject {
  if (!resource.hasGeneration) return object;
  return { ...object, metadata: { ...object.metadata, generation } };
}

/** For the comparison that tells a write that changes nothing. */
export function withoutTimes(object: KubeObject): KubeObject {
  const { resourceVersion: _, managedFields = [], ...metadata } = object.metadata;
  const owners = managedFields.map(({ time: _time, ...entry }) => entry);
  return { ...object, metadata: { ...metadata, managedFields: owners as never } };
}

/** The object's version alone. */
export function versionOf({ metadata: { resourceVersion = "" } }: KubeObject): Partial<ObjectMeta> {
  return { resourceVersion };
}

/** The object's managed fields alone. */
export function managedOf({ metadata: { managedFields } }: KubeObject): Partial<ObjectMeta> {
  return managedFields ? { managedFields } : {};
}

/** A write of the status may change labels and annotations too. */
export function annotationsOf({ metadata }: KubeObject): Partial<ObjectMeta> {
  const { labels, annotations, managedFields } = metadata;
  return {
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(managedFields ? { managedFields } : {}),
  };
}

/** @throws {ApiError} 422 for another uid, 409 for an old version; what is not given is not checked */
export function checkVersion(resource: Resource, live: KubeObject, given: ObjectMeta): void {
  const { name, uid, resourceVersion } = live.metadata;
  if (given.resourceVersion && given.resourceVersion !== resourceVersion) {
    throw conflict(resource, name, MODIFIED);
  }
  if (given.uid && given.uid !== uid) {
    const fault = invalidValue("metadata.uid", given.uid, "field is immutable");
    // The real server finds it in two places.
    throw invalid(resource, name, [fault, fault]);
  }
}
