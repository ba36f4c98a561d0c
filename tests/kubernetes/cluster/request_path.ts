/** What a request's path names. */
import { apiVersionOf, findResource, type Resource, RESOURCES } from "./resources.ts";

/** An object, or all objects of a kind in a namespace or everywhere. */
export interface Target {
  resource: Resource;
  /** Empty: all namespaces, or none for what has none. */
  namespace: string;
  /** Empty for a collection. */
  name: string;
  /** Empty for the object itself. */
  subresource: string;
}

/** The target of a path such as `/apis/apps/v1/namespaces/a/statefulsets/b/scale`; null for any other path. */
export function targetOf(path: string): Target | null {
  const steps = path.split("/").filter((step) => step !== "").map(decodeURIComponent);
  const first = steps.shift();
  if (first !== "api" && first !== "apis") return null;
  const group = first === "api" ? "" : steps.shift() ?? "";
  const version = steps.shift() ?? "";
  // `/namespaces/a/pods` is in a namespace, `/namespaces/a/status` is the namespace's own.
  const inner = steps[0] === "namespaces" && steps.length > 2
    ? findResource(group, version, steps[2] ?? "")
    : null;
  const namespace = inner?.isNamespaced ? steps[1] ?? "" : "";
  const [plural = "", name = "", subresource = "", ...more] = inner?.isNamespaced
    ? steps.slice(2)
    : steps;
  const resource = inner?.isNamespaced ? inner : findResource(group, version, plural);
  if (!resource || more.length > 0) return null;
  if (subresource !== "" && !resource.subresources.includes(subresource)) return null;
  return { resource, namespace, name, subresource };
}

/** Whether the path is one of a group that the server has, though perhaps not of a resource in it. */
export function isServed(path: string): boolean {
  const [, root, ...steps] = path.split("/");
  const version = root === "api" ? steps[0] : steps.slice(0, 2).join("/");
  return RESOURCES.some((resource) => apiVersionOf(resource) === version);
}
