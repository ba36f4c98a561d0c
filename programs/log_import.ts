/** `deno task log:import`: puts a copy of a log where there is none, at the same positions, or does nothing at all. */
import { importCopy } from "../actors/log_copy/copy_import.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { Settings } from "../settings/settings.ts";
import { copyLines } from "./copy_files.ts";
import { importWords } from "./copy_words.ts";
import { openTarget, placeWords, progressTeller } from "./log_places.ts";
import type { Telemetry } from "./telemetry.ts";
import { say } from "./terminal.ts";

/** Runs the program; gives its exit code. */
export async function importLog(
  settings: Settings,
  _environment: Readonly<Record<string, string>>,
  { voice }: Telemetry,
): Promise<number> {
  const tell = progressTeller(voice);
  const read = await importCopy(
    copyLines(settings.copyFrom!),
    () => openTarget(settings, voice),
    hostClock.now(),
    ({ events, of, isReadBack }) =>
      tell(() => `${events} of ${of} events ${isReadBack ? "read back" : "written"}`),
  );
  const namespace = settings.redisUrl === null ? null : settings.namespace;
  say(importWords(read, placeWords(settings), namespace));
  return 0;
}
