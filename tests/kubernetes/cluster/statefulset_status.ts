/** The status of a StatefulSet, counted over its pods. */
import type { Fields, Pod, StatefulSet } from "./kube_objects.ts";

/** Runs, is ready, and is not going. */
export function isHealthy({ status }: Pod): boolean {
  return status?.phase === "Running" &&
    (status.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
}

/** As the controller writes it; counts of zero are left out where the real type does. */
export function statefulSetStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  updateRevision: string,
): Fields {
  const last = set.status ?? {};
  const living = pods.filter(({ metadata }) => !metadata.deletionTimestamp);
  const ofRevision = (revision: unknown) =>
    living.filter(({ metadata }) => metadata.labels?.["controller-revision-hash"] === revision)
      .length;
  const healthy = pods.filter(isHealthy).length;
  const updated = ofRevision(updateRevision);
  const isRolledOut = updated === set.spec.replicas && healthy >= updated;
  const known = last.currentRevision as string | undefined;
  const currentRevision = isRolledOut ? updateRevision : known ?? updateRevision;
  const current = ofRevision(currentRevision);
  return {
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    ...(healthy > 0 ? { readyReplicas: healthy } : {}),
    ...(current > 0 ? { currentReplicas: current } : {}),
    ...(updated > 0 ? { updatedReplicas: updated } : {}),
    currentRevision,
    updateRevision,
    collisionCount: 0,
    availableReplicas: healthy,
  };
}
