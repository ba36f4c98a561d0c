/** Starts one run in a cluster, from the checks before anything is applied to the answer of its readiness probe. */
import { sleep } from "../../events/clock.ts";
import { durationText } from "../exit_description.ts";
import { compareFences, type Failure, type StartOutcome, type StartSpec } from "../platform.ts";
import { ABORTED, failed, STALE } from "../start_outcomes.ts";
import { type CheckedImage, checkedImage } from "../templates/checked_image.ts";
import type { DrasiImage } from "../templates/drasi_container.ts";
import { endedTooSoon, type KnownEnds } from "../templates/ended_too_soon.ts";
import {
  type ClusterSite,
  look,
  notePod,
  persistently,
  type RunState,
  type Sight,
  stateOf,
} from "./cluster_site.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { AWAY_WITHIN_MS, beginRun, stillThere } from "./begin_run.ts";
import { endRun } from "./end_run.ts";
import { untilLine } from "./log_readiness.ts";
import { programFailure } from "./pod_view.ts";
import { whyNoPod } from "./pod_events.ts";
import type { RunHealth } from "./run_health.ts";
import type { RunWatch } from "./run_watch.ts";
import { unsupported } from "./server_objects.ts";

/** A cluster lets no user in that is only a name, as the image's is; whatever it writes to is mounted for its group. */
const DRASI_USER = "10001:10001";
/** Until a pod has a node, and its image is there. */
const BEGUN_WITHIN_MS = 300_000;
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
    const begun = await beginRun(site, spec, checked, until, signal);
    if (begun !== null) return failed(begun);
    // From here on there is a pod that has to be followed or ended, however long the cluster is away.
    return await persistently(
      site,
      AWAY_WITHIN_MS,
      () => untilStarted(parts, spec, checked, signal),
    );
  });
}

function drasiImageOf({ drasiServerImage: image }: ClusterSite): DrasiImage {
  return { image, hasHostPorts: false, user: DRASI_USER };
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
    if (state.kind === "none" || state.run.runId !== runId) return failed(whyGone(sight, spec));
    if (state.kind === "ended") return overtaken(sight, state.info, plan);
    if (state.kind === "over") return await ended(parts, spec, state, plan);
    if (sight.record.isEndAsked) {
      if (site.clock.monotonic() > begunBy) return failed(ABORTED);
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

/** Why a start's own run is not there any more. */
function whyGone({ set, record }: Sight, { fence }: StartSpec): Failure {
  if (set !== null && compareFences(record.fence, fence) > 0) return STALE;
  return {
    code: "pod_removed",
    message: "Its pod or its set was removed while it was started. Start it again.",
    retryable: true,
  };
}

/** Ends what was asked for. */
async function giveUp({ site }: StartParts, spec: StartSpec, why: Failure): Promise<StartOutcome> {
  const { instanceId, runId } = spec;
  const ending = await endRun(site, instanceId, { runId, isAsked: true });
  if (ending.kind === "stays") {
    const { code, message, retryable } = stillThere(ending.words);
    return failed({ code, message: `${why.message} ${message}`, retryable }, ending.info);
  }
  return failed(why, ending.kind === "ended" ? ending.info : null);
}

/** It has ended by itself before it counted as started. */
async function ended(
  { site }: StartParts,
  spec: StartSpec,
  { end }: Extract<RunState, { kind: "over" }>,
  ends: KnownEnds,
): Promise<StartOutcome> {
  const { instanceId, runId } = spec;
  const ending = await endRun(site, instanceId, { runId, isAsked: false });
  if (ending.kind === "stays") return failed(stillThere(ending.words), ending.info);
  const known = end.words === null ? null : programFailure(end.words);
  const info = ending.kind === "ended" ? ending.info : null;
  if (info === null) return failed(known ?? whyGone(await look(site, instanceId), spec));
  return known ? failed(known, info) : endedTooSoon(info, ends);
}

function overtaken({ record }: Sight, info: RuntimeInfo, ends: KnownEnds): StartOutcome {
  return record.isEndAsked ? failed(ABORTED, info) : endedTooSoon(info, ends);
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
