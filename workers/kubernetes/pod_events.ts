/** What a cluster's events tell that no status does: why a set gets no pod, and what a probe found. */
import type { Failure } from "../platform.ts";
import { final } from "../start_outcomes.ts";
import type { ClusterApi } from "./cluster_api.ts";
import { type EventObject, EVENTS } from "./cluster_objects.ts";
import { MAKE_ROOM } from "./cluster_refusal.ts";

/** Events have whole seconds. */
const SECOND_MS = 1_000;

/** Why the controller could make no pod for a set since `since`; null: it did not say. */
export async function whyNoPod(
  api: ClusterApi,
  setUid: string,
  since: number,
): Promise<Failure | null> {
  const words = await latest(api, setUid, "FailedCreate", since - SECOND_MS);
  if (words === null) return null;
  if (/exceeded quota/.test(words)) {
    return { code: "quota_exceeded", message: `${words}. ${MAKE_ROOM}`, retryable: true };
  }
  if (/violates PodSecurity|admission webhook|denied the request/.test(words)) {
    return final("admission_refused", `The cluster's own rules refuse the pod: ${words}.`);
  }
  if (/is forbidden|is invalid/i.test(words)) {
    return final("kubernetes_refused", `The cluster refuses the pod: ${words}.`);
  }
  return null;
}

/** What a probe of a pod has found last; null: nothing that was told. */
export function probeWords(api: ClusterApi, podUid: string): Promise<string | null> {
  return latest(api, podUid, "Unhealthy", 0);
}

async function latest(
  api: ClusterApi,
  uid: string,
  reason: string,
  since: number,
): Promise<string | null> {
  const fields = `involvedObject.uid=${uid},reason=${reason}`;
  const { items } = await api.list<EventObject>(EVENTS, { fields });
  const timeOf = ({ lastTimestamp, metadata }: EventObject) =>
    Date.parse(lastTimestamp ?? metadata.creationTimestamp ?? "") || 0;
  const newest = items.filter((event) => timeOf(event) >= since)
    .sort((a, b) => timeOf(b) - timeOf(a))[0];
  return newest?.message ?? null;
}
