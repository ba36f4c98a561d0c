/** What an API server makes of an object before it looks into it: fields filled in, and empty ones left out. */
import { fieldForm, schemaNode } from "./api_schema.ts";
import { type Fields, isFields, type KubeObject, type PodSpec } from "./kube_objects.ts";
import { completedPod, defaultedPod, defaultedPodSpec } from "./pod_defaults.ts";
import { CLAIM_PROTECTION, type Resource } from "./resources.ts";

/** Where an empty text says something else than none. */
const MEANINGFUL_WHEN_EMPTY = new Set([
  "imageID",
  "message",
  "name",
  "reason",
  "reportingComponent",
  "reportingInstance",
  "status",
  "storageClassName",
]);
/** Times that are told even when there is none. */
const NULL_TIMES = new Set(["eventTime", "lastProbeTime"]);

/** The object with the defaults of its kind. */
export function defaulted(resource: Resource, object: KubeObject): KubeObject {
  switch (resource.plural) {
    case "pods":
      return defaultedPod(object);
    case "statefulsets":
      return defaultedStatefulSet(object);
    case "services":
      return defaultedService(object);
    case "persistentvolumeclaims":
      return defaultedClaim(object);
    case "namespaces":
      return namedNamespace(object);
    case "secrets":
      return defaultedSecret(object);
    case "events":
      return { eventTime: null, reportingComponent: "", reportingInstance: "", ...object };
    default:
      return object;
  }
}

function defaultedStatefulSet(object: KubeObject): KubeObject {
  const spec = (object.spec ?? {}) as Fields;
  const template = (spec.template ?? {}) as Fields;
  const strategy = (spec.updateStrategy ?? {}) as Fields;
  const type = strategy.type ?? "RollingUpdate";
  const isRolling = type === "RollingUpdate";
  const claims = spec.volumeClaimTemplates;
  return {
    ...object,
    spec: {
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      revisionHistoryLimit: 10,
      ...spec,
      persistentVolumeClaimRetentionPolicy: {
        whenDeleted: "Retain",
        whenScaled: "Retain",
        ...(spec.persistentVolumeClaimRetentionPolicy as Fields | undefined),
      },
      updateStrategy: {
        ...strategy,
        type,
        ...(isRolling
          ? { rollingUpdate: { partition: 0, ...(strategy.rollingUpdate as Fields | undefined) } }
          : {}),
      },
      template: { ...template, spec: defaultedPodSpec(template.spec as PodSpec) },
      ...(Array.isArray(claims) && claims.length > 0
        ? { volumeClaimTemplates: claims.map(defaultedClaimTemplate) }
        : {}),
    },
    status: { replicas: 0, availableReplicas: 0, ...(object.status as Fields | undefined) },
  };
}

function defaultedClaimTemplate(claim: KubeObject): KubeObject {
  return {
    ...claim,
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    spec: { volumeMode: "Filesystem", ...(claim.spec as Fields) },
    status: { phase: "Pending" },
  };
}

function defaultedClaim(object: KubeObject): KubeObject {
  return {
    ...object,
    spec: { volumeMode: "Filesystem", ...(object.spec as Fields) },
    status: object.status ?? { phase: "Pending" },
  };
}

function defaultedService(object: KubeObject): KubeObject {
  const spec = (object.spec ?? {}) as Fields;
  const ports = Array.isArray(spec.ports) ? spec.ports : [];
  return {
    ...object,
    spec: {
      type: "ClusterIP",
      sessionAffinity: "None",
      ipFamilyPolicy: "SingleStack",
      ipFamilies: ["IPv4"],
      internalTrafficPolicy: "Cluster",
      ...spec,
      ports: ports.map((port) => ({ protocol: "TCP", targetPort: port.port, ...port })),
    },
    status: object.status ?? { loadBalancer: {} },
  };
}

function namedNamespace(object: KubeObject): KubeObject {
  const { metadata } = object;
  const labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
  return { ...object, metadata: { ...metadata, labels } };
}

/** With what the server itself adds to an object, which nobody owns. */
export function completed(resource: Resource, object: KubeObject): KubeObject {
  switch (resource.plural) {
    case "pods":
      return completedPod(object);
    case "persistentvolumeclaims": {
      const { deletionTimestamp, finalizers = [] } = object.metadata;
      if (deletionTimestamp) return object;
      const all = [...new Set([...finalizers, CLAIM_PROTECTION])];
      return { ...object, metadata: { ...object.metadata, finalizers: all } };
    }
    case "namespaces":
      return {
        ...object,
        spec: object.spec ?? { finalizers: ["kubernetes"] },
        status: object.status ?? { phase: "Active" },
      };
    default:
      return object;
  }
}

/** `stringData` is for writing only. */
function defaultedSecret({ stringData, ...object }: KubeObject): KubeObject {
  const given = (stringData ?? {}) as Record<string, string>;
  const encoded = Object.fromEntries(
    Object.entries(given).map(([key, text]) => [key, new TextEncoder().encode(text).toBase64()]),
  );
  const secret = { type: "Opaque", ...object } as KubeObject;
  return stringData ? { ...secret, data: { ...(object.data as Fields), ...encoded } } : secret;
}

/** Without unknown fields, and without the nulls, empty lists, maps and texts that the server's own types leave out. */
export function withoutEmpties<T>(value: T, form: string): T {
  return cleaned(value, form) as T;
}

function cleaned(value: unknown, form: string): unknown {
  const node = schemaNode(form);
  if (Array.isArray(value)) {
    const of = node.form === "list" ? node.of : "untyped";
    return value.map((item) => cleaned(item, of));
  }
  if (!isFields(value) || node.form === "scalar") return value;
  const kept = Object.entries(value)
    .map(([name, field]): [string, unknown] => {
      return [name, cleaned(field, fieldForm(node, name) ?? "untyped")];
    })
    .filter(([name, field]) => !isLeftOut(name, field, fieldForm(node, name), node.form));
  return Object.fromEntries(kept);
}

function isLeftOut(name: string, field: unknown, form: string | null, holder: string): boolean {
  if (field === null) return !NULL_TIMES.has(name);
  if (field === undefined) return true;
  if (holder === "map") return false;
  if (form === null) return true;
  if (Array.isArray(field)) return field.length === 0;
  if (field === "") return !MEANINGFUL_WHEN_EMPTY.has(name);
  const isMap = schemaNode(form).form === "map";
  return isMap && isFields(field) && Object.keys(field).length === 0;
}

/** Without `lifecycle.stopSignal`, which a server of this version leaves out unless told otherwise. */
export function withoutStopSignals(resource: Resource, object: KubeObject): KubeObject {
  if (resource.plural !== "pods" && resource.plural !== "statefulsets") return object;
  return JSON.parse(JSON.stringify(object), (name, value) => {
    if (name !== "lifecycle" || !isFields(value)) return value;
    const { stopSignal: _, ...kept } = value;
    return Object.keys(kept).length > 0 ? kept : undefined;
  });
}
