/** The requests of the tape and the objects in them. */
import type { Fields } from "./kube_objects.ts";

/** One request; `{name.path}` in any text is a field of an answer that was kept, `{ns}` the namespace. */
export interface TapeStep {
  say: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Record<string, string>;
  /** `merge`, `json`, `apply`, `strategic`; JSON otherwise. */
  patch?: "merge" | "json" | "apply" | "strategic";
  body?: unknown;
  keep?: string;
}

/** StatefulSets of the group's namespace. */
export const SETS = "/apis/apps/v1/namespaces/{ns}/statefulsets";
/** Pods of the group's namespace. */
export const PODS = "/api/v1/namespaces/{ns}/pods";
/** Services of the group's namespace. */
export const SERVICES = "/api/v1/namespaces/{ns}/services";
/** ConfigMaps of the group's namespace. */
export const CONFIGMAPS = "/api/v1/namespaces/{ns}/configmaps";
/** Secrets of the group's namespace. */
export const SECRETS = "/api/v1/namespaces/{ns}/secrets";
/** Claims of the group's namespace. */
export const CLAIMS = "/api/v1/namespaces/{ns}/persistentvolumeclaims";
/** Events of the group's namespace. */
export const EVENTS = "/api/v1/namespaces/{ns}/events";

/** A set with one container; `spec` and `pod` add to or replace what it has. */
export function aSet(name: string, pod: Fields = {}, spec: Fields = {}): Fields {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name, labels: { app: name } },
    spec: {
      replicas: 0,
      serviceName: name,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [aContainer()], ...pod },
      },
      ...spec,
    },
  };
}

/** A container that may be anything. */
export function aContainer(more: Fields = {}): Fields {
  return { name: "app", image: "example/app:1", ...more };
}

/** A pod without the account's token, which would have a name of its own each time. */
export function aPod(name: string, spec: Fields = {}, metadata: Fields = {}): Fields {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...metadata },
    spec: { automountServiceAccountToken: false, containers: [aContainer()], ...spec },
  };
}

/** An apply as a manager. */
export function apply(
  say: string,
  path: string,
  body: unknown,
  query: Record<string, string> = {},
  keep?: string,
): TapeStep {
  return {
    say,
    method: "PATCH",
    patch: "apply",
    path,
    query: { fieldManager: "worker", ...query },
    body,
    ...(keep ? { keep } : {}),
  };
}

/** A merge patch as `kubectl-edit`. */
export function merge(
  say: string,
  path: string,
  body: unknown,
  query: Record<string, string> = {},
): TapeStep {
  const manager = { fieldManager: "kubectl-edit", ...query };
  return { say, method: "PATCH", patch: "merge", path, query: manager, body };
}

/** A POST. */
export function post(
  say: string,
  path: string,
  body: unknown,
  query: Record<string, string> = {},
  keep?: string,
): TapeStep {
  const manager = { fieldManager: "creator", ...query };
  return { say, method: "POST", path, query: manager, body, ...(keep ? { keep } : {}) };
}

/** A GET. */
export function get(
  say: string,
  path: string,
  query: Record<string, string> = {},
  keep?: string,
): TapeStep {
  return { say, method: "GET", path, query, ...(keep ? { keep } : {}) };
}
