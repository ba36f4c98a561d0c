/** Lines of the screen as plain data: text in tones. What a tone looks like is the theme's to say. Pure. */
import { columnsOf, fit } from "../terminal_text.ts";

/** What a piece of text means, not which colour it has. */
export type Tone =
  | "plain"
  /** As it should be. */
  | "good"
  /** On its way. */
  | "busy"
  /** Needs somebody. */
  | "bad"
  /** Less important than what is around it. */
  | "quiet"
  /** Titles, heads of columns. */
  | "strong"
  /** Keys to press, and what one is typing. */
  | "accent";

/** Printable text in one tone. */
export interface Span {
  text: string;
  tone: Tone;
}

/** One line of the screen. */
export type Line = readonly Span[];

/** Of text that is printable already. */
export function span(text: string, tone: Tone = "plain"): Span {
  return { text, tone };
}

/** A line in one tone. */
export function lineOf(text: string, tone: Tone = "plain"): Line {
  return [span(text, tone)];
}

/** Its text without tones, as a test or a screen reader sees it. */
export function textOf(line: Line): string {
  return line.map(({ text }) => text).join("");
}

/** How many columns a terminal gives to it. */
export function widthOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + columnsOf(text), 0);
}

/** The line in exactly `width` columns: cut with `…`, or filled up with spaces. */
export function fitLine(line: Line, width: number): Line {
  const missing = width - widthOf(line);
  if (missing === 0) return line;
  if (missing > 0) return [...line, span(" ".repeat(missing))];
  const fitted: Span[] = [];
  let left = width;
  for (const { text, tone } of line) {
    const own = columnsOf(text);
    // What follows needs the sign that something was cut, too.
    if (own < left) fitted.push({ text, tone });
    else {
      fitted.push({ text: fit(`${text}…`, left), tone });
      return fitted;
    }
    left -= own;
  }
  return fitted;
}

/** A part of a line that may be left out where there is no room: the highest `rank` goes first. */
export interface Part {
  line: Line;
  rank: number;
}

/** What there is room for of `parts`, in their order, with `gap` columns between them. */
export function joinParts(parts: readonly Part[], width: number, gap = 2): Line {
  const kept = [...parts];
  const lengthOf = () =>
    kept.reduce((sum, { line }) => sum + widthOf(line) + gap, kept.length === 0 ? 0 : -gap);
  while (kept.length > 1 && lengthOf() > width) {
    const worst = kept.reduce((worst, part) => part.rank > worst.rank ? part : worst);
    kept.splice(kept.indexOf(worst), 1);
  }
  return kept.flatMap(({ line }, at) => at === 0 ? line : [span(" ".repeat(gap)), ...line]);
}

/** `left` and `right` at the ends of a line of `width` columns; the left one gives way. */
export function spread(left: Line, right: Line, width: number): Line {
  const rightWidth = widthOf(right);
  if (rightWidth === 0) return fitLine(left, width);
  if (rightWidth >= width) return fitLine(right, width);
  return [...fitLine(left, width - rightWidth - 1), span(" "), ...right];
}
