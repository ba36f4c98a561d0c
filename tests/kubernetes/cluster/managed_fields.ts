/**
 * Who owns which field of an object, and what an apply or an update does to that: the rules of
 * structured-merge-diff as an API server uses them, for one version of each kind.
 */
import { FieldSet } from "./field_set.ts";
import {
  type Fields,
  isSame,
  type KubeObject,
  kubeTime,
  type ManagedFieldsEntry,
} from "./kube_objects.ts";
import { apiVersionOf, type Resource } from "./resources.ts";
import { type ApiError, applyConflict, type StatusCause } from "./status_errors.ts";
import { compared, fieldSetOf, merged, withoutFields } from "./typed_objects.ts";

/** Who writes, and to which part of the object. */
export interface Writer {
  manager: string;
  operation: "Apply" | "Update";
  /** Empty for the object itself. */
  subresource: string;
}

interface Owned {
  writer: Writer;
  apiVersion: string;
  /** None for who only applied what was already so. */
  time: string | undefined;
  set: FieldSet;
}

type Owners = Map<string, Owned>;

/** Never owned by anybody. */
const STRIPPED = FieldSet.of(
  ["f:apiVersion"],
  ["f:kind"],
  ["f:metadata"],
  ...["name", "namespace", "creationTimestamp", "uid", "generation", "managedFields"]
    .map((name) => ["f:metadata", `f:${name}`]),
  ["f:metadata", "f:resourceVersion"],
);

/**
 * What `applied` makes of `live` (null when there is none), with the owners in its `managedFields`.
 * @throws {ApiError} 409 when others own what it would change and it isn't forced
 */
export function appliedTo(
  live: KubeObject | null,
  applied: KubeObject,
  resource: Resource,
  writer: Writer,
  isForced: boolean,
): KubeObject {
  const before = withoutManagedFields(live) ?? {};
  const owners = ownersOf(live);
  const key = keyOf(writer);
  const last = owners.get(key)?.set;
  const form = resource.schema;
  const set = notReset(fieldSetOf(applied, form), resource, writer);
  const own: Owned = { writer, apiVersion: apiVersionOf(resource), time: kubeTime(), set };
  owners.set(key, own);
  const joined = merged(before, applied, form);
  const after = last ? pruned(joined, last, owners, form) : joined;
  const { added, modified, removed } = comparison(before, after, resource, writer);
  const changed = added.union(modified);
  giveUp(owners, key, changed, removed, isForced);
  strip(owners, key);
  if (isSame(before, after)) own.time = timeOf(live, writer);
  return withOwners(after as KubeObject, owners, live);
}

/** The new object of an update (POST, PUT, patch) with the owners that follow from what it changed. */
export function updatedBy(
  live: KubeObject | null,
  updated: KubeObject,
  resource: Resource,
  writer: Writer,
): KubeObject {
  const owners = ownersOf(live);
  const key = keyOf(writer);
  const before = withoutManagedFields(live) ?? EMPTY_OBJECTS[resource.plural] ?? { metadata: {} };
  const after = withoutManagedFields(updated);
  const { added, modified, removed } = comparison(before, after, resource, writer);
  giveUp(owners, key, added.union(modified), removed, true);
  const own = owners.get(key)?.set ?? new FieldSet();
  const set = notReset(
    own.difference(removed).union(modified).union(added),
    resource,
    writer,
  );
  // The real server loses the time of what was written by way of the scale.
  const time = writer.subresource === "scale" ? undefined : kubeTime();
  owners.set(key, { writer, apiVersion: apiVersionOf(resource), time, set });
  strip(owners, key);
  return withOwners(updated, owners, live);
}

/** What is there before a POST: the structures that the server's types have even when they are empty. */
const EMPTY_OBJECTS: Record<string, Fields> = {
  statefulsets: {
    metadata: {},
    spec: {
      selector: null,
      template: { metadata: {}, spec: { containers: null } },
      updateStrategy: {},
    },
    status: {},
  },
  pods: { metadata: {}, spec: { containers: null }, status: {} },
  services: { metadata: {}, spec: {}, status: {} },
  persistentvolumeclaims: { metadata: {}, spec: { resources: {} }, status: {} },
  namespaces: { metadata: {}, spec: {}, status: {} },
  nodes: { metadata: {}, spec: {}, status: {} },
  events: {
    metadata: {},
    involvedObject: {},
    source: {},
    eventTime: null,
    reportingComponent: "",
    reportingInstance: "",
  },
};

/** Takes changed and removed fields away from the others; refuses where it may not. */
function giveUp(
  owners: Owners,
  writerKey: string,
  changed: FieldSet,
  removed: FieldSet,
  isForced: boolean,
): void {
  const conflicts: Conflict[] = [];
  for (const [key, owned] of owners) {
    if (key === writerKey) continue;
    const conflicting = owned.set.intersection(changed);
    if (!conflicting.isEmpty) conflicts.push({ owner: printed(owned), paths: conflicting.paths() });
  }
  if (!isForced && conflicts.length > 0) throw conflictsError(conflicts);
  for (const [key, owned] of [...owners]) {
    if (key === writerKey) continue;
    owned.set = owned.set.difference(owned.set.intersection(changed)).difference(removed);
    if (owned.set.isEmpty) owners.delete(key);
  }
}

/** What one owner would lose. */
interface Conflict {
  owner: string;
  paths: string[];
}

