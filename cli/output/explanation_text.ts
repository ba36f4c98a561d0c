/** Why an instance is what it is, as lines for people. Pure. */
import type { ExplanationAnswer } from "../../http/client/answers.ts";
import { printable } from "../../tui/terminal_text.ts";
import { type Paint, plain, statusColour } from "./paint.ts";

const KIND_COLUMNS = 8;
const TIME_COLUMNS = 24;

/**
 * Lines with their line ends: what it is in one sentence, the chain that led to it, and what comes next.
 * @param name as messages name the instance
 * @param isWide with the version of each event
 */
export function explanationText(
  name: string,
  { status, summary, steps, next }: ExplanationAnswer,
  { isWide = false, paint = plain }: { isWide?: boolean; paint?: Paint } = {},
): string {
  const chain = steps.map(({ at, kind, text, version }) =>
    stepLine(isWide ? `${at}  v${version}` : at, kind, text)
  );
  const coming = next.map(({ at, kind, text }) => stepLine(at ?? "", kind, text));
  return [
    `${paint(printable(name), "bold")}: ${paint(printable(summary), statusColour(status))}\n`,
    ...chain,
    ...(coming.length === 0 ? [] : ["  Next:\n", ...coming]),
  ].join("");
}

function stepLine(at: string, kind: string, text: string): string {
  return `  ${printable(at).padEnd(TIME_COLUMNS)}  ${printable(kind).padEnd(KIND_COLUMNS)} ${
    printable(text)
  }\n`;
}
