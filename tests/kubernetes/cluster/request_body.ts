/** What a request carries: its object, checked against the published fields as strictly as it asks for. */
import { parse } from "yaml";
import { invalidValue } from "./field_faults.ts";
import { type Fields, isFields, type KubeObject } from "./kube_objects.ts";
import { QUANTITY_RULE } from "./quantities.ts";
import { apiVersionOf, type Resource, resourceOfKind } from "./resources.ts";
import { type SchemaFault, schemaFaults } from "./schema_faults.ts";
import { ApiError, badRequest, invalid } from "./status_errors.ts";

/** The forms of a patch, by their media type. */
export const PATCH_TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/**
 * The body as JSON or YAML.
 * @throws {ApiError} 400 when it is neither
 */
export async function readBody(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text === "") return null;
  const isYaml = (request.headers.get("content-type") ?? "").includes("yaml");
  try {
    return isYaml ? parse(text) : JSON.parse(text);
  } catch (error) {
    throw badRequest(`error decoding the body: ${(error as Error).message}`);
  }
}

/**
 * The body of a POST or PUT as an object of the resource; without a kind it is taken for one.
 * @throws {ApiError} 400 when it is of another kind, or its fields are not as they should be
 */
export function objectIn(body: unknown, resource: Resource, validation: string): KubeObject {
  if (!isFields(body)) throw badRequest("the body of the request is not an object");
  const own = { kind: resource.kind, apiVersion: apiVersionOf(resource), ...body };
  checkKind(own, resource);
  const fault = decodingFault(own, resource, validation);
  if (fault !== null) throw badRequest(cannot(own.kind, resource) + fault);
  return withMetadata(own);
}

/**
 * What a patch made of an object.
 * @throws {ApiError} 422 when its fields are not as they should be
 */
export function patchedObject(object: unknown, resource: Resource, validation: string): KubeObject {
  if (!isFields(object)) throw badRequest("the patched object is none");
  const fault = decodingFault(object, resource, validation);
  if (fault !== null) {
    const nothing = { group: "", kind: "" };
    const { kind: _, ...details } = invalid(nothing, "", [
      invalidValue("patch", JSON.stringify(object), fault),
    ]).details ?? {};
    const message = ` "" is invalid: patch: Invalid value: ${
      JSON.stringify(JSON.stringify(object))
    }: ${fault}`;
    throw new ApiError(422, "Invalid", message, details);
  }
  return withMetadata(object);
}

/**
 * The body of an apply, whose unknown fields are always refused.
 * @throws {ApiError} 400 for another kind, 500 with the words of the real server's typed objects
 */
export function appliedIn(body: unknown, resource: Resource): KubeObject {
  const { apiVersion, kind } = (isFields(body) ? body : {}) as Partial<KubeObject>;
  if (!isFields(body) || apiVersion !== apiVersionOf(resource) || kind !== resource.kind) {
    throw badRequest(`invalid object type: ${apiVersion ?? "/"}, Kind=${kind ?? ""}`);
  }
  const object = withMetadata(body);
  const { namespace = "", name } = object.metadata;
  const type = `${apiVersion}, Kind=${kind}`;
  const place = `(${namespace}/${name}; ${type})`;
  const faults = schemaFaults(withoutWriteOnly(body), resource.schema);
  const words = faults.filter((fault) => fault.kind !== "quantity").map(typedWords);
  if (words.length > 0) {
    const listed = words.length === 1
      ? words[0]
      : `errors:\n${words.sort().map((word) => `  ${word}`).join("\n")}`;
    throw new ApiError(500, "", `failed to create typed patch object ${place}: ${listed}`);
  }
  if (faults.length > 0) {
    throw new ApiError(
      500,
      "",
      `failed to convert new object ${place} to proper version: unable to convert unstructured object to ${type}: ${QUANTITY_RULE}`,
    );
  }
  return object;
}

function typedWords({ kind, keyedPath, wanted, value }: SchemaFault): string {
  if (kind === "unknown") return `${keyedPath}: field not declared in schema`;
  if (kind === "twice") return `${keyedPath}: duplicate entries for key ${wanted}`;
  const got = typeof value === "string" ? "string" : `&${JSON.stringify(value)}`;
  return `${keyedPath}: expected ${wanted}, got ${got}`;
}

function checkKind({ kind, apiVersion }: Fields, resource: Resource): void {
  const own = apiVersionOf(resource);
  if (kind === resource.kind && apiVersion === own) return;
  const version = String(apiVersion).split("/").at(-1);
  const known = resourceOfKind(String(apiVersion), String(kind));
  const why = known
    ? `converting (${version}.${kind}) to (${
      resource.group || "core"
    }.${resource.kind}): unknown conversion`
    : `no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/runtime/scheme.go:110"`;
  throw badRequest(
    `${kind} in version "${version}" cannot be handled as a ${resource.kind}: ${why}`,
  );
}

function cannot(kind: unknown, { version, kind: own }: Resource): string {
  return `${kind} in version "${version}" cannot be handled as a ${own}: `;
}

/** In the words of Go's decoder; null when all is as it should be. */
function decodingFault(object: Fields, resource: Resource, validation: string): string | null {
  const faults = schemaFaults(withoutWriteOnly(object), resource.schema);
  const [wrong] = faults.filter(({ kind }) => kind === "wrong");
  if (wrong) return unmarshalWords(wrong);
  if (faults.some(({ kind }) => kind === "quantity")) return QUANTITY_RULE;
  if (resource.kind === "Secret") {
    const values = Object.values(isFields(object.data) ? object.data : {}) as string[];
    const bad = values.find((value) => !/^[A-Za-z0-9+/]*={0,2}$/.test(value));
    if (bad !== undefined) {
      return `illegal base64 data at input byte ${bad.search(/[^A-Za-z0-9+/=]/)}`;
    }
  }
  const unknown = faults.filter(({ kind }) => kind === "unknown");
  if (validation !== "Strict" || unknown.length === 0) return null;
  return `strict decoding error: ${
    unknown.map(({ path }) => `unknown field "${path}"`).join(", ")
  }`;
}

function unmarshalWords({ path, holder, wanted, value }: SchemaFault): string {
  const got = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  const types: Record<string, string> = {
    "numeric (int or float)": "int32",
    boolean: "bool",
    string: "string",
  };
  const where = `${holder}.${path.replace(/\[\d+\]/g, "")}`;
  const of = types[wanted] ?? `v1.${holder}`;
  return `json: cannot unmarshal ${got} into Go struct field ${where} of type ${of}`;
}

function withoutWriteOnly(object: Fields): Fields {
  if (object.kind !== "Secret") return object;
  const { stringData: _, ...rest } = object;
  return rest;
}

function withMetadata(object: Fields): KubeObject {
  return { ...object, metadata: isFields(object.metadata) ? object.metadata : {} } as never;
}
