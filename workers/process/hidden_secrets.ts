/** What hides the secrets of an instance's runs in what is told of them. Design promise 11. */
import type { InstanceFolder, Mask } from "./instance_folder.ts";

/** What stands where nobody can tell which secrets a text may hold. */
export const LAUNCH_LOST =
  "(withheld: the record of the launch cannot be read, so its secrets could not be hidden)";

/** Hides the secrets of a run in what that run said; all of it, where its launch record cannot be read. */
export async function maskOfRun(folder: InstanceFolder, runId: string): Promise<Mask> {
  const launch = await folder.readLaunch(runId);
  return launch === null ? withheld : await folder.masker(launch.secrets);
}

function withheld(text: string): string {
  return text === "" ? "" : LAUNCH_LOST;
}
