/** Ends runs in a cluster: a set without a replica, a pod that is gone, and the record of how the run ended. */
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { OperationalError } from "../../events/errors.ts";
import { isFailure } from "../exit_description.ts";
import { lastWords, outputMask } from "../printed_output.ts";
import { STOP_GRACE_MS } from "../templates/pace.ts";
import type { PodObject } from "./cluster_objects.ts";
import {
  changeRecord,
  type ClusterSite,
  isPodOf,
  look,
  placeOf,
  printed,
  type Sight,
  stateOf,
} from "./cluster_site.ts";
import { RUN } from "./object_names.ts";
import { type PodEnd, type PodView, UNKNOWN_END, viewPod } from "./pod_view.ts";
import { endedInfo } from "./run_info.ts";
import type { RecordedRun, RunRecord } from "./run_record.ts";

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
  | { kind: "stays"; info: RuntimeInfo | null; words: string };

/** What is to be done with it. */
export interface EndWish {
  /** Only this one; null: whichever is the latest. */
  runId: string | null;
  /** It is no failure. */
  isAsked: boolean;
  /** What else is to be recorded with it: a fence. */
  adjust(record: RunRecord): RunRecord;
}

/**
 * Ends the latest run, if there is one; one that has ended is a success. What is recorded says so before anything else
 * happens, so that whoever comes later goes on with it.
 */
export async function endRun(
  site: ClusterSite,
  instanceId: string,
  { runId, isAsked, adjust }: EndWish,
): Promise<Ending> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const sight = await look(site, instanceId);
    const { set, record, isOurs } = sight;
    if (set === null || !isOurs) return { kind: "ended", info: null };
    const state = stateOf(site, sight);
    const { run } = record;
    if (runId !== null && run?.runId !== runId) return { kind: "ended", info: null };
    if (run === null || state.kind === "ended") {
      const adjusted = adjust(record);
      if (adjusted !== record && await changeRecord(site, set, adjusted) === null) continue;
      return { kind: "ended", info: state.kind === "ended" ? state.info : null };
    }
    const wanted = adjust({
      ...record,
      isEndAsked: record.isEndAsked || isAsked,
      over: record.over ?? (state.kind === "over" ? await overOf(site, sight, state.end) : null),
    });
    const isNews = JSON.stringify(wanted) !== JSON.stringify(record) || set.spec.replicas !== 0;
    if (isNews && await changeRecord(site, set, wanted, 0) === null) continue;
    const stays = await untilGone(site, sight, run);
    if (stays !== null) {
      const info = state.kind === "live" ? state.info : null;
      return { kind: "stays", info, words: stays };
    }
    const info = await recordEnd(site, instanceId, run, sight.pod);
    if (info !== "changed") return { kind: "ended", info };
  }
  throw new OperationalError(
    "kubernetes_busy",
    `Somebody else keeps changing the set of instance ${instanceId}.`,
    true,
    "Look who does: kubectl get statefulset -o yaml --show-managed-fields",
  );
}

/** Null once no pod of the instance is there; else why it stays. */
async function untilGone(
  site: ClusterSite,
  { instanceId, plan, pod }: Sight,
  run: RecordedRun,
): Promise<string | null> {
  const limitMs = (plan?.stopGraceMs ?? STOP_GRACE_MS) + GONE_WITHIN_MS;
  const end = site.clock.monotonic() + limitMs;
  for (let last = pod; last !== null; last = (await look(site, instanceId)).pod) {
    // Somebody else's pod of that name, or the next run's.
    if (last.metadata.annotations?.[RUN] !== run.runId) return null;
    if (site.clock.monotonic() > end) return staysWords(last);
    await site.pods.change(instanceId, NEVER);
  }
  return null;
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
