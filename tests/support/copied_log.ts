/** Copies of logs as texts, for tests: made from a source, put into a target, and spoiled in between. */
import { importCopy } from "../../actors/log_copy/copy_import.ts";
import { type CopyRead, CopyReader } from "../../actors/log_copy/copy_reader.ts";
import { type CopyWritten, writeCopy } from "../../actors/log_copy/copy_writer.ts";
import type { LogCopySource, LogCopyTarget } from "../../events/log_copy.ts";

/** When every copy of a test is written, so that two of one log are the same. */
export const WRITTEN_AT = 1_750_000_000_000;

/** The text of a copy, with what its writing came to. */
export async function copyOf(
  source: LogCopySource,
): Promise<{ text: string; written: CopyWritten }> {
  let text = "";
  try {
    const origin = { release: "1.2.3", now: WRITTEN_AT };
    const written = await writeCopy(source, origin, async (more) => void (text += more), () => {});
    return { text, written };
  } finally {
    await source.close();
  }
}

/** What a reading of this text comes to; fails as it does. */
export function readingOf(text: string): CopyRead {
  const reader = new CopyReader();
  for (const line of linesOf(text)) reader.take(line);
  return reader.done();
}

/** Imports the text; `now` is when that is done. */
export function imported(
  text: string,
  open: () => Promise<LogCopyTarget>,
  now = WRITTEN_AT,
): Promise<CopyRead> {
  const lines = (async function* () {
    yield* linesOf(text);
  })();
  return importCopy(lines, open, now, () => {});
}

/** All lines after the first one, which tells where and when a copy was written. */
export function bodyOf(text: string): string {
  return text.slice(text.indexOf("\n") + 1);
}

/** The lines without their ends. */
export function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** A copy with other lines. */
export function withLines(text: string, change: (lines: string[]) => string[]): string {
  return change(linesOf(text)).map((line) => `${line}\n`).join("");
}
