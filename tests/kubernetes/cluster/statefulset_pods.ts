/** The pods and claims that a StatefulSet asks for, as its controller makes them. */
import {
  isFields,
  isSame,
  type KubeObject,
  type OwnerReference,
  type Pod,
  type StatefulSet,
} from "./kube_objects.ts";

/** The pod of an ordinal. */
export function podFor(set: StatefulSet, ordinal: number): KubeObject {
  const { name: setName, namespace } = set.metadata;
  const { template, serviceName, volumeClaimTemplates = [] } = set.spec;
  const name = `${setName}-${ordinal}`;
  const claims = volumeClaimTemplates.map(({ metadata }) => ({
    name: metadata.name,
    persistentVolumeClaim: { claimName: `${metadata.name}-${name}` },
  }));
  const claimed = new Set(claims.map((volume) => volume.name));
  const volumes = [
    ...claims,
    ...(template.spec.volumes ?? []).filter((volume) => !claimed.has(volume.name)),
  ];
  const { annotations, labels } = template.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      generateName: `${setName}-`,
      ...(namespace ? { namespace } : {}),
      ...(annotations ? { annotations } : {}),
      labels: {
        ...labels,
        "apps.kubernetes.io/pod-index": String(ordinal),
        "controller-revision-hash": revisionOf(set),
        "statefulset.kubernetes.io/pod-name": name,
      },
      ownerReferences: [ownerOf(set)],
    },
    spec: {
      ...template.spec,
      hostname: name,
      ...(serviceName ? { subdomain: serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
}

/** The claims of an ordinal's pod. */
export function claimsOf(set: StatefulSet, ordinal: number): KubeObject[] {
  const { name: setName, namespace } = set.metadata;
  return (set.spec.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: `${metadata.name}-${setName}-${ordinal}`,
      ...(namespace ? { namespace } : {}),
      labels: { ...metadata.labels, ...set.spec.selector.matchLabels },
    },
    spec,
  }));
}

/** The claim with the owners that `whenDeleted` and `whenScaled` ask for; `pod` is one that is scaled away. */
export function retainedClaim(set: StatefulSet, claim: KubeObject, pod: Pod | null): KubeObject {
  const { whenDeleted, whenScaled } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const goesWithPod = pod !== null && whenScaled === "Delete";
  const known = claim.metadata.ownerReferences ?? [];
  const others = known.filter(({ uid, kind }) => uid !== set.metadata.uid && kind !== "Pod");
  const owners = goesWithPod
    ? [...others, ownerOf(pod)]
    : whenDeleted === "Delete"
    ? [...others, ownerOf(set)]
    : others;
  if (isSame(owners, known)) return claim;
  return { ...claim, metadata: { ...claim.metadata, ownerReferences: owners } };
}

/** The name of the template's revision, which changes with the template alone. */
export function revisionOf(set: StatefulSet): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(set.spec.template, inOrder)) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return `${set.metadata.name}-${hash.toString(36)}`;
}

/** The order of fields is no change. */
function inOrder(_name: string, value: unknown): unknown {
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
}

function ownerOf({ apiVersion, kind, metadata: { name, uid = "" } }: KubeObject): OwnerReference {
  return { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
}
