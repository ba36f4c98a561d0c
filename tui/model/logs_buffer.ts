/** The last lines of outputs, in the order of their times: bounded, whatever is printed. Pure. */
import type { LogLineAnswer } from "../../http/client/answers.ts";
import { printable, withoutSequences } from "../terminal_text.ts";

/** One line. */
export interface LogLine {
  /** No other line of the buffer has it. */
  key: number;
  instanceId: string;
  stream: LogLineAnswer["stream"];
  /** Epoch milliseconds; where nobody knows when it was printed: when it came. */
  at: number;
  /** Printable. */
  text: string;
}

export interface LogBuffer {
  lines: readonly LogLine[];
  nextKey: number;
  /** How many had to go, the oldest first. */
  dropped: number;
}

export const NO_LINES: LogBuffer = { lines: [], nextKey: 1, dropped: 0 };

/** So many are kept. */
export const LINES_MAX = 5_000;
/** Of a line; the rest of it is not shown. */
export const CHARACTERS_MAX = 2_000;

/** With what came of one instance's output at `now` (epoch milliseconds). */
export function withLines(
  { lines, nextKey, dropped }: LogBuffer,
  instanceId: string,
  answers: readonly LogLineAnswer[],
  now: number,
): LogBuffer {
  const added = answers.slice(-LINES_MAX).map(({ stream, at, text }, index): LogLine => ({
    key: nextKey + index,
    instanceId,
    stream,
    at: timeOf(at) ?? now,
    text: shownText(text),
  }));
  const all = [...lines, ...added];
  const isInOrder = all.every(({ at }, index) => index === 0 || all[index - 1]!.at <= at);
  const kept = (isInOrder ? all : all.sort((a, b) => a.at - b.at)).slice(-LINES_MAX);
  return {
    lines: kept,
    nextKey: nextKey + added.length,
    dropped: dropped + lines.length + answers.length - kept.length,
  };
}

function shownText(text: string): string {
  const shown = printable(withoutSequences(text.slice(0, CHARACTERS_MAX * 2)));
  return shown.length < CHARACTERS_MAX && text.length <= CHARACTERS_MAX * 2
    ? shown
    : printable(`${shown.slice(0, CHARACTERS_MAX)}…`);
}

function timeOf(at: string | null): number | null {
  const ms = at === null ? NaN : Date.parse(at);
  return Number.isFinite(ms) ? ms : null;
}
