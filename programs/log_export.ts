/** `deno task log:export`: copies the whole log into one file, beside whatever uses the log. */
import { writeCopy } from "../actors/log_copy/copy_writer.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { Settings } from "../settings/settings.ts";
import { createCopyFile, STANDARD } from "./copy_files.ts";
import { exportWords, tellDifferences } from "./copy_words.ts";
import { openSource, placeWords, progressTeller } from "./log_places.ts";
import type { Telemetry } from "./telemetry.ts";
import { say } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** Runs the program; gives its exit code: 1 also when the log itself is not as it should be. */
export async function exportLog(
  settings: Settings,
  _environment: Readonly<Record<string, string>>,
  { voice }: Telemetry,
): Promise<number> {
  const to = settings.copyTo!;
  const source = await openSource(settings, voice);
  try {
    const file = await createCopyFile(to);
    const tell = progressTeller(voice);
    const { commands, workers, events } = source.frame;
    const origin = { release: VERSION, now: hostClock.now() };
    const progress = (done: number) => tell(() => `${done} of ${events} events copied`);
    try {
      const written = await writeCopy(source, origin, file.write, progress);
      const bytes = await file.finish();
      const place = { from: placeWords(settings), to: wordsOf(to), bytes };
      const words = exportWords(written, commands, workers, place);
      // Standard output may be the copy.
      if (to === STANDARD) voice.tell("info", words);
      else say(words);
      return tellDifferences(
        voice,
        written,
        "The copy has what is wrong in the log, and no import takes it.",
        "deno task log:verify looks into the log itself.",
      );
    } catch (error) {
      await file.abandon();
      throw error;
    }
  } finally {
    await source.close();
  }
}

function wordsOf(to: string): string {
  return to === STANDARD ? "standard output" : to;
}
