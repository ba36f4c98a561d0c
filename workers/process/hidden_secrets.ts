/** What hides the secrets of an instance's runs in what is told of them. Design promise 11. */
import type { InstanceFolder, LaunchRecord } from "./instance_folder.ts";
import { NOTHING, type Offsets } from "./logs/log_index.ts";
import { markOf, type Mask } from "../secret_store.ts";

/** What stands where nobody can tell which secrets a text may hold. */
export const LAUNCH_LOST =
  "(withheld: the record of the launch cannot be read, so its secrets could not be hidden)";

/** Hides the secrets of a run in what that run said; all of it, where nobody can tell what to hide. */
export async function maskOfRun(folder: InstanceFolder, runId: string): Promise<Mask> {
  const launch = await folder.readLaunch(runId);
  return launch === null ? withheld(LAUNCH_LOST) : (await maskingOf(folder, launch)).mask;
}

/** What may be told of an instance's output. */
export interface Shown {
  /** All before is not to be shown. */
  from: Offsets;
  mask: Mask;
}

/** What may be told of all output that is kept. */
export async function shownOf(folder: InstanceFolder): Promise<Shown> {
  const launch = await lastLaunch(folder);
  if (launch === "none") return { from: NOTHING, mask: (text) => text };
  if (launch === "lost") return { from: NOTHING, mask: withheld(LAUNCH_LOST) };
  const { mask, isEarlierLost } = await maskingOf(folder, launch);
  return { from: isEarlierLost ? ownOutput(launch) : launch.shownFrom ?? NOTHING, mask };
}

function ownOutput({ logOffset, errorOffset }: LaunchRecord): Offsets {
  return { stdout: logOffset, stderr: errorOffset };
}

type GivenToRun = NonNullable<LaunchRecord["given"]>[number];

/** What hides the secrets of a run and of those before it, or all of it; and whether some of those before are lost. */
async function maskingOf(
  folder: InstanceFolder,
  launch: LaunchRecord,
): Promise<{ mask: Mask; isEarlierLost: boolean }> {
  const given = givenIn(launch);
  const { mask, lost } = await folder.masker(given);
  const own = given.filter((one) => one.isOwn && lost.includes(one)).map(({ name }) => name);
  return {
    mask: own.length === 0 ? mask : withheld(secretsLost(own)),
    isEarlierLost: lost.length > own.length,
  };
}

function givenIn({ given, secrets }: LaunchRecord): GivenToRun[] {
  return given ?? secrets.map((name) => ({ name, mark: null, isOwn: true }));
}

/** How the last run was launched: "none" where there was no run, "lost" where one was and its records cannot be read. */
export async function lastLaunch(folder: InstanceFolder): Promise<LaunchRecord | "none" | "lost"> {
  const run = await folder.readRun();
  const ids = run ? [run.runId] : runsIn(folder);
  const [id] = ids;
  if (id === undefined) return hasRecord(folder) ? "lost" : "none";
  // Which of several was the last is not known.
  return ids.length > 1 ? "lost" : await folder.readLaunch(id) ?? "lost";
}

/** What is remembered of a launch so that its output, and what is there already, can be told without secrets. */
export interface Hidden {
  /** All secrets that the instance's output may hold: those of its earlier runs, too. */
  given: readonly GivenToRun[];
  /** Nobody knows what would have to be hidden in what is before; null: in all that is there at the launch. */
  shownFrom: Offsets | undefined | null;
}

/** Of a launch with these secrets, after the `last`. What is lost is let go of: the output that may hold it is not shown. */
export async function hiddenBy(
  folder: InstanceFolder,
  values: ReadonlyMap<string, string>,
  last: LaunchRecord | "none" | "lost",
): Promise<Hidden> {
  const own = [...values].map(([name, value]) => ({ name, mark: markOf(value), isOwn: true }));
  if (last === "none" || last === "lost") {
    return { given: own, shownFrom: last === "lost" ? null : undefined };
  }
  const earlier = givenIn(last);
  const { lost } = await folder.masker(earlier);
  const isOwn = ({ name, mark }: GivenToRun) =>
    own.some((one) => one.name === name && one.mark === mark);
  const kept = earlier.filter((one) => !lost.includes(one) && !isOwn(one))
    .map((one) => ({ ...one, isOwn: false }));
  const isOwnLost = earlier.some((one) => one.isOwn && lost.includes(one));
  const shownFrom = lost.length > 0 ? ownOutput(last) : last.shownFrom;
  return { given: [...own, ...kept], shownFrom: isOwnLost ? null : shownFrom };
}

/** The same as a part of the launch's record. `output`: where the run's own begins. */
export function hiddenRecord(
  { given, shownFrom }: Hidden,
  output: Offsets,
): Pick<LaunchRecord, "secrets" | "given" | "shownFrom"> {
  const secrets = [...new Set(given.map(({ name }) => name))];
  const named = { secrets, given: [...given] };
  if (shownFrom === undefined) return named;
  // Where its logs were removed by hand, offsets have begun anew.
  const from = shownFrom === null ? output : {
    stdout: Math.min(shownFrom.stdout, output.stdout),
    stderr: Math.min(shownFrom.stderr, output.stderr),
  };
  return { ...named, shownFrom: { ...from } };
}

function withheld(why: string): Mask {
  return (text) => text === "" ? "" : why;
}

function secretsLost(names: readonly string[]): string {
  const which = [...new Set(names)].join(", ");
  return `(withheld: the secret ${which} cannot be read, or was changed since, so it could not be hidden)`;
}

function runsIn({ path }: InstanceFolder): string[] {
  try {
    return [...Deno.readDirSync(`${path}/runs`)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function hasRecord({ path }: InstanceFolder): boolean {
  try {
    return Deno.statSync(`${path}/run.json`).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
