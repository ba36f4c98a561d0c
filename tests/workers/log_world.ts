/** Reads an instance's output page by page, as a reader does that follows it. */
import type { LogReading, OutputLine } from "../../events/server_output.ts";
import type { ProcessPlatform } from "../../workers/process/process_platform.ts";

/** Follows the output of `i-1` until `isEnough` says so; fails after `limitMs`. */
export async function followed(
  platform: Pick<ProcessPlatform, "readLogs">,
  isEnough: (lines: readonly OutputLine[]) => boolean,
  begin: LogReading = {},
  limitMs = 20_000,
): Promise<OutputLine[]> {
  const lines: OutputLine[] = [];
  const end = performance.now() + limitMs;
  let reading: LogReading = { ...begin, waitMs: 200 };
  while (performance.now() < end) {
    const page = await platform.readLogs("i-1", reading);
    lines.push(...page.lines);
    if (isEnough(lines)) return lines;
    reading = { stream: begin.stream, cursor: page.cursor!, waitMs: 200 } as LogReading;
  }
  throw new Error(`not within ${limitMs} ms; the last lines: ${JSON.stringify(lines.slice(-5))}`);
}

/** All that is kept, from its beginning. */
export async function everything(
  platform: Pick<ProcessPlatform, "readLogs">,
  more: LogReading = {},
): Promise<OutputLine[]> {
  const lines: OutputLine[] = [];
  for (let reading = more;;) {
    const page = await platform.readLogs("i-1", reading);
    lines.push(...page.lines);
    if (!page.hasMore) return lines;
    reading = { ...more, cursor: page.cursor! };
  }
}

/** What servers printed, without the markers. */
export function printed(lines: readonly OutputLine[]): string[] {
  return lines.filter(({ stream }) => stream !== "marker").map(({ text }) => text);
}

/** The kinds of the markers, in their order. */
export function markers(lines: readonly OutputLine[]): string[] {
  return lines.flatMap(({ kind }) => kind ?? []);
}

/** The first number after which another than the next one comes; null where none is missing and none comes twice. */
export function firstGap(numbers: readonly string[]): string | null {
  for (const [index, text] of numbers.slice(1).entries()) {
    if (Number(text) !== Number(numbers[index]) + 1) return `${numbers[index]} then ${text}`;
  }
  return null;
}
