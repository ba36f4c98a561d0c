/** Starts one run in a cluster, from the checks before anything is applied to the answer of its readiness probe. */
import { sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import { durationText } from "../exit_description.ts";
import { compareFences, type Failure, type StartOutcome, type StartSpec } from "../platform.ts";
import { ABORTED, failed, STALE } from "../start_outcomes.ts";
import { type CheckedImage, checkedImage } from "../templates/checked_image.ts";
import type { DrasiImage } from "../templates/drasi_container.ts";
import { endedTooSoon, type KnownEnds } from "../templates/ended_too_soon.ts";
import { CLAIMS, CONFIG_MAPS, SECRETS, SERVICES, type SetObject, SETS } from "./cluster_objects.ts";
import {
  changeRecord,
  type ClusterSite,
  look,
  type RunState,
  type Sight,
  stateOf,
} from "./cluster_site.ts";
import { endRun } from "./end_run.ts";
import { untilLine } from "./log_readiness.ts";
import { objectName, podName } from "./object_names.ts";
import { programFailure } from "./pod_view.ts";
import { whyNoPod } from "./pod_events.ts";
import type { RunHealth } from "./run_health.ts";
import type { RunWatch } from "./run_watch.ts";
import { raised, type RunRecord } from "./run_record.ts";
import {
  claimsFor,
  filesFor,
  secretFor,
  type ServerWanted,
  serviceFor,
  setFor,
  unsupported,
} from "./server_objects.ts";

/** Until a pod has a node, and its image is there. */
const BEGUN_WITHIN_MS = 300_000;
/** A cluster lets no user in that is only a name, as the image's is; whatever it writes to is mounted for its group. */
const DRASI_USER = "10001:10001";
/** Other workers of the site, or people, may change the set meanwhile. */
const TRIES_MAX = 10;
/** A pod that is refused is refused at once. */
const LOOK_FOR_REFUSAL_AFTER_MS = 1_000;

export interface StartParts {
  site: ClusterSite;
  watch: RunWatch;
  health: RunHealth;
}

/** One start. Nobody else of this worker starts or stops this instance meanwhile. */
export async function startRun(
  parts: StartParts,
  spec: StartSpec,
  signal: AbortSignal,
): Promise<StartOutcome> {
  const { site, watch } = parts;
  const until = site.clock.monotonic() + spec.spawnWithinMs;
  const checked = await checkedImage(
    { platform: "kubernetes", ...site, drasiServer: drasiImageOf(site) },
    spec,
  );
  if ("code" in checked) return failed(checked);
  const refused = unsupported(checked.plan);
  if (refused) return failed(refused);
  return await watch.whileStarting(spec.instanceId, async () => {
    parts.health.tellStart(spec, "spawning", site.clock.now(), null);
    const begun = await begin(site, spec, checked, until, signal);
    return begun === null ? await untilStarted(parts, spec, checked, signal) : failed(begun);
  });
}

function drasiImageOf({ drasiServerImage: image }: ClusterSite): DrasiImage {
  return { image, hasHostPorts: false, user: DRASI_USER };
}

/** Applies what the run is, and asks for its pod; null once that is asked for. */
async function begin(
  site: ClusterSite,
  spec: StartSpec,
  checked: CheckedImage,
  until: number,
  signal: AbortSignal,
): Promise<Failure | null> {
  const { instanceId, runId, limits } = spec;
  const wanted = { fleet: site.fleet, instanceId, runId, plan: checked.plan, limits };
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const sight = await look(site, instanceId);
    const state = stateOf(site, sight);
    // The answer to our own change was lost.
    if (sight.record.run?.runId === runId) return null;
    const refused = whyNot(site, spec, sight, state);
    if (refused) return refused;
    if (state.kind === "pending" || state.kind === "over") {
      const isAsked = state.kind === "pending";
      const adjust = (record: RunRecord) => raised(record, spec.fence);
      const ending = await endRun(site, instanceId, { runId: state.run.runId, isAsked, adjust });
      if (ending.kind === "stays") return stillThere(ending.words);
      continue;
    }
    const applied = await applyAll(site, wanted, checked, sight.set);
    if (applied === null) continue;
    if (signal.aborted) return ABORTED;
    if (site.clock.monotonic() > until) return tooLate(spec);
    const record = recordOf(sight.record, spec, site.clock.now());
    if (await changeRecord(site, applied, record, 1)) return null;
  }
  return busy(instanceId);
}

