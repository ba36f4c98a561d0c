/** What an API server answers when it refuses: a `Status` object with the words and codes of a real one. */
import type { FieldFault } from "./field_faults.ts";
import type { Fields, KubeObject } from "./kube_objects.ts";
import type { Resource } from "./resources.ts";

/** One of several causes of a refusal. */
export interface StatusCause {
  reason?: string;
  message?: string;
  field?: string;
}

/** A refusal on its way to the client. */
export class ApiError extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
    message: string,
    readonly details?: Fields,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }

  /** The object in the body of the answer. */
  status(): Fields {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      ...(this.reason === "" ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    };
  }
}

/** `statefulsets.apps`, or `pods` for the core group. */
export function qualifiedName({ plural, group }: Resource): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** 404 for an object. */
export function notFound(resource: Resource, name: string): ApiError {
  return new ApiError(
    404,
    "NotFound",
    `${qualifiedName(resource)} "${name}" not found`,
    detailsOf(resource, name),
  );
}

/** 404 for a path that the server does not serve. */
export function unknownPath(): ApiError {
  return new ApiError(404, "NotFound", "the server could not find the requested resource", {});
}

/** 409 for a name that is taken. */
export function alreadyExists(resource: Resource, name: string): ApiError {
  return new ApiError(
    409,
    "AlreadyExists",
    `${qualifiedName(resource)} "${name}" already exists`,
    detailsOf(resource, name),
  );
}

/** 409 with the words of a failed write. */
export function conflict(resource: Resource, name: string, why: string): ApiError {
  return new ApiError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${qualifiedName(resource)} "${name}": ${why}`,
    detailsOf(resource, name),
  );
}

/** Of a write with an old `resourceVersion`. */
export const MODIFIED =
  "the object has been modified; please apply your changes to the latest version and try again";

/** What the storage says of a write that names another uid. */
export function uidConflict(resource: Resource, object: KubeObject, given: string): ApiError {
  const { plural } = resource;
  const { name, namespace, uid } = object.metadata;
  const place = [plural === "services" ? "services/specs" : plural, namespace, name];
  const key = `/registry/${place.filter((part) => part !== undefined).join("/")}`;
  return conflict(
    resource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${given}, UID in object meta: ${uid}`,
  );
}

/** 409 of a deletion with preconditions; it names the kind instead of the resource. */
export function preconditionConflict(resource: Resource, name: string, why: string): ApiError {
  const { kind, group } = resource;
  return new ApiError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${
      group === "" ? kind : `${kind}.${group}`
    } "${name}": ${why}`,
    { ...detailsOf(resource, name), kind },
  );
}

/** 409 of an apply that would take fields from others. */
export function applyConflict(causes: StatusCause[], message: string): ApiError {
  return new ApiError(409, "Conflict", message, { causes });
}

/** 422 for an object whose fields are wrong. */
export function invalid(
  { group, kind }: Pick<Resource, "group" | "kind">,
  name: string,
  faults: readonly FieldFault[],
): ApiError {
  const words = [...new Set(faults.map(({ field, message }) => `${field}: ${message}`))];
  const list = words.length === 1 ? words[0] : `[${words.join(", ")}]`;
  return new ApiError(
    422,
    "Invalid",
    `${group === "" ? kind : `${kind}.${group}`} "${name}" is invalid: ${list}`,
    {
      ...(name === "" ? {} : { name }),
      ...(group === "" ? {} : { group }),
      kind,
      causes: faults.map(({ reason, field, message }) => ({ reason, message, field })),
    },
  );
}

/** 400 with the server's words. */
export function badRequest(message: string): ApiError {
  return new ApiError(400, "BadRequest", message);
}

/** 403 of an admission plugin, or of RBAC. */
export function forbidden(resource: Resource, name: string, why: string): ApiError {
  const named = name === "" ? "" : ` "${name}"`;
  return new ApiError(
    403,
    "Forbidden",
    `${qualifiedName(resource)}${named} is forbidden: ${why}`,
    detailsOf(resource, name),
  );
}

/** 401 without any word of why. */
export function unauthorized(): ApiError {
  return new ApiError(401, "Unauthorized", "Unauthorized");
}

/** 410 of a `resourceVersion` that is no longer known. */
export function expired(asked: number, oldest: number): ApiError {
  return new ApiError(410, "Expired", `too old resource version: ${asked} (${oldest})`);
}

/** 504 of a `resourceVersion` that there has not been yet, as after a restored backup. */
export function tooLarge(asked: number, current: number): ApiError {
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  return new ApiError(504, "Timeout", message, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

/** 415 of a patch in a form that is not spoken. */
export function unsupportedMediaType(): ApiError {
  return new ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {});
}

function detailsOf({ plural, group }: Resource, name: string): Fields {
  return {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    kind: plural,
  };
}
