/** Asks for one run in a cluster: applies what it is, and then, by one change that others may forestall, asks for its pod. */
import { OperationalError } from "../../events/errors.ts";
import { durationText } from "../exit_description.ts";
import { compareFences, type Failure, type StartSpec } from "../platform.ts";
import { ABORTED, failureOf, STALE } from "../start_outcomes.ts";
import type { CheckedImage } from "../templates/checked_image.ts";
import { CLAIMS, CONFIG_MAPS, SECRETS, SERVICES, type SetObject, SETS } from "./cluster_objects.ts";
import {
  changeRecord,
  type ClusterSite,
  look,
  persistently,
  type RunState,
  type Sight,
  sightOf,
  stateOf,
} from "./cluster_site.ts";
import { busy, endRun } from "./end_run.ts";
import { objectName, podName } from "./object_names.ts";
import { raised, type RunRecord } from "./run_record.ts";
import {
  claimsFor,
  filesFor,
  secretFor,
  type ServerWanted,
  serviceFor,
  setFor,
} from "./server_objects.ts";

/** Other workers of the site, or people, may change the set meanwhile. */
const TRIES_MAX = 10;
/** A cluster that is away for longer leaves what was asked for to the next look at the instance. */
export const AWAY_WITHIN_MS = 600_000;

/**
 * Null once the pod is asked for. Where the answer to the change that asks for it was lost, it is looked up whether that
 * was done; where it was not, a change of our own keeps it from being done later.
 */
export async function beginRun(...given: Parameters<typeof begin>): Promise<Failure | null> {
  const [site, { instanceId, runId }] = given;
  try {
    return await begin(...given);
  } catch (error) {
    const failure = failureOf(error);
    const isAskedFor = async () => {
      const { set, isOurs, record } = await look(site, instanceId);
      if (record.run?.runId === runId) return true;
      if (set === null || !isOurs) return false;
      return await changeRecord(site, set, { ...record, refused: runId }) ? false : null;
    };
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const is = await persistently(site, AWAY_WITHIN_MS, isAskedFor);
      if (is !== null) return is ? null : failure;
    }
    return failure;
  }
}

async function begin(
  site: ClusterSite,
  spec: StartSpec,
  checked: CheckedImage,
  until: number,
  signal: AbortSignal,
): Promise<Failure | null> {
  const { instanceId, runId, limits, fence } = spec;
  const wanted = { fleet: site.fleet, instanceId, runId, plan: checked.plan, limits };
  let hadSet = false;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const sight = await look(site, instanceId);
    // Somebody has removed the instance meanwhile.
    if (hadSet && sight.set === null) return STALE;
    hadSet ||= sight.set !== null;
    const refused = whyNot(site, spec, sight, stateOf(site, sight));
    if (refused) return refused;
    const left = await clear(site, spec, sight);
    if (left === "again") continue;
    if (left) return left;
    const applied = await applySet(site, wanted, sight.set);
    if (applied === null) continue;
    hadSet = true;
    // What was applied may be another's, who has raised its fence since the look.
    const { record } = sightOf(site, instanceId, applied, null);
    if (compareFences(fence, record.fence) < 0) return STALE;
    if (!await applyOthers(site, wanted, checked, applied, until)) continue;
    if (signal.aborted) return ABORTED;
    if (sight.set === null && spec.renew && !await spec.renew()) return tooLate(spec);
    if (site.clock.monotonic() > until) return tooLate(spec);
    if (await changeRecord(site, applied, asking(record, spec, site.clock.now()), 1)) return null;
  }
  return failureOf(busy(instanceId));
}

/** The record of a run whose pod is asked for. */
function asking(before: RunRecord, { fence, runId }: StartSpec, askedAt: number): RunRecord {
  const { generation, attempt } = fence;
  return {
    fence: raised(before, fence).fence,
    run: { generation, attempt, runId, askedAt, podUid: null },
    isEndAsked: false,
    over: null,
    ended: null,
    refused: null,
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

/** Makes room for the run: whatever is left of those before it ends. Null: there was nothing. */
async function clear(
  site: ClusterSite,
  { instanceId, fence }: StartSpec,
  sight: Sight,
): Promise<Failure | "again" | null> {
  const state = stateOf(site, sight);
  const isCalledOff = state.kind === "pending";
  if (!isCalledOff && state.kind !== "over" && sight.pod === null) return null;
  const runId = isCalledOff || state.kind === "over" ? state.run.runId : null;
  const ending = await endRun(site, instanceId, {
    runId,
    isAsked: isCalledOff,
    isOnlyIfOver: !isCalledOff,
    fence,
  });
  if (ending.kind === "stays") return stillThere(ending.words);
  // Somebody else's pod has the name, and no end of ours makes it go.
  const isTaken = runId === null && (await look(site, instanceId)).pod !== null;
  return isTaken ? podTaken(instanceId) : "again";
}

/** Null: it was changed since it was read. */
async function applySet(
  site: ClusterSite,
  wanted: ServerWanted,
  before: SetObject | null,
): Promise<SetObject | null> {
  try {
    return await site.api.apply<SetObject>(SETS, setFor(wanted, before));
  } catch (error) {
    // Another worker has just asked for a pod: the server tells of that before it tells that the set has changed.
    if (isOursToSettle(error)) return null;
    throw error;
  }
}

/** What belongs to the set; false: it was changed meanwhile, or it is too late, so that this is another's to do. */
async function applyOthers(
  site: ClusterSite,
  wanted: ServerWanted,
  checked: CheckedImage,
  set: SetObject,
  until: number,
): Promise<boolean> {
  const { api, clock } = site;
  const service = serviceFor(wanted, set);
  const secret = secretFor(wanted, checked, set);
  const files = filesFor(wanted, set);
  const claims = claimsFor(wanted, set, site.volumeSize);
  if (!service && !secret && !files && claims.length === 0) return true;
  const now = await api.get<SetObject>(SETS, set.metadata.name);
  const isStill = now?.metadata.resourceVersion === set.metadata.resourceVersion;
  if (!isStill || clock.monotonic() > until) return false;
  if (service) await api.apply(SERVICES, service);
  if (secret) await api.apply(SECRETS, secret);
  if (files) await api.apply(CONFIG_MAPS, files);
  for (const claim of claims) await api.make(CLAIMS, claim);
  return true;
}

function isOursToSettle(error: unknown): boolean {
  return error instanceof OperationalError && error.code === "field_conflict" &&
    /"draas-run"/.test(error.message);
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

function podTaken(instanceId: string): Failure {
  const name = podName(instanceId);
  return {
    code: "locked",
    message: `There is a pod named ${name} that is not this instance's. Look at it: ` +
      `kubectl describe pod ${name}`,
    retryable: true,
  };
}

/** Something of an earlier run does not go. */
export function stillThere(words: string): Failure {
  return { code: "still_running", message: words, retryable: true };
}