function recordOf(before: RunRecord, { fence, runId }: StartSpec, askedAt: number): RunRecord {
  const { generation, attempt } = fence;
  return {
    fence: raised(before, fence).fence,
    run: { generation, attempt, runId, askedAt, podUid: null },
    isEndAsked: false,
    over: null,
    ended: null,
  };
}

function whyNot(
  site: ClusterSite,
  { instanceId, fence }: StartSpec,
  { set, isOurs, record }: Sight,
  state: RunState,
): Failure | null {
  if (set && !isOurs) return nameTaken(site, instanceId);
  if (state.kind === "live") return lockedBy(instanceId);
  return compareFences(fence, record.fence) < 0 ? STALE : null;
}

/** The set first, to which all else belongs. Null: it was changed since it was read. */
async function applyAll(
  site: ClusterSite,
  wanted: ServerWanted,
  checked: CheckedImage,
  before: SetObject | null,
): Promise<SetObject | null> {
  const { api } = site;
  let set: SetObject | null;
  try {
    set = await api.apply<SetObject>(SETS, setFor(wanted, before));
  } catch (error) {
    // Another worker has just asked for a pod: the server tells of that before it tells that the set has changed.
    if (isOursToSettle(error)) return null;
    throw error;
  }
  if (set === null) return null;
  const service = serviceFor(wanted, set);
  if (service) await api.apply(SERVICES, service);
  else if (before) await api.remove(SERVICES, objectName(wanted.instanceId), null);
  const secret = secretFor(wanted, checked, set);
  if (secret) await api.apply(SECRETS, secret);
  const files = filesFor(wanted, set);
  if (files) await api.apply(CONFIG_MAPS, files);
  for (const claim of claimsFor(wanted, set, site.volumeSize)) await api.apply(CLAIMS, claim);
  return set;
}

function isOursToSettle(error: unknown): boolean {
  return error instanceof OperationalError && error.code === "field_conflict" &&
    /"draas-run"/.test(error.message);
}

/** Follows a pod that was asked for until its server counts as started, or will not. */
async function untilStarted(
  parts: StartParts,
  spec: StartSpec,
  { plan }: CheckedImage,
  signal: AbortSignal,
): Promise<StartOutcome> {
  const { site, watch, health } = parts;
  const { instanceId, runId } = spec;
  const begunBy = site.clock.monotonic() + BEGUN_WITHIN_MS;
  const askedAt = site.clock.now();
  for (;;) {
    if (signal.aborted) return await giveUp(parts, spec, ABORTED);
    const sight = await look(site, instanceId);
    const state = stateOf(site, sight);
    if (state.kind === "none" || state.run.runId !== runId) return failed(STALE);
    if (state.kind === "ended") return overtaken(sight, state.info, plan);
    if (state.kind === "over") return await ended(parts, spec, state, plan);
    if (sight.record.isEndAsked) {
      await site.pods.change(instanceId, signal);
      continue;
    }
    if (state.kind === "live") {
      // From here on another pod of this name is another run.
      if (state.run.podUid === null && !await notePod(site, sight)) continue;
      watch.watch(state.info);
      const outcome = await untilReady(parts, spec, plan, signal);
      if (outcome !== "again") return outcome;
      continue;
    }
    const why = state.failure ?? await refusal(site, sight, askedAt);
    if (why) return await giveUp(parts, spec, why);
    if (site.clock.monotonic() > begunBy) return await giveUp(parts, spec, notBegun(state.words));
    health.tellStart(spec, "spawning", askedAt, state.words);
    await site.pods.change(instanceId, signal);
  }
}

async function refusal(
  site: ClusterSite,
  { set, pod }: Sight,
  askedAt: number,
): Promise<Failure | null> {
  if (pod || set === null || site.clock.now() - askedAt < LOOK_FOR_REFUSAL_AFTER_MS) return null;
  return await whyNoPod(site.api, set.metadata.uid, askedAt);
}

async function notePod(site: ClusterSite, { set, record, pod }: Sight): Promise<boolean> {
  if (!set || !pod || !record.run) return false;
  const run = { ...record.run, podUid: pod.metadata.uid };
  return await changeRecord(site, set, { ...record, run }) !== null;
}

