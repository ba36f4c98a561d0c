/** Starts one run of an image, from the checks before its container is made to the answer of its readiness probe. */
import { sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import { withSecrets } from "../../events/secret_reference.ts";
import { durationText } from "../exit_description.ts";
import { compareFences, type Failure, type StartOutcome, type StartSpec } from "../platform.ts";
import { ABORTED, failed, STALE } from "../start_outcomes.ts";
import { type CheckedImage, checkedImage } from "../templates/checked_image.ts";
import type { DrasiImage } from "../templates/drasi_container.ts";
import type { ContainerPlan } from "../templates/image.ts";
import type { ContainerEngine } from "./container_engine.ts";
import { dataLabels, formerName, presentName, runLabels, volumeName } from "./container_labels.ts";
import type { ContainerHealth } from "./container_health.ts";
import type { ContainerWatch, WatchedContainer } from "./container_watch.ts";
import { type DockerSite, isLive, runsOf } from "./docker_site.ts";
import { endContainer } from "./end_container.ts";
import { highest } from "./instance_marks.ts";
import { type Run, runInfoOf } from "./run_info.ts";
import {
  engineRefusal,
  exitedAtOnce,
  imageGone,
  lockedBy,
  nameTaken,
  tooLate,
} from "./start_failure.ts";

/** Ended containers that are kept for what they printed, besides the latest. */
const FORMER_KEPT = 2;
/** Two workers of one daemon may both find the name free; only one gets it. */
const NAME_TRIES = 3;
/** A daemon that is away for longer finds the container again with the next comparison of its worker with the log. */
const REMOVED_WITHIN_MS = 600_000;
const REMOVE_AGAIN_MS = 1_000;
/** They keep output in files on the daemon's disk, without an end unless they are told one. */
const FILE_DRIVERS = ["json-file", "local"];

export interface StartParts {
  site: DockerSite;
  watch: ContainerWatch;
  health: ContainerHealth;
  /** Aborted once the platform is closed. */
  closing: AbortSignal;
}

/** One start. Nobody else of this worker starts or stops this instance meanwhile. */
export async function startContainer(
  parts: StartParts,
  spec: StartSpec,
  signal: AbortSignal,
): Promise<StartOutcome> {
  const { site } = parts;
  const askedAt = site.clock.monotonic();
  const checked = await checkedImage({
    platform: "docker",
    ...site,
    drasiServer: drasiImageOf(site),
  }, spec);
  if ("code" in checked) return failed(checked);
  const { plan } = checked;
  const before = await runsOf(site, spec.instanceId);
  const refused = await whyNot(site, spec, before);
  if (refused) return failed(refused);
  await makeRoom(site, before);
  const made = await makeContainer(parts, spec, { ...plan, env: revealedEnv(checked) }, signal);
  if ("code" in made) return failed(made);
  return await parts.watch.whileStarting(made.id, async () => {
    try {
      const { files, writable } = plan;
      const isFilled = files.length + writable.length === 0 ||
        await site.engine.fill(made.id, { files, writable });
      if (!isFilled) return failed(STALE);
      const left = spec.spawnWithinMs - (site.clock.monotonic() - (made.renewedAt ?? askedAt));
      const begun = await beginContainer(site, spec, made.id, left, signal);
      if ("code" in begun) {
        await removeAtLast(parts, made.id, signal);
        return failed(begun);
      }
      const watched = parts.watch.watch(begun);
      const outcome = await untilStarted(parts, spec, watched, plan, signal);
      await dropFormer(site, spec, before).catch(() => {});
      return outcome;
    } catch (error) {
      // It may run all the same: what failed may be the answer alone.
      await removeAtLast(parts, made.id, signal);
      throw error;
    }
  });
}

/**
 * Removes what a start that has failed has made, as soon as the daemon can be asked again. Whoever aborts the start ends
 * it himself, and what outlives a worker that is closed is found by the next one.
 */
async function removeAtLast(
  { site: { engine, clock }, closing }: StartParts,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const until = clock.monotonic() + REMOVED_WITHIN_MS;
  const given = AbortSignal.any([signal, closing]);
  for (;;) {
    try {
      return await removeOrEnd(engine, id);
    } catch (error) {
      const mayPass = error instanceof OperationalError && error.retryable;
      if (!mayPass || given.aborted || clock.monotonic() > until) return;
    }
    await sleep(clock, REMOVE_AGAIN_MS, given);
  }
}

/** A daemon may not get rid of the files at once: what counts is that nothing runs. */
async function removeOrEnd(engine: ContainerEngine, id: string): Promise<void> {
  try {
    await engine.remove(id);
  } catch (error) {
    if ((await engine.inspect(id))?.state === "running") throw error;
  }
}

function drasiImageOf({ drasiServerImage: image }: DockerSite): DrasiImage {
  return { image, hasHostPorts: true, user: null };
}

/** The environment with its secrets. */
function revealedEnv({ plan, values }: CheckedImage): ContainerPlan["env"] {
  const reveal = (text: string) => withSecrets(text, (secret) => values.get(secret)!);
  return Object.fromEntries(Object.entries(plan.env).map(([name, text]) => [name, reveal(text)]));
}

async function whyNot(
  site: DockerSite,
  { instanceId, fence }: StartSpec,
  before: readonly Run[],
): Promise<Failure | null> {
  const live = before.find(isLive);
  if (live) return lockedBy(live);
  const marked = await site.marks.of(instanceId);
  const fences = before.map(({ labels }) => labels.fence);
  const most = highest(marked.fence ? [...fences, marked.fence] : fences);
  return most && compareFences(fence, most) < 0 ? STALE : null;
}

/** Frees the instance's name. What was made and never started is somebody's who is gone, or will find it gone. */
async function makeRoom(site: DockerSite, before: readonly Run[]): Promise<void> {
  for (const { labels, state } of before) {
    const { instanceId, runId } = labels;
    if (state.state === "created") await site.engine.remove(state.id);
    else if (state.name === presentName(site.namespace, instanceId)) {
      const former = formerName(site.namespace, instanceId, runId);
      if (!await site.engine.rename(state.id, former)) await site.engine.remove(state.id);
    }
  }
}

/** Makes the container, after its image is here; and when the start was last known to be ours, after that. */
async function makeContainer(
  { site, health }: StartParts,
  spec: StartSpec,
  plan: ContainerPlan,
  signal: AbortSignal,
): Promise<{ id: string; renewedAt: number | null } | Failure> {
  const { engine, talk, namespace, identity } = site;
  const { instanceId, runId, fence, limits } = spec;
  const since = site.clock.now();
  health.tellStart(spec, "spawning", since, null);
  const volumes = plan.volumes.map(({ name, path }) => ({
    name: volumeName(namespace, instanceId, name),
    path,
  }));
  for (const { name } of volumes) {
    await site.volumes.make(name, dataLabels(namespace, instanceId));
  }
  let renewedAt: number | null = null;
  let isMissing = false;
  for (let tries = 0; tries < NAME_TRIES && !signal.aborted; tries++) {
    const creation = await engine.create({
      ...plan,
      name: presentName(namespace, instanceId),
      labels: runLabels(namespace, { instanceId, runId, fence, plan }),
      volumes,
      limits,
      hasInit: identity.hasInit,
      output: FILE_DRIVERS.includes(identity.logDriver)
        ? { driver: identity.logDriver, keptMib: site.logMib }
        : null,
    });
    if (creation.kind === "created") return { id: creation.id, renewedAt };
    isMissing = creation.kind === "no-image";
    if (isMissing) {
      const onProgress = (words: string) => health.tellStart(spec, "spawning", since, words);
      try {
        await talk.pull(plan.image, onProgress, signal);
      } catch (error) {
        if (signal.aborted) return ABORTED;
        throw error;
      }
      renewedAt = site.clock.monotonic();
      // It may have taken minutes, in which the command may have become another's.
      if (spec.renew && !await spec.renew()) return tooLate(spec);
      continue;
    }
    const runs = await runsOf(site, instanceId);
    const why = await whyNot(site, spec, runs);
    if (why) return why;
    await makeRoom(site, runs);
  }
  if (signal.aborted) return ABORTED;
  return isMissing ? imageGone(plan.image) : nameTaken(presentName(namespace, instanceId));
}

/** Starts what was made, unless it came too late: what raises a fence looks at containers after it has marked it. */
async function beginContainer(
  site: DockerSite,
  spec: StartSpec,
  id: string,
  leftMs: number,
  signal: AbortSignal,
): Promise<Run | Failure> {
  const begin = site.clock.monotonic();
  const { fence } = await site.marks.of(spec.instanceId);
  if (fence && compareFences(spec.fence, fence) < 0) return STALE;
  if (signal.aborted) return ABORTED;
  if (leftMs <= 0) return tooLate(spec);
  try {
    if (!await site.engine.start(id)) return STALE;
  } catch (error) {
    if (!(error instanceof OperationalError) || error.code !== "docker_refused") throw error;
    return engineRefusal(error.message);
  }
  // It froze on the way: somebody else may have begun meanwhile.
  if (site.clock.monotonic() - begin > leftMs) return tooLate(spec);
  const runs = await runsOf(site, spec.instanceId);
  return runs.find(({ labels }) => labels.runId === spec.runId) ?? STALE;
}

async function untilStarted(
  { site, watch, health }: StartParts,
  spec: StartSpec,
  watched: WatchedContainer,
  plan: ContainerPlan,
  signal: AbortSignal,
): Promise<StartOutcome> {
  const waiting = new AbortController();
  const stop = AbortSignal.any([signal, waiting.signal]);
  const ended = watched.ended.then((info) => (waiting.abort(), info));
  health.tellStart(spec, "settling", site.clock.now(), null);
  await sleep(site.clock, plan.settleMs, stop);
  // The daemon tells of an end a moment late.
  await watch.look(watched.run.state.id);
  const problem = plan.readiness && !stop.aborted
    ? await health.untilReady(spec, watched, plan.readiness, stop)
    : null;
  if (signal.aborted) return failed(ABORTED, await endContainer(site, watch, watched, spec.fence));
  if (waiting.signal.aborted) return exitedAtOnce(await ended, plan);
  if (problem !== null) {
    const within = durationText(plan.readiness?.withinMs ?? 0);
    const failure: Failure = {
      code: "not_ready",
      message: `The server was not ready within ${within}: ${problem}.`,
      retryable: true,
    };
    return failed(failure, await endContainer(site, watch, watched, spec.fence));
  }
  watched.isStarting = false;
  health.follow(watched);
  const [latest] = await runsOf(site, spec.instanceId);
  return latest && isLive(latest) && latest.labels.runId === spec.runId
    ? { kind: "running", runtimeInfo: runInfoOf(site.identity.id, latest, false) }
    : exitedAtOnce(await ended, plan);
}

/** Keeps the latest few of the containers that have ended. */
async function dropFormer(
  site: DockerSite,
  spec: StartSpec,
  before: readonly Run[],
): Promise<void> {
  const ended = before.filter(({ state }) => state.state === "ended");
  for (const { state } of ended.slice(FORMER_KEPT)) await site.engine.remove(state.id);
  const kept = ended.slice(0, FORMER_KEPT).map(({ labels }) => labels.runId);
  // Its own, too: it may have been aborted.
  await site.marks.keepOnly(spec.instanceId, [spec.runId, ...kept]);
}
