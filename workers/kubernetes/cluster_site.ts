/** What the parts of the kubernetes platform share, and how an instance is looked at. */
import { type Clock, sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
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
import {
  CONTAINER,
  INSTANCE,
  isOfFleet,
  objectName,
  podName,
  RECORD,
  RUN,
} from "./object_names.ts";
import type { PodWatch } from "./pod_watch.ts";
import { type PodEnd, UNKNOWN_END, viewPod } from "./pod_view.ts";
import { liveInfo, type RunPlace } from "./run_info.ts";
import { NOTHING_RECORDED, readSet, type RecordedRun, type RunRecord } from "./run_record.ts";
import { readMark } from "./server_objects.ts";

const AWAY_PAUSE_MS = 1_000;

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

/**
 * Looks at the cluster itself: what a watch has told may be old. The set first: a pod that is newer than what its set
 * says is looked at again, one that is older would be taken for gone.
 */
export async function look(site: ClusterSite, instanceId: string): Promise<Sight> {
  const set = await site.api.get<SetObject>(SETS, objectName(instanceId));
  const pod = await site.api.get<PodObject>(PODS, podName(instanceId));
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

/** Whether the pod there is this instance's at all, whatever its set says, or whether there still is a set. */
export function hasOwnPod({ fleet }: ClusterSite, { instanceId, pod }: Sight): boolean {
  return pod !== null && pod.metadata.annotations?.[INSTANCE] === instanceId &&
    isOfFleet(fleet, pod.metadata.labels);
}

/** Records which pod a run has: from here on another one of its name is another run. False: the set was changed. */
export async function notePod(
  site: ClusterSite,
  { set, record, pod }: Sight,
): Promise<boolean> {
  if (!set || !pod || !record.run) return false;
  const run = { ...record.run, podUid: pod.metadata.uid };
  return await changeRecord(site, set, { ...record, run }) !== null;
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
    const [, time, text] = /^(\d{4}-\d\d-\d\dT\S+Z) (.*)$/s.exec(line) ?? [];
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

/** What `work` comes to, once the cluster is there; it may be away for so long. */
export async function persistently<T>(
  { clock, pods }: ClusterSite,
  awayMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const end = clock.monotonic() + awayMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isPassing = error instanceof OperationalError && error.retryable;
      if (!isPassing || pods.isClosed || clock.monotonic() > end) throw error;
      await sleep(clock, AWAY_PAUSE_MS);
    }
  }
}
