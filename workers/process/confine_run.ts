/** A run and what holds it: made before its spawn, ended and taken away after its end. */
import { type Clock, sleep } from "../../events/clock.ts";
import { isUnlimited, type Limits } from "../../events/limits.ts";
import type { Failure } from "../platform.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import { limitsOf } from "../policy/host_rules.ts";
import { type Confined, type Confinement, UNCONFINED } from "./confinement.ts";
import type { InstanceFolder } from "./instance_folder.ts";

interface Confining {
  clock: Clock;
  confinement: Confinement;
}

/** A group whose processes do not go within these rounds has one that hangs in the kernel. */
const ROUNDS_MAX = 20;
const PAUSE_MS_FIRST = 2;
const PAUSE_MS_MAX = 200;

/** What is to hold a run; or why it may not be started, where the host's rules demand what the host cannot do. */
export async function confineRun(
  host: Confining & { policy: HostPolicy },
  runId: string,
  asked: Limits = {},
): Promise<Confined | { failure: Failure }> {
  const limits = limitsOf(host.policy, asked);
  if (isUnlimited(limits)) return UNCONFINED;
  const confined = await host.confinement.confine(runId, limits);
  const [missing] = Object.entries(confined.notSet);
  if (missing === undefined || !host.policy.limitsMustHold) return confined;
  await host.confinement.release(confined.joins);
  return { failure: limitFailure(missing[0], missing[1]) };
}

/** Why a server is not started here whose limit cannot be set. */
export function limitFailure(name: string, reason: string): Failure {
  return {
    code: "limit_not_set",
    message: `The limit ${name} cannot be set on this host: ${reason}. ` +
      "Its rules let no server run without its limits.",
    retryable: false,
  };
}

/** Ends all that is in a run's groups. False when some of it is still there. */
export async function endConfined(host: Confining, joins: readonly string[]): Promise<boolean> {
  if (joins.length === 0) return true;
  let pauseMs = PAUSE_MS_FIRST;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (await host.confinement.end(joins) === 0) return true;
    await sleep(host.clock, pauseMs);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
  }
  return false;
}

/** Ends what is in an ended run's groups, and takes those away. */
export async function endGroups(
  host: Confining,
  folder: InstanceFolder,
  runId: string,
): Promise<void> {
  await dropConfined(host, await joinsOf(folder, runId));
}

/** Ends what is in these groups, and takes them away. */
export async function dropConfined(host: Confining, joins: readonly string[]): Promise<void> {
  if (joins.length === 0) return;
  await endConfined(host, joins);
  // Nobody waits for it: what is left of empty groups the next worker takes away.
  void host.confinement.release(joins).catch(() => {});
}

/** The groups of one run, as its launch record has them. */
export async function joinsOf(folder: InstanceFolder, runId: string): Promise<readonly string[]> {
  return (await folder.readLaunch(runId))?.confined?.joins ?? [];
}
