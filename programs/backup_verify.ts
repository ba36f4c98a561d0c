/** `deno task backup:verify`: folds a copy of a log in memory, and says whether it is what it says and can be put back. */
import { CopyReader } from "../actors/log_copy/copy_reader.ts";
import type { Settings } from "../settings/settings.ts";
import { copyLines, STANDARD } from "./copy_files.ts";
import { proofWords, tellDifferences } from "./copy_words.ts";
import { progressTeller } from "./log_places.ts";
import type { Telemetry } from "./telemetry.ts";
import { say } from "./terminal.ts";

/** Runs the program; gives its exit code: 1 when anything is not as it should be. */
export async function verifyBackup(
  settings: Settings,
  _environment: Readonly<Record<string, string>>,
  { voice }: Telemetry,
): Promise<number> {
  const from = settings.copyFrom!;
  const reader = new CopyReader();
  const tell = progressTeller(voice);
  for await (const line of copyLines(from)) {
    reader.take(line);
    tell(() => `${reader.events} of ${reader.header!.events} events folded`);
  }
  const read = reader.done();
  say(proofWords(read, from === STANDARD ? "standard input" : from));
  return tellDifferences(
    voice,
    read,
    "The log was like this when it was copied, so no import takes this copy.",
    "Take a copy from before the first of these positions; deno task log:verify looks into the log itself.",
  );
}
