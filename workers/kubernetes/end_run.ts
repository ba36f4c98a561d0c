/** Ends runs in a cluster: a set without a replica, a pod that is gone, and the record of how the run ended. */
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { OperationalError } from "../../events/errors.ts";
import { isFailure } from "../exit_description.ts";
import type { Fence } from "../platform.ts";
import { lastWords, outputMask } from "../printed_output.ts";
import { STOP_GRACE_MS } from "../templates/pace.ts";
import { type PodObject, PODS, type SetObject } from "./cluster_objects.ts";
import {
  changeRecord,
  type ClusterSite,
  hasOwnPod,
  isPodOf,
  look,
  placeOf,
  printed,
  type Sight,
  stateOf,
} from "./cluster_site.ts";
import { podName, RUN } from "./object_names.ts";
import { type PodEnd, type PodView, UNKNOWN_END, viewPod } from "./pod_view.ts";
import { endedInfo } from "./run_info.ts";
import { raised, type RecordedRun, type RunRecord } from "./run_record.ts";

/** From the end of its grace until a pod has to be gone. Its node may be lost: a pod is never removed by force. */
const GONE_WITHIN_MS = 30_000;
/** Somebody else changes the set between our look and our change; more than this often is no coincidence. */
const TRIES_MAX = 20;
const NEVER: AbortSignal = new AbortController().signal;

/** What became of an instance's latest run. */
export type Ending =
  /** Null: there was none, or it never began. */
  | { kind: "ended"; info: RuntimeInfo | null }
  /** Its pod does not go. */
  | { kind: "stays"; info: RuntimeInfo | null; words: string }
  /** It was to be ended only if it was over, and is not; or it is newer than who wants to end it. */
  | { kind: "lives" };

/** What is to be done with it. */
export interface EndWish {
  /** Only this one; null: whichever is the latest. */
  runId: string | null;
  /** It is no failure. */
  isAsked: boolean;
  /** Only if it has ended by itself, and that is yet to be settled. */
  isOnlyIfOver?: boolean;
  /** A run of a higher generation lives on. */
  generationMost?: number;
  /** Is raised with it. */
  fence?: Fence;
}

/**
 * Ends the latest run, if there is one; one that has ended is a success. What is recorded says so before anything else
 * happens, so that whoever comes later goes on with it.
 */
export async function endRun(
  site: ClusterSite,
  instanceId: string,
  wish: EndWish,
): Promise<Ending> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const sight = await look(site, instanceId);
    const ending = sight.set === null || !sight.isOurs
      ? await endLeftover(site, sight, null)
      : await endOnce(site, sight, sight.set, wish);
    if (ending !== "changed") return ending;
  }
  throw busy(instanceId);
}

/** Somebody else changes a set again and again. */
export function busy(instanceId: string): OperationalError {
  return new OperationalError(
    "kubernetes_busy",
    `Somebody else keeps changing the set of instance ${instanceId}.`,
    true,
    "Look who does: kubectl get statefulset -o yaml --show-managed-fields",
  );
}

async function endOnce(
  site: ClusterSite,
  sight: Sight,
  set: SetObject,
  { runId, isAsked, isOnlyIfOver = false, generationMost = Infinity, fence }: EndWish,
): Promise<Ending | "changed"> {
  const { instanceId, record } = sight;
  const { run } = record;
  const state = stateOf(site, sight);
  if (runId !== null && run?.runId !== runId) return { kind: "ended", info: null };
  if (run === null || state.kind === "ended") {
    const adjusted = fenced(record, fence);
    // Somebody may have asked for a pod without us.
    if (adjusted !== record || set.spec.replicas !== 0) {
      if (await changeRecord(site, set, adjusted, 0) === null) return "changed";
    }
    return await endLeftover(site, sight, state.kind === "ended" ? state.info : null);
  }
  if (isOnlyIfOver && state.kind !== "over") return { kind: "lives" };
  if (run.generation > generationMost) return { kind: "lives" };
  const wanted = fenced({
    ...record,
    isEndAsked: record.isEndAsked || isAsked,
    over: record.over ?? (state.kind === "over" ? await overOf(site, sight, state.end) : null),
  }, fence);
  const isNews = JSON.stringify(wanted) !== JSON.stringify(record) || set.spec.replicas !== 0;
  if (isNews && await changeRecord(site, set, wanted, 0) === null) return "changed";
  const stays = await untilGone(site, sight, run.runId);
  if (stays !== null) {
    const info = state.kind === "live" ? state.info : null;
    return { kind: "stays", info, words: stays };
  }
  const info = await recordEnd(site, instanceId, run, sight.pod);
  return info === "changed" ? info : { kind: "ended", info };
}

