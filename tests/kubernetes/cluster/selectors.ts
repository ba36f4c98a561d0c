/** Which objects a list or a watch asks for, by labels and by fields. */
import { isFields, type KubeObject } from "./kube_objects.ts";
import type { Resource } from "./resources.ts";
import { badRequest } from "./status_errors.ts";

/** Whether an object is asked for. */
export type Matches = (object: KubeObject) => boolean;

/**
 * From a `labelSelector` and a `fieldSelector`, each of which may be empty.
 * @throws {ApiError} 400 when one can't be read, or names a field that the resource has no index of
 */
export function selectorOf(resource: Resource, labels: string, fields: string): Matches {
  const tests = [...labelTests(labels), ...fieldTests(resource, fields)];
  return (object) => tests.every((test) => test(object));
}

/** Requirements are separated by commas, but for those within brackets. */
function labelTests(selector: string): Matches[] {
  return selector.split(/,(?![^(]*\))/).map((part) => part.trim()).filter((part) => part !== "")
    .map(labelTest);
}

function labelTest(requirement: string): Matches {
  const has = (name: string) => ({ metadata }: KubeObject) => metadata.labels?.[name];
  const isIn = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(requirement);
  if (isIn) {
    const [, name = "", operator, list = ""] = isIn;
    const values = list.split(",").map((value) => value.trim());
    const read = has(name);
    return (object) => {
      const value = read(object);
      const isListed = value !== undefined && values.includes(value);
      return operator === "in" ? isListed : !isListed;
    };
  }
  const comparison = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(requirement);
  if (comparison) {
    const [, name = "", operator, wanted] = comparison;
    const read = has(name);
    return (object) => (read(object) === wanted) === (operator !== "!=");
  }
  const existence = /^(!?)\s*([A-Za-z0-9][\w./-]*)$/.exec(requirement);
  if (existence) {
    const read = has(existence[2] ?? "");
    return (object) => (read(object) !== undefined) === (existence[1] === "");
  }
  const [, found] = /\s(?:in|notin)\s+([^(\s]+)/.exec(requirement) ?? [];
  if (found !== undefined) {
    throw badRequest(`unable to parse requirement: found '${found}' expected: '('`);
  }
  throw badRequest(
    `unable to parse requirement: found '${requirement}', expected: in, notin, =, ==, !=, gt, lt`,
  );
}

function fieldTests(resource: Resource, selector: string): Matches[] {
  const parts = selector.split(",").filter((part) => part !== "");
  return parts.map((part) => {
    const [, path = "", operator, wanted = ""] = /^([^=!]+)(!=|==|=)(.*)$/.exec(part) ?? [];
    if (operator === undefined) {
      throw badRequest(`invalid selector: '${selector}'; can't understand '${part}'`);
    }
    const known = [
      "metadata.name",
      ...(resource.isNamespaced ? ["metadata.namespace"] : []),
      ...resource.selectable,
    ];
    if (!known.includes(path)) {
      const list = known.map((each) => `"${each}"`).join(", ");
      throw badRequest(
        resource.selectable.length > 0
          ? `field label not supported: ${path}`
          : `"${path}" is not a known field selector: only ${list}`,
      );
    }
    return (object) => (fieldAt(object, path) === wanted) === (operator !== "!=");
  });
}

function fieldAt(object: KubeObject, path: string): string {
  let value: unknown = object;
  for (const step of path.split(".")) value = isFields(value) ? value[step] : undefined;
  return value === undefined || value === null ? "" : String(value);
}
