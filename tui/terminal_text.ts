/** The one place that turns text from outside into text that is safe to print, and that fits its column. */
import stringWidth from "string-width";

/**
 * What moves the cursor, breaks the line, or turns the direction of what follows; and what has no
 * width of its own but joins or reshapes its neighbours, which terminals measure each in their way.
 */
const UNSAFE =
  /[\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]+/gu;

/** Marks that a character may carry; more of them are a tower over the neighbouring lines. */
const MARKS_MAX = /(\p{M}{2})\p{M}+/gu;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Text from outside as it may reach a terminal: on one line, and only what stays in its place. */
export function printable(text: string): string {
  return text.replace(UNSAFE, " ").replace(MARKS_MAX, "$1");
}

/** Colours and other sequences of a terminal (ECMA-48 §5.4). */
// deno-lint-ignore no-control-regex -- that is what a sequence begins with
const SEQUENCES = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** What a program prints, without its sequences: their ends say nothing where their beginnings are spaces. */
export function withoutSequences(text: string): string {
  return text.replace(SEQUENCES, "");
}

/** Most text is of these, where a character is a column: no need to look closer. */
const PLAIN = /^[ -~]*$/;

/** How many columns a terminal gives to printable text; wide characters take two. */
export function columnsOf(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}

/** Printable text in exactly `columns` columns: cut between characters, with `…` for what is gone, or filled up. */
export function fit(text: string, columns: number): string {
  const width = columnsOf(text);
  if (width <= columns) return text + " ".repeat(columns - width);
  if (columns <= 0) return "";
  const cut = beginningOf(text, columns - 1);
  return `${cut}…${" ".repeat(columns - 1 - columnsOf(cut))}`;
}

/**
 * As `fit`, but what is cut is cut in the middle: of names both the beginning and the end tell one from the other.
 */
export function fitMiddle(text: string, columns: number): string {
  if (columnsOf(text) <= columns || columns < 5) return fit(text, columns);
  const before = beginningOf(text, Math.ceil((columns - 1) / 2));
  const after = endOf(text, columns - 1 - columnsOf(before));
  const short = `${before}…${after}`;
  return short + " ".repeat(columns - columnsOf(short));
}

/** The text in pieces that fit into `columns` each, at least one. */
export function pieces(text: string, columns: number): string[] {
  const all: string[] = [];
  let left = text;
  while (columnsOf(left) > columns) {
    const piece = beginningOf(left, columns);
    // A character that is wider than the column has a piece of its own, for the caller to cut.
    const taken = piece === "" ? [...left][0]! : piece;
    all.push(taken);
    left = left.slice(taken.length);
  }
  return [...all, left];
}

/** The text in lines of whole words that fit into `columns`; a word that does not is in pieces. */
export function wordLines(text: string, columns: number): string[] {
  const lines: string[] = [""];
  for (const word of text.split(" ").flatMap((one) => pieces(one, columns))) {
    const last = lines.at(-1)!;
    if (last !== "" && columnsOf(last) + 1 + columnsOf(word) > columns) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

/** As many of the first characters as fit into `columns`. */
function beginningOf(text: string, columns: number): string {
  if (PLAIN.test(text)) return text.slice(0, columns);
  let cut = "";
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += columnsOf(segment);
    if (used > columns) break;
    cut += segment;
  }
  return cut;
}

function endOf(text: string, columns: number): string {
  if (PLAIN.test(text)) return text.slice(text.length - columns);
  const segments = Array.from(segmenter.segment(text), ({ segment }) => segment);
  let cut = "";
  let used = 0;
  for (const segment of segments.reverse()) {
    used += columnsOf(segment);
    if (used > columns) break;
    cut = segment + cut;
  }
  return cut;
}