function fenced(record: RunRecord, fence: Fence | undefined): RunRecord {
  return fence ? raised(record, fence) : record;
}

/** A pod of the instance that no run accounts for: its set is gone, or was scaled by somebody. */
async function endLeftover(
  site: ClusterSite,
  sight: Sight,
  info: RuntimeInfo | null,
): Promise<Ending> {
  const stays = hasOwnPod(site, sight) ? await untilGone(site, sight, runIn(sight.pod)) : null;
  return stays === null ? { kind: "ended", info } : { kind: "stays", info, words: stays };
}

/** Null once no pod of the instance is there; else why it stays. */
async function untilGone(
  site: ClusterSite,
  { instanceId, plan }: Sight,
  runId: string | undefined,
): Promise<string | null> {
  const limitMs = (plan?.stopGraceMs ?? STOP_GRACE_MS) + GONE_WITHIN_MS;
  const end = site.clock.monotonic() + limitMs;
  for (;;) {
    const pod = await site.api.get<PodObject>(PODS, podName(instanceId));
    // Somebody else's pod of that name, or the next run's.
    if (pod === null || runIn(pod) !== runId) return null;
    if (site.clock.monotonic() > end) return staysWords(pod);
    await site.pods.change(instanceId, NEVER);
  }
}

function runIn(pod: PodObject | null): string | undefined {
  return pod?.metadata.annotations?.[RUN];
}

function staysWords({ metadata, spec }: PodObject): string {
  return `Pod ${metadata.name} does not go: its node ${
    spec?.nodeName ?? "(none)"
  } does not answer, ` +
    "or something holds the pod (a finalizer). It is never removed by force, since its server may " +
    `still run. See: kubectl describe pod ${metadata.name}`;
}

/** Records how a run ended, whose pod is gone. */
async function recordEnd(
  site: ClusterSite,
  instanceId: string,
  run: RecordedRun,
  seen: PodObject | null,
): Promise<RuntimeInfo | null | "changed"> {
  const sight = await look(site, instanceId);
  const { set, record } = sight;
  if (set === null || record.run?.runId !== run.runId) return null;
  if (record.ended) return record.ended;
  const uid = record.run.podUid ?? (seen && isPodOf(run, seen) ? seen.metadata.uid : null);
  if (uid) await site.pods.untilGone(uid, instanceId);
  const pod = (uid && site.pods.lastOf(uid)) || (seen && isPodOf(run, seen) ? seen : null);
  const view = pod && viewPod(pod);
  const isUnseen = record.over === null && record.run.podUid === null;
  if (isUnseen && !hasBegun(view)) {
    // It never came to life: there is nothing to tell of it.
    const without = { ...record, run: null, isEndAsked: false };
    return await changeRecord(site, set, without) === null ? "changed" : null;
  }
  const found: PodEnd = view?.kind === "ended"
    ? view.end
    : { ...UNKNOWN_END, startedAt: view?.kind === "running" ? view.startedAt : null };
  const place = placeOf(site, sight, record.run);
  const { end, logTail } = record.over ?? { end: found, logTail: "" };
  // Of a run that had ended before, the end was not asked for.
  const isAsked = record.isEndAsked && record.over === null;
  const info = endedInfo(place, pod, end, { isAsked, now: site.clock.now(), logTail });
  const ended = info.exit && isFailure(info.exit) ? info : withoutTail(info);
  return await changeRecord(site, set, { ...record, ended }) === null ? "changed" : ended;
}

/** A pod that was ended before its server began is said to have failed. */
function hasBegun(view: PodView | null): boolean {
  if (view === null || view.kind === "pending") return false;
  return view.kind === "running" || view.end.code !== null || view.end.startedAt !== null;
}

function withoutTail({ logTail: _, ...info }: RuntimeInfo): RuntimeInfo {
  return info;
}

/** What is known of an end before its pod goes, and what it printed with it; null: nothing yet. */
async function overOf(
  site: ClusterSite,
  { pod, plan }: Sight,
  { isBegunAnew: _, ...end }: PodEnd,
): Promise<RunRecord["over"]> {
  if (end.code === null && end.words === null) return null;
  const mask = await outputMask(site.secrets, plan?.given ?? []);
  const logTail = pod ? await lastWords((reading) => printed(site, pod, reading), mask) : "";
  return { end, logTail };
}
