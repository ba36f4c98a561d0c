/** The verbs of the API over the double's objects. */
import { required, unsupported } from "./field_faults.ts";
import { isFields, type KubeObject, kubeTime } from "./kube_objects.ts";
import { jsonPatched, mergePatched, type PatchStep } from "./json_patches.ts";
import type { Writer } from "./managed_fields.ts";
import { removeObject } from "./object_removal.ts";
import type { ObjectWrites } from "./object_writes.ts";
import { appliedIn, objectIn, PATCH_TYPES, patchedObject, readBody } from "./request_body.ts";
import type { Target } from "./request_path.ts";
import { apiVersionOf } from "./resources.ts";
import { scaleOf, withScale } from "./scale.ts";
import { selectorOf } from "./selectors.ts";
import {
  ApiError,
  badRequest,
  conflict,
  invalid,
  notFound,
  preconditionConflict,
  uidConflict,
  unsupportedMediaType,
} from "./status_errors.ts";

/** An answer before it is one of HTTP. */
export interface Answer {
  code: number;
  body: unknown;
}

/** GET of an object. */
export function getObject(writes: ObjectWrites, target: Target): Answer {
  const live = liveObject(writes, target);
  return { code: 200, body: target.subresource === "scale" ? scaleOf(live) : live };
}

/** GET of a collection, in pages where a `limit` asks for them. */
export function listObjects(writes: ObjectWrites, target: Target, query: URLSearchParams): Answer {
  const { resource, namespace } = target;
  const matches = selectorOf(
    resource,
    query.get("labelSelector") ?? "",
    query.get("fieldSelector") ?? "",
  );
  const all = writes.store.list(resource, namespace).filter(matches);
  const token = query.get("continue");
  const from = token ? pageStart(writes, token) : { after: "", revision: writes.store.revision };
  const left = all.filter((object) => placeOf(object) > from.after);
  const limit = Number(query.get("limit") ?? 0);
  const items = limit > 0 ? left.slice(0, limit) : left;
  const last = items.at(-1);
  // Of a selection the server does not know how many are left.
  const isSelected = query.has("labelSelector") || query.has("fieldSelector");
  const more = last && items.length < left.length
    ? {
      continue: btoa(JSON.stringify({ after: placeOf(last), revision: from.revision })),
      ...(isSelected ? {} : { remainingItemCount: left.length - items.length }),
    }
    : {};
  return {
    code: 200,
    body: {
      kind: `${resource.kind}List`,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion: String(from.revision), ...more },
      // Items of a list do not say their kind.
      items: items.map(({ kind: _k, apiVersion: _v, ...rest }) => rest),
    },
  };
}

function pageStart(writes: ObjectWrites, token: string): { after: string; revision: number } {
  const from = JSON.parse(atob(token)) as { after: string; revision: number };
  if (from.revision >= writes.store.compactedTo) return from;
  throw new ApiError(
    410,
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
  );
}

function placeOf({ metadata: { namespace = "", name } }: KubeObject): string {
  return `${namespace}/${name}`;
}

/** POST of a new object, or of a pod's binding. */
export async function postObject(
  writes: ObjectWrites,
  target: Target,
  request: Request,
  query: URLSearchParams,
): Promise<Answer> {
  const body = await readBody(request);
  if (target.subresource === "binding") return bindPod(writes, target, body);
  if (target.name !== "") {
    throw new ApiError(
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
      {},
    );
  }
  const object = objectIn(body, target.resource, query.get("fieldValidation") ?? "Warn");
  const writer = writerOf(request, query, "Update", "");
  return { code: 201, body: writes.create(target.resource, target.namespace, object, writer) };
}

function bindPod(writes: ObjectWrites, target: Target, body: unknown): Answer {
  const live = liveObject(writes, target);
  const node = isFields(body) && isFields(body.target) ? String(body.target.name) : "";
  const spec = live.spec as { nodeName?: string };
  if (spec.nodeName) {
    throw new ApiError(
      409,
      "Conflict",
      `Operation cannot be fulfilled on pods/binding "${target.name}": pod ${target.name} is already assigned to node "${spec.nodeName}"`,
      { name: target.name, kind: "pods/binding" },
    );
  }
  const status = live.status as Record<string, unknown>;
  writes.store.put(target.resource, {
    ...live,
    spec: { ...spec, nodeName: node },
    status: {
      ...status,
      conditions: [{
        type: "PodScheduled",
        status: "True",
        lastProbeTime: null,
        lastTransitionTime: kubeTime(),
      }],
    },
  });
  return {
    code: 201,
    body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
  };
}

/** PUT. */
export async function putObject(
  writes: ObjectWrites,
  target: Target,
  request: Request,
  query: URLSearchParams,
): Promise<Answer> {
  const body = await readBody(request);
  const writer = writerOf(request, query, "Update", target.subresource);
  const live = liveObject(writes, target);
  if (target.subresource === "scale") return scaled(writes, target, live, body, writer);
  const object = objectIn(body, target.resource, query.get("fieldValidation") ?? "Warn");
  const given = object.metadata.uid;
  if (given && given !== live.metadata.uid) throw uidConflict(target.resource, live, given);
  return { code: 200, body: writes.update(target.resource, live, object, writer) };
}

