/** What of a container's specification becomes a process: its arguments, environment and files on this host. */
import type { Container, EnvVar, Fields, KubeObject, Pod } from "./kube_objects.ts";
import type { ProcessPlan } from "./container_process.ts";

/** What an image brings. */
export interface KnownImage {
  /** `ENTRYPOINT` and `CMD`, which `command` and `args` of the container replace as they do in Kubernetes. */
  entrypoint?: readonly string[];
  cmd?: readonly string[];
  env?: Record<string, string>;
}

/** Reads a Secret or a ConfigMap of the pod's namespace; null when there is none. */
export type ReadSource = (
  plural: "secrets" | "configmaps",
  name: string,
) => Promise<KubeObject | null>;

/** Why a container can't be made: `CreateContainerConfigError`, with the kubelet's message. */
export class ContainerConfigError extends Error {}

/** Where the pod's volumes lie on this host, by name. */
export type VolumeFolders = ReadonlyMap<string, string>;

/** @throws {ContainerConfigError} when something that it needs is missing */
export async function processPlan(
  pod: Pod,
  container: Container,
  image: KnownImage,
  read: ReadSource,
  volumes: VolumeFolders,
  cwd: string,
): Promise<ProcessPlan> {
  const env = await environmentOf(pod, container, image, read);
  const { command = [], args = [] } = container;
  const entry = command.length > 0 ? command : image.entrypoint ?? [];
  const rest = command.length > 0 || args.length > 0 ? args : image.cmd ?? [];
  const mounted = mountedPaths(container, volumes);
  const argv = [...entry, ...rest].map((word) => mounted(expanded(word, env)));
  const onHost = Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, mounted(value)]),
  );
  return { argv, env: onHost, cwd, isPid1: pod.spec.shareProcessNamespace !== true };
}

/**
 * Replaces the paths of mounts by those of the folders on this host: a process has no root folder
 * of its own here, so a mount can't be where the pod says.
 */
export function mountedPaths(
  { volumeMounts = [] }: Container,
  volumes: VolumeFolders,
): (text: string) => string {
  const mounts = volumeMounts.flatMap(({ name, mountPath, subPath }) => {
    const folder = volumes.get(name);
    const path = mountPath.replace(/\/$/, "");
    return folder ? [{ path, folder: subPath ? `${folder}/${subPath}` : folder }] : [];
  });
  // The longest first: a mount may lie within another.
  mounts.sort((a, b) => b.path.length - a.path.length);
  return (text) =>
    mounts.reduce((changed, { path, folder }) => {
      const whole = new RegExp(`(^|[^\\w./-])${RegExp.escape(path)}(?![\\w-]|\\.\\w)`, "g");
      return changed.replace(whole, (_, before) => `${before}${folder}`);
    }, text);
}

async function environmentOf(
  pod: Pod,
  container: Container,
  image: KnownImage,
  read: ReadSource,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOSTNAME: pod.spec.hostname ?? pod.metadata.name,
    ...image.env,
  };
  for (const { prefix = "", secretRef, configMapRef } of container.envFrom ?? []) {
    const plural = secretRef ? "secrets" : "configmaps";
    const from = secretRef ?? configMapRef;
    if (!from) continue;
    const source = await read(plural, from.name);
    if (!source && !from.optional) throw missing(plural, from.name);
    for (const [name, value] of Object.entries(valuesOf(plural, source))) {
      env[prefix + name] = value;
    }
  }
  for (const variable of container.env ?? []) {
    const value = await valueOf(pod, variable, read);
    if (value !== null) env[variable.name] = expanded(value, env);
  }
  return env;
}

async function valueOf(pod: Pod, variable: EnvVar, read: ReadSource): Promise<string | null> {
  const { value, valueFrom } = variable;
  if (!valueFrom) return value ?? "";
  if (valueFrom.fieldRef) return fieldOf(pod, valueFrom.fieldRef.fieldPath);
  const plural = valueFrom.secretKeyRef ? "secrets" : "configmaps";
  const from = valueFrom.secretKeyRef ?? valueFrom.configMapKeyRef;
  if (!from) return "";
  const source = await read(plural, from.name);
  if (!source) {
    if (from.optional) return null;
    throw missing(plural, from.name);
  }
  const found = valuesOf(plural, source)[from.key];
  if (found !== undefined) return found;
  if (from.optional) return null;
  const { namespace, name } = source.metadata;
  const word = plural === "secrets" ? "Secret" : "ConfigMap";
  throw new ContainerConfigError(
    `couldn't find key ${from.key} in ${word} ${namespace}/${name}`,
  );
}

/** The values of a Secret or a ConfigMap as text. */
export function valuesOf(
  plural: "secrets" | "configmaps",
  source: KubeObject | null,
): Record<string, string> {
  const values = (source?.data ?? {}) as Record<string, string>;
  if (plural === "configmaps") return values;
  return Object.fromEntries(
    Object.entries(values).map((
      [name, value],
    ) => [name, new TextDecoder().decode(Uint8Array.fromBase64(value))]),
  );
}

function fieldOf(pod: Pod, path: string): string {
  const indexed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (indexed) {
    const [, field, key = ""] = indexed;
    return pod.metadata[field as "labels" | "annotations"]?.[key] ?? "";
  }
  if (path === "status.podIP" || path === "status.hostIP") return "127.0.0.1";
  let value: unknown = pod;
  for (const step of path.split(".")) value = (value as Fields | undefined)?.[step];
  return value === undefined ? "" : String(value);
}

function missing(plural: string, name: string): ContainerConfigError {
  return new ContainerConfigError(
    `${plural === "secrets" ? "secret" : "configmap"} "${name}" not found`,
  );
}

/** `$(NAME)` of a known variable is replaced, of an unknown one stays, and `$$(NAME)` is `$(NAME)`. */
export function expanded(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([A-Za-z_][\w.-]*)\)/g, (whole, name?: string) => {
    if (name === undefined) return "$";
    return Object.hasOwn(env, name) ? env[name] ?? "" : whole;
  });
}
