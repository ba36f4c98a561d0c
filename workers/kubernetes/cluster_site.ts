/** What the parts of the kubernetes platform share, and how an instance is looked at. */
import type { Clock } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { Failure } from "../platform.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import {
  outputMask,
  type PrintedLine,
  type PrintedReading,
  type PrintedRuns,
} from "../printed_output.ts";
import type { SecretStore } from "../secret_store.ts";
import type { KeptPlan } from "../templates/image.ts";
import type { ClusterApi } from "./cluster_api.ts";
import { type PodObject, PODS, type SetObject, SETS } from "./cluster_objects.ts";
import { CONTAINER, isOfFleet, objectName, podName, RECORD, RUN } from "./object_names.ts";
import type { PodWatch } from "./pod_watch.ts";
import { type PodEnd, UNKNOWN_END, viewPod } from "./pod_view.ts";
import { liveInfo, type RunPlace } from "./run_info.ts";
import { NOTHING_RECORDED, readSet, type RecordedRun, type RunRecord } from "./run_record.ts";
import { readMark } from "./server_objects.ts";

/** One namespace of a cluster, for one fleet. */
export interface ClusterSite {
  api: ClusterApi;
  pods: PodWatch;
  clock: Clock;
  /** Of the namespace: what can reach it is one site. */
  id: string;
  /** The cluster's namespace; `fleet` is ours. */
  namespace: string;
  fleet: string;
  policy: HostPolicy;
  secrets: SecretStore;
  /** What runs for the template `drasi-server`. */
  drasiServerImage: string;
  /** Of a volume: `1Gi`. */
  volumeSize: string;
}

/** An instance's set and pod as they are now. */
export interface Sight {
  instanceId: string;
  /** Null: there is none. */
  set: SetObject | null;
  /** Of this fleet, and of this instance: its name may be taken. */
  isOurs: boolean;
  record: RunRecord;
  plan: KeptPlan | null;
  /** Whatever has the name of the instance's pod. */
  pod: PodObject | null;
}

/** What of an instance's latest run is so. */
export type RunState =
  /** There never was one. */
  | { kind: "none" }
  /** Its pod was asked for, and its server was not begun yet. `failure`: it never will be. */
  | { kind: "pending"; run: RecordedRun; words: string; failure: Failure | null }
  | {
    kind: "live";
    run: RecordedRun;
    info: RuntimeInfo;
    isStarted: boolean;
    isReady: boolean;
  }
  /** It has ended, or its pod was taken away; its set may still ask for a pod. */
  | { kind: "over"; run: RecordedRun; end: PodEnd }
  /** All is said of it, and its pod is gone. */
  | { kind: "ended"; run: RecordedRun; info: RuntimeInfo };

/** Looks at the cluster itself: what a watch has told may be old. */
export async function look(site: ClusterSite, instanceId: string): Promise<Sight> {
  const [set, pod] = await Promise.all([
    site.api.get<SetObject>(SETS, objectName(instanceId)),
    site.api.get<PodObject>(PODS, podName(instanceId)),
  ]);
  return sightOf(site, instanceId, set, pod);
}

export function sightOf(
  { fleet }: ClusterSite,
  instanceId: string,
  set: SetObject | null,
  pod: PodObject | null,
): Sight {
  const read = set && readSet(set);
  const isOurs = read?.instanceId === instanceId && isOfFleet(fleet, set?.metadata.labels);
  const { record, plan } = isOurs ? read : { record: NOTHING_RECORDED, plan: null };
  return { instanceId, set, isOurs, record, plan, pod };
}

/** What a sight comes to. */
export function stateOf(site: ClusterSite, sight: Sight): RunState {
  const { record: { run, ended, isEndAsked }, pod } = sight;
  if (run === null) return { kind: "none" };
  if (ended) return { kind: "ended", run, info: ended };
  const isAskedFor = (sight.set?.spec.replicas ?? 0) > 0;
  if (pod === null || !isPodOf(run, pod)) {
    // A set that was just asked for a pod has none for a moment; one whose pod was seen has lost it.
    return isAskedFor && run.podUid === null && !pod
      ? { kind: "pending", run, words: "waits for its pod", failure: null }
      : { kind: "over", run, end: UNKNOWN_END };
  }
  const view = viewPod(pod);
  if (view.kind === "ended") return { kind: "over", run, end: view.end };
  // Somebody deletes the pod; the set would put another one in its place.
  const isTakenAway = pod.metadata.deletionTimestamp !== undefined && isAskedFor && !isEndAsked;
  if (isTakenAway) return { kind: "over", run, end: UNKNOWN_END };
  if (view.kind === "pending") {
    return { kind: "pending", run, words: view.words, failure: view.failure };
  }
  const { startedAt, isStarted, isReady } = view;
  return {
    kind: "live",
    run,
    info: liveInfo(placeOf(site, sight, run), pod, startedAt),
    isStarted,
    isReady,
  };
}

export function placeOf(
  site: ClusterSite,
  { instanceId, plan }: Sight,
  run: RecordedRun,
): RunPlace {
  return { site: site.id, namespace: site.namespace, instanceId, run, plan };
}

/** Whether a pod is the one of a run: that it has the run's name is not enough once the pod was seen. */
export function isPodOf({ runId, podUid }: RecordedRun, { metadata }: PodObject): boolean {
  return metadata.annotations?.[RUN] === runId && (podUid === null || podUid === metadata.uid);
}

/**
 * Changes what is recorded of an instance, and how many replicas its set has, if nobody else has changed the set since it
 * was read.
 * @returns the set as it is then; null: somebody has
 */
export function changeRecord(
  { api }: ClusterSite,
  set: SetObject,
  record: RunRecord,
  replicas?: 0 | 1,
): Promise<SetObject | null> {
  return api.change<SetObject>(SETS, set.metadata.name, {
    metadata: { ...readMark(set), annotations: { [RECORD]: JSON.stringify(record) } },
    ...(replicas === undefined ? {} : { spec: { replicas } }),
  });
}

/** What the container of a pod has printed; of one that was begun anew, before that. */
export async function* printed(
  { api }: ClusterSite,
  pod: PodObject,
  reading: PrintedReading,
): AsyncIterable<PrintedLine> {
  const view = viewPod(pod);
  const isPrevious = view.kind === "ended" && view.end.isBegunAnew;
  const lines = api.printed(pod.metadata.name, CONTAINER, { ...reading, isPrevious });
  for await (const line of lines) {
    const [, time, text] = /^(\S+) (.*)$/s.exec(line) ?? [];
    // A cluster does not tell streams apart.
    if (time !== undefined) yield { stream: "stdout", time, text: text! };
  }
}

/** The run whose pod is there: a cluster keeps nothing of what pods have printed that are gone. */
export function printedRuns(site: ClusterSite, instanceId: string): PrintedRuns {
  return async () => {
    const sight = await look(site, instanceId);
    const { record: { run }, pod } = sight;
    if (run === null || pod === null || !isPodOf(run, pod)) return [];
    const state = stateOf(site, sight);
    if (state.kind !== "live" && state.kind !== "over") return [];
    const startedAt = state.kind === "live" ? state.info.startedAt : state.end.startedAt;
    return [{
      runId: run.runId,
      startedAt: startedAt ?? run.askedAt,
      isLive: state.kind === "live",
      printed: (reading) => printed(site, pod, reading),
      mask: () => outputMask(site.secrets, sight.plan?.given ?? []),
      ended: () => Promise.reject(new Error("the latest run has no end marker")),
    }];
  };
}
