/** The `scale` subresource of a StatefulSet: its replicas alone, in the form that all scalable kinds share. */
import { isFields, type KubeObject, type StatefulSet } from "./kube_objects.ts";
import { badRequest } from "./status_errors.ts";

/** As it is read. */
export function scaleOf(set: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = set.metadata;
  const { spec, status } = set as StatefulSet;
  const labels = Object.entries(spec.selector.matchLabels ?? {}).sort();
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp } as never,
    spec: spec.replicas === 0 ? {} : { replicas: spec.replicas },
    status: {
      replicas: status?.replicas ?? 0,
      selector: labels.map(([key, value]) => `${key}=${value}`).join(","),
    },
  };
}

/** The set with the replicas of a scale that was sent. */
export function withScale(set: KubeObject, scale: unknown): KubeObject {
  if (!isFields(scale) || scale.kind !== "Scale") throw badRequest("the body is no Scale");
  const spec = isFields(scale.spec) ? scale.spec : {};
  const given = isFields(scale.metadata) ? scale.metadata : {};
  const { resourceVersion } = given as { resourceVersion?: string };
  const metadata = { ...set.metadata, resourceVersion: resourceVersion ?? "" };
  return {
    ...set,
    metadata,
    spec: { ...(set as StatefulSet).spec, replicas: spec.replicas ?? 0 },
  };
}