function conflictsError(conflicts: Conflict[]): ApiError {
  const byName = conflicts.sort((a, b) => a.owner < b.owner ? -1 : 1);
  const causes: StatusCause[] = byName.flatMap(({ owner, paths }) =>
    paths.map((field) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${owner}`,
      field,
    }))
  );
  if (causes.length === 1) {
    const [{ message, field }] = causes as [StatusCause];
    return applyConflict(causes, `Apply failed with 1 conflict: ${message}: ${field}`);
  }
  const lines = byName.flatMap(({ owner, paths }) => [
    `conflicts with ${owner}:`,
    ...paths.map((path) => `- ${path}`),
  ]);
  const words = `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`;
  return applyConflict(causes, words);
}

function printed({ writer: { manager, operation, subresource }, apiVersion }: Owned): string {
  const named = JSON.stringify(manager) +
    (subresource === "" ? "" : ` with subresource "${subresource}"`);
  return operation === "Update" ? `${named} using ${apiVersion}` : named;
}

/** Removes what the manager applied last time, no longer applies, and nobody else owns. */
function pruned(joined: unknown, last: FieldSet, owners: Owners, form: string): unknown {
  const all = fieldSetOf(joined, form).withNamedFields(form);
  const lastNamed = last.withNamedFields(form);
  const kept = fieldSetOf(withoutFields(joined, lastNamed, form), form).withNamedFields(form);
  const managed = [...owners.values()]
    .reduce((union, { set }) => union.union(set), new FieldSet()).withNamedFields(form);
  const owned = withoutFields(joined, all.difference(kept.union(managed)), form);
  const left = fieldSetOf(owned, form).withNamedFields(form);
  return withoutFields(joined, all.difference(left).intersection(lastNamed), form);
}

function comparison(before: unknown, after: unknown, resource: Resource, writer: Writer) {
  const { added, modified, removed } = compared(before, after, resource.schema);
  return {
    added: notReset(added, resource, writer),
    modified: notReset(modified, resource, writer),
    removed: notReset(removed, resource, writer),
  };
}

/** A write to the object owns nothing of the status, and one to the status nothing of the rest. */
function notReset(set: FieldSet, resource: Resource, { subresource }: Writer): FieldSet {
  if (!resource.subresources.includes("status")) return set;
  if (subresource === "") return set.without(FieldSet.of(["f:status"]));
  if (subresource !== "status") return set;
  const reset = resource.plural === "pods"
    ? [["f:spec"], ["f:metadata", "f:deletionTimestamp"], ["f:metadata", "f:ownerReferences"]]
    : [["f:spec"], ["f:metadata", "f:labels"]];
  return set.without(FieldSet.of(...reset.slice(0, resource.plural === "statefulsets" ? 1 : 3)));
}

function strip(owners: Owners, key: string): void {
  const owned = owners.get(key);
  if (!owned) return;
  owned.set = owned.set.difference(STRIPPED);
  if (owned.set.isEmpty) owners.delete(key);
}

function ownersOf(object: KubeObject | null): Owners {
  const owners: Owners = new Map();
  for (const entry of object?.metadata.managedFields ?? []) {
    const { manager, operation, subresource = "" } = entry;
    const writer: Writer = { manager, operation, subresource };
    const set = FieldSet.fromFieldsV1(entry.fieldsV1);
    owners.set(keyOf(writer), { writer, apiVersion: entry.apiVersion, time: entry.time, set });
  }
  return owners;
}

function withOwners(object: KubeObject, owners: Owners, live: KubeObject | null): KubeObject {
  const before = new Map(
    (live?.metadata.managedFields ?? []).map((entry) => [keyOf(writerOf(entry)), entry]),
  );
  const entries = [...owners].map(
    ([key, { writer, apiVersion, time, set }]): ManagedFieldsEntry => {
      const fieldsV1 = set.toFieldsV1();
      const last = before.get(key);
      return {
        manager: writer.manager,
        operation: writer.operation,
        apiVersion,
        ...timed(last && isSame(last.fieldsV1, fieldsV1) ? last.time : time),
        fieldsType: "FieldsV1",
        fieldsV1,
        ...(writer.subresource === "" ? {} : { subresource: writer.subresource }),
      };
    },
  );
  entries.sort((a, b) => sortKey(a) < sortKey(b) ? -1 : 1);
  const { managedFields: _, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: entries.length > 0 ? { ...metadata, managedFields: entries } : metadata,
  };
}

function timeOf(object: KubeObject | null, { manager, operation }: Writer): string | undefined {
  return object?.metadata.managedFields
    ?.find((entry) => entry.manager === manager && entry.operation === operation)?.time;
}

function timed(time: string | undefined): { time?: string } {
  return time === undefined ? {} : { time };
}

/** Appliers first, then by time and name, as a server lists them. */
function sortKey({ operation, time = "", manager, subresource = "" }: ManagedFieldsEntry): string {
  return [operation, time, manager, subresource].join("\0");
}

function withoutManagedFields(object: KubeObject | null): KubeObject | null {
  if (!object) return null;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function writerOf({ manager, operation, subresource = "" }: ManagedFieldsEntry): Writer {
  return { manager, operation, subresource };
}

function keyOf({ manager, operation, subresource }: Writer): string {
  return JSON.stringify([manager, operation, subresource]);
}
