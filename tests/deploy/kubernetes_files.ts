/** The objects of `deploy/kubernetes/`, as `kubectl kustomize` makes them but for the image's tag. */
import { parse, parseAllDocuments } from "yaml";

/** What tests read of an object. */
export interface FileObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: {
    replicas?: number;
    template?: { metadata: object; spec: PodSpec };
    volumeClaimTemplates?: { metadata: { name: string } }[];
    selector?: unknown;
    strategy?: unknown;
    minAvailable?: number;
  };
  data?: Record<string, string>;
  rules?: RoleRule[];
  subjects?: { kind: string; name: string; namespace: string }[];
}

export interface RoleRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
}

export interface PodSpec {
  serviceAccountName?: string;
  automountServiceAccountToken: boolean;
  enableServiceLinks: boolean;
  securityContext: Record<string, unknown>;
  containers: ContainerSpec[];
  volumes?: Record<string, unknown>[];
}

export interface ContainerSpec {
  name: string;
  image: string;
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: Record<string, unknown> }[];
  envFrom?: unknown[];
  securityContext: Record<string, unknown>;
  resources: unknown;
  readinessProbe?: { httpGet?: { path: string } };
  livenessProbe?: { httpGet?: { path: string } };
}

const FOLDER = new URL("../../deploy/kubernetes/", import.meta.url);
const { resources } = parse(textOf("kustomization.yaml")) as { resources: string[] };

/** All of them, in the order of the files. */
export const OBJECTS: readonly FileObject[] = resources.flatMap((name) =>
  parseAllDocuments(textOf(name), { merge: true }).map((document) => {
    const [fault] = document.errors;
    if (fault) throw fault;
    return document.toJS() as FileObject;
  })
);

/** The only one of a kind with that name. */
export function fileObject(kind: string, name: string): FileObject {
  const found = OBJECTS.filter((one) => one.kind === kind && one.metadata.name === name);
  if (found.length !== 1) throw new Error(`${found.length} objects ${kind} ${name}`);
  return found[0]!;
}

/** What pods are made from, with the volumes that a set's controller puts in for its claims. */
export function templates(): { name: string; pod: PodSpec; metadata: object }[] {
  return OBJECTS.flatMap(({ metadata: { name }, spec }) => {
    if (!spec?.template) return [];
    const claims = spec.volumeClaimTemplates ?? [];
    const claimed = claims.map(({ metadata }) => ({
      name: metadata.name,
      persistentVolumeClaim: { claimName: `${metadata.name}-${name}-0` },
    }));
    const { spec: pod, metadata } = spec.template;
    return [{ name, pod: { ...pod, volumes: [...pod.volumes ?? [], ...claimed] }, metadata }];
  });
}

function textOf(name: string): string {
  return Deno.readTextFileSync(new URL(name, FOLDER));
}