/** PATCH in any of the forms. */
export async function patchObject(
  writes: ObjectWrites,
  target: Target,
  request: Request,
  query: URLSearchParams,
): Promise<Answer> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0] ?? "";
  const body = await readBody(request);
  if (type === PATCH_TYPES.apply) return applyObject(writes, target, request, query, body);
  const live = liveObject(writes, target);
  const whole = target.subresource === "scale" ? scaleOf(live) : live;
  let patched: unknown;
  if (type === PATCH_TYPES.merge) patched = mergePatched(whole, body);
  else if (type === PATCH_TYPES.json) patched = jsonPatched(whole, body as PatchStep[]);
  else throw unsupportedMediaType();
  const writer = writerOf(request, query, "Update", target.subresource);
  if (target.subresource === "scale") return scaled(writes, target, live, patched, writer);
  const object = patchedObject(patched, target.resource, query.get("fieldValidation") ?? "Warn");
  return { code: 200, body: writes.update(target.resource, live, object, writer) };
}

function scaled(
  writes: ObjectWrites,
  target: Target,
  live: KubeObject,
  scale: unknown,
  writer: Writer,
): Answer {
  const given = isFields(scale) && isFields(scale.metadata) ? scale.metadata.uid : undefined;
  if (given && given !== live.metadata.uid) {
    const why =
      `Precondition failed: UID in precondition: ${given}, UID in object meta: ${live.metadata.uid}`;
    const resource = { ...target.resource, plural: `${target.resource.plural}/scale` };
    throw conflict(resource, target.name, why);
  }
  const after = writes.update(target.resource, live, withScale(live, scale), writer);
  return { code: 200, body: scaleOf(after) };
}

function applyObject(
  writes: ObjectWrites,
  target: Target,
  request: Request,
  query: URLSearchParams,
  body: unknown,
): Answer {
  const { resource, namespace, name, subresource } = target;
  if (!query.get("fieldManager")) {
    const options = { group: "meta.k8s.io", kind: "PatchOptions" };
    throw invalid(options, "", [required("fieldManager", "is required for apply patch")]);
  }
  const applied = appliedIn(body, resource);
  const writer = writerOf(request, query, "Apply", subresource);
  const isForced = query.get("force") === "true";
  const { object, isNew } = writes.apply(resource, namespace, name, applied, writer, isForced);
  return { code: isNew ? 201 : 200, body: object };
}

/** DELETE with its preconditions. */
export async function deleteObject(
  writes: ObjectWrites,
  target: Target,
  request: Request,
  query: URLSearchParams,
): Promise<Answer> {
  const body = await readBody(request);
  const options = isFields(body) ? body : {};
  const policy = policyOf(options.propagationPolicy ?? query.get("propagationPolicy"));
  const live = liveObject(writes, target);
  checkPreconditions(target, live, isFields(options.preconditions) ? options.preconditions : {});
  const grace = options.gracePeriodSeconds ?? query.get("gracePeriodSeconds");
  const graceSeconds = grace === null || grace === undefined ? null : Number(grace);
  const { object, isGone } = removeObject(
    writes.store,
    target.resource,
    live,
    graceSeconds,
    policy,
  );
  if (!isGone || TOLD_WHEN_GONE.includes(target.resource.plural)) {
    return { code: 200, body: object };
  }
  const { resource: { group, plural }, name } = target;
  return {
    code: 200,
    body: {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: {
        name,
        ...(group === "" ? {} : { group }),
        kind: plural,
        uid: live.metadata.uid,
      },
    },
  };
}

/** Of these a deletion answers the object, of others only that it is done. */
const TOLD_WHEN_GONE = ["pods", "services", "persistentvolumeclaims"];

function policyOf(asked: unknown): string {
  const policies = ["Foreground", "Background", "Orphan"];
  if (asked === null || asked === undefined) return "Background";
  if (policies.includes(String(asked))) return String(asked);
  const options = { group: "meta.k8s.io", kind: "DeleteOptions" };
  throw invalid(options, "", [unsupported("propagationPolicy", asked, [...policies, "nil"])]);
}

function checkPreconditions(
  { resource, name }: Target,
  { metadata }: KubeObject,
  { uid, resourceVersion }: Record<string, unknown>,
): void {
  if (uid !== undefined && uid !== metadata.uid) {
    throw preconditionConflict(
      resource,
      name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw preconditionConflict(
      resource,
      name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

function liveObject(writes: ObjectWrites, { resource, namespace, name }: Target): KubeObject {
  if (name === "") throw badRequest("name is required");
  const live = writes.store.get(resource, namespace, name);
  if (!live) throw notFound(resource, name);
  return live;
}

/** Without a name of its own, a manager is called by its program. */
function writerOf(
  request: Request,
  query: URLSearchParams,
  operation: Writer["operation"],
  subresource: string,
): Writer {
  const program = (request.headers.get("user-agent") ?? "unknown").split("/")[0] ?? "unknown";
  return { manager: query.get("fieldManager") || program, operation, subresource };
}
