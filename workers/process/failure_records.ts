/**
 * The files by which a run that ended badly is understood later: its capsule, and how the last good run was launched.
 *
 *     <instance folder>/good.json               how the last good run was launched
 *     <instance folder>/runs/<run id>/capsule.json
 */
import { type Capsule, capsuleSchema } from "../../events/runtime_info.ts";
import { capsuleOf } from "./crash_capsule.ts";
import {
  type InstanceFolder,
  launchFactsSchema,
  type LaunchRecord,
  readRecord,
  writePrivate,
} from "./instance_folder.ts";
import type { ProbeRecord } from "./probe_record.ts";

/** Who lived so long was good, however it ended. */
const GOOD_AFTER_MS = 60_000;

/** The capsule of a run, as it was first written down; made anew where none is, if `isFailure` says that there is one. */
export async function capsuleFor(
  folder: InstanceFolder,
  runId: string,
  launch: LaunchRecord | null,
  isFailure: boolean,
  probes: ProbeRecord | null,
): Promise<Capsule | null> {
  const path = `${folder.runFolder(runId)}/capsule.json`;
  const known = await readRecord(path, capsuleSchema);
  if (known !== null || !isFailure || !launch?.facts) return known;
  const good = await readRecord(goodPath(folder), launchFactsSchema);
  const capsule = capsuleOf(launch.facts, good, probes);
  // Only who saw its end knows of its probes. On a full disk the event has it all the same.
  if (probes !== null) await writePrivate(path, JSON.stringify(capsule)).catch(() => undefined);
  return capsule;
}

/** Remembers how the run before was launched, if it was a good one. Before its folder is removed. */
export async function keepGoodLaunch(folder: InstanceFolder, except: string): Promise<void> {
  for (const run of await folder.readRunCopies()) {
    if (run.runId === except) continue;
    const facts = (await folder.readLaunch(run.runId))?.facts;
    const exit = await folder.readExit(run.runId);
    if (!facts || !exit) continue;
    const isBad = await readRecord(`${folder.runFolder(run.runId)}/capsule.json`, capsuleSchema);
    const wasAsked = await folder.readStop(run.runId) !== null;
    const isGood = isBad === null && (wasAsked || exit.record.code === 0);
    if (isGood || exit.at - run.startedAt >= GOOD_AFTER_MS) {
      await writePrivate(goodPath(folder), JSON.stringify(facts));
    }
  }
}

function goodPath(folder: InstanceFolder): string {
  return `${folder.path}/good.json`;
}