/** From the first moment of the server on. `again`: something has changed; it is for the caller to see what. */
async function untilReady(
  { site, watch, health }: StartParts,
  spec: StartSpec,
  plan: CheckedImage["plan"],
  signal: AbortSignal,
): Promise<StartOutcome | "again"> {
  const { instanceId } = spec;
  const since = site.clock.now();
  const begin = site.clock.monotonic();
  const { readiness } = plan;
  health.tellStart(spec, "settling", since, null);
  const reading = new AbortController();
  const line = readiness?.kind === "log"
    ? untilLine(site, instanceId, readiness, AbortSignal.any([signal, reading.signal]))
    : null;
  try {
    for (;;) {
      const state = stateOf(site, await look(site, instanceId));
      if (state.kind !== "live" || signal.aborted) return "again";
      const isReady = line ? line.isThere() : state.isStarted;
      const leftMs = plan.settleMs - (site.clock.monotonic() - begin);
      if (isReady && leftMs <= 0) {
        watch.started(state.info);
        health.follow(state.info, plan.liveness);
        return { kind: "running", runtimeInfo: state.info };
      }
      const lateMs = site.clock.monotonic() - begin - (readiness?.withinMs ?? Infinity);
      if (lateMs > 0) {
        const why = notReady(
          readiness!.withinMs,
          line ? line.words : await health.problemOf(instanceId),
        );
        return await giveUp({ site, watch, health }, spec, why);
      }
      if (isReady) await sleep(site.clock, leftMs, signal);
      else {
        const words = line?.words ?? "its startup probe has not passed yet";
        health.tellStart(spec, "waiting-for-readiness", since, words);
        await site.pods.change(instanceId, signal);
      }
    }
  } finally {
    reading.abort();
  }
}

/** Ends what was asked for. */
async function giveUp({ site }: StartParts, spec: StartSpec, why: Failure): Promise<StartOutcome> {
  const { instanceId, runId } = spec;
  const ending = await endRun(site, instanceId, { runId, isAsked: true, adjust: (one) => one });
  if (ending.kind === "stays") {
    const { code, message, retryable } = stillThere(ending.words);
    return failed({ code, message: `${why.message} ${message}`, retryable }, ending.info);
  }
  return failed(why, ending.info);
}

/** It has ended by itself before it counted as started. */
async function ended(
  { site }: StartParts,
  { instanceId, runId }: StartSpec,
  { end }: Extract<RunState, { kind: "over" }>,
  ends: KnownEnds,
): Promise<StartOutcome> {
  const ending = await endRun(site, instanceId, { runId, isAsked: false, adjust: (one) => one });
  if (ending.kind === "stays") return failed(stillThere(ending.words), ending.info);
  const known = end.words === null ? null : programFailure(end.words);
  if (ending.info === null) return failed(known ?? STALE);
  return known ? failed(known, ending.info) : endedTooSoon(ending.info, ends);
}

function overtaken(
  { record }: Sight,
  info: NonNullable<RunRecord["ended"]>,
  known: KnownEnds,
): StartOutcome {
  return record.isEndAsked ? failed(ABORTED, info) : endedTooSoon(info, known);
}

function lockedBy(instanceId: string): Failure {
  return {
    code: "locked",
    message: `The instance is in use in this cluster by pod ${podName(instanceId)}. Stop it first.`,
    retryable: true,
  };
}

function nameTaken({ namespace }: ClusterSite, instanceId: string): Failure {
  const name = objectName(instanceId);
  return {
    code: "locked",
    message:
      `Namespace ${namespace} has a set named ${name} that is not this instance's. Look at ` +
      `it, and remove it: kubectl delete statefulset -n ${namespace} ${name}`,
    retryable: true,
  };
}

function tooLate(spec: StartSpec): Failure {
  return {
    code: "spawn_too_late",
    message:
      `Its pod was not asked for within ${durationText(spec.spawnWithinMs)}: the cluster's ` +
      "API was slow. Start it again.",
    retryable: true,
  };
}

function stillThere(words: string): Failure {
  return { code: "still_running", message: words, retryable: true };
}

function busy(instanceId: string): Failure {
  return {
    code: "kubernetes_busy",
    message: `Somebody else keeps changing the set of instance ${instanceId}. Look who does: ` +
      "kubectl get statefulset -o yaml --show-managed-fields",
    retryable: true,
  };
}

function notBegun(words: string): Failure {
  const within = durationText(BEGUN_WITHIN_MS);
  return {
    code: "not_scheduled",
    message: `The server was not begun within ${within}: ${words}.`,
    retryable: true,
  };
}

function notReady(withinMs: number, words: string): Failure {
  return {
    code: "not_ready",
    message: `The server was not ready within ${durationText(withinMs)}: ${words}.`,
    retryable: true,
  };
}
