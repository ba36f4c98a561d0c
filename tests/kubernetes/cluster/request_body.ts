/** What a request carries: its object, checked against the published fields as strictly as it asks for. */
import { parse } from "yaml";
import { schemaFaults } from "./api_schema.ts";
import { type Fields, isFields, type KubeObject } from "./kube_objects.ts";
import type { Resource } from "./resources.ts";
import { ApiError, badRequest } from "./status_errors.ts";

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
 * The body as an object of the resource.
 * @throws {ApiError} 400 when it is none, has fields of a wrong type, or unknown ones that are refused
 */
export function objectIn(body: unknown, resource: Resource, validation: string): KubeObject {
  if (!isFields(body) || typeof body.kind !== "string") {
    throw badRequest(
      `Object 'Kind' is missing in '${JSON.stringify(body)}'`,
    );
  }
  const object = { ...body, metadata: isFields(body.metadata) ? body.metadata : {} };
  const { unknown, wrong } = schemaFaults(withoutWriteOnly(object), resource.schema, "indexed");
  const cannot =
    `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: `;
  if (wrong[0] !== undefined) throw badRequest(cannot + unmarshalWords(wrong[0], resource));
  if (validation === "Strict" && unknown.length > 0) {
    const words = unknown.map((path) => `unknown field "${path.slice(1)}"`).join(", ");
    throw badRequest(`${cannot}strict decoding error: ${words}`);
  }
  return object as unknown as KubeObject;
}

/**
 * The body of an apply, whose unknown fields are always refused.
 * @throws {ApiError} 500 with the words of the real server's typed objects
 */
export function appliedIn(body: unknown, resource: Resource, place: string): KubeObject {
  if (!isFields(body)) throw badRequest("the body of an apply is not an object");
  const { unknown, wrong } = schemaFaults(withoutWriteOnly(body), resource.schema, "keyed");
  const words = [...unknown.map((path) => `${path}: field not declared in schema`), ...wrong];
  if (words.length > 0) {
    const listed = words.length === 1
      ? words[0]
      : `errors:\n${words.map((word) => `  ${word}`).join("\n")}`;
    const kind = `${body.apiVersion}, Kind=${body.kind}`;
    const message = `failed to create typed patch object (${place}; ${kind}): ${listed}`;
    throw new ApiError(500, "", message);
  }
  return { ...body, metadata: isFields(body.metadata) ? body.metadata : {} } as never;
}

/** Such as `.spec.replicas: expected numeric, got string`, in the words of Go's decoder. */
function unmarshalWords(wrong: string, { kind }: Resource): string {
  const [, path = "", got = ""] = /^\.?(.*?): expected .*, got (.*)$/.exec(wrong) ?? [];
  return `json: cannot unmarshal ${got} into Go struct field ${kind}.${path}`;
}

function withoutWriteOnly(object: Fields): Fields {
  if (object.kind !== "Secret") return object;
  const { stringData: _, ...rest } = object;
  return rest;
}
