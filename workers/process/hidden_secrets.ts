/** What hides the secrets of an instance's runs in what is told of them. Design promise 11. */
import type { InstanceFolder, LaunchRecord, Mask } from "./instance_folder.ts";
import { NOTHING, type Offsets } from "./logs/log_index.ts";

/** What stands where nobody can tell which secrets a text may hold. */
export const LAUNCH_LOST =
  "(withheld: the record of the launch cannot be read, so its secrets could not be hidden)";

/** Hides the secrets of a run in what that run said; all of it, where its launch record cannot be read. */
export async function maskOfRun(folder: InstanceFolder, runId: string): Promise<Mask> {
  const launch = await folder.readLaunch(runId);
  return launch === null ? withheld : await folder.masker(launch.secrets);
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
  if (launch === "lost") return { from: NOTHING, mask: withheld };
  return { from: launch.shownFrom ?? NOTHING, mask: await folder.masker(launch.secrets) };
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
  secrets: readonly string[];
  /** Nobody knows what would have to be hidden in the output that is there already. */
  isEarlierLost: boolean;
  /** What was not to be shown of it before. */
  shownFrom: Offsets | undefined;
}

/** Of a launch with these secrets, after the `last`. */
export function hiddenBy(secrets: readonly string[], last: LaunchRecord | "none" | "lost"): Hidden {
  const known = typeof last === "string" ? null : last;
  return {
    secrets: [...new Set([...secrets, ...known?.secrets ?? []])],
    isEarlierLost: last === "lost",
    shownFrom: known?.shownFrom,
  };
}

/** The same as a part of the launch's record. `output`: where the run's own begins. */
export function hiddenRecord(
  { secrets, isEarlierLost, shownFrom }: Hidden,
  output: Offsets,
): Pick<LaunchRecord, "secrets" | "shownFrom"> {
  if (!isEarlierLost && shownFrom === undefined) return { secrets: [...secrets] };
  // Where its logs were removed by hand, offsets have begun anew.
  const from = isEarlierLost || shownFrom === undefined ? output : {
    stdout: Math.min(shownFrom.stdout, output.stdout),
    stderr: Math.min(shownFrom.stderr, output.stderr),
  };
  return { secrets: [...secrets], shownFrom: { ...from } };
}

function withheld(text: string): string {
  return text === "" ? "" : LAUNCH_LOST;
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
