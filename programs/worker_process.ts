/** `deno task worker:process`: a worker that runs servers as processes of its host. Design §8. */
import type { Settings } from "../settings/settings.ts";
import { runFleetWorker } from "./fleet_worker.ts";
import type { Undo } from "./parts.ts";
import { readHostPolicy, UNTOLD } from "./policy_file.ts";
import { openSite } from "./process_site.ts";
import type { Telemetry } from "./telemetry.ts";

/** Runs the program until it is told to end; gives its exit code. */
export async function runProcessWorker(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  telemetry: Telemetry,
): Promise<number> {
  const undo: Undo = [];
  const policy = await readHostPolicy(settings.workerPolicy, UNTOLD);
  const platform = await openSite(settings, environment, policy, undo);
  const runs = `servers as processes of ${Deno.hostname()}`;
  return await runFleetWorker(settings, { platform, policy, runs, undo }, telemetry);
}
