/** What tones look like on a terminal: sixteen colours at most, none with NO_COLOR, and plain ASCII where that is all there is. */
import type { Line, Tone } from "./model/line.ts";
import { columnsOf } from "./terminal_text.ts";

/** What the terminal can show. */
export interface Capabilities {
  /** False: nothing is bold, dim or in reverse. */
  hasStyles: boolean;
  hasColor: boolean;
  /** False: nothing but ASCII reaches it. */
  hasUnicode: boolean;
}

/** The sequences that begin and end a look (SGR, ECMA-48 §8.3.117): terminals choose the shade of a colour. */
interface Look {
  begin: string;
  end: string;
}

const look = (on: string, off: string): Look => ({ begin: `\u001b[${on}m`, end: `\u001b[${off}m` });

const PLAIN: Look = { begin: "", end: "" };
const BOLD = look("1", "22");
const DIM = look("2", "22");
const CHOSEN = look("7", "27");

const COLORED: Readonly<Record<Tone, Look>> = {
  plain: PLAIN,
  good: look("32", "39"),
  busy: look("33", "39"),
  bad: look("1;31", "22;39"),
  quiet: DIM,
  strong: BOLD,
  accent: look("36", "39"),
};

const UNCOLORED: Readonly<Record<Tone, Look>> = {
  plain: PLAIN,
  good: PLAIN,
  busy: PLAIN,
  bad: BOLD,
  quiet: DIM,
  strong: BOLD,
  accent: BOLD,
};

/** How a line is drawn. */
export interface Drawing {
  /** The chosen row: in reverse. */
  isChosen?: boolean;
  /** What may be old: all of it dim. */
  isDimmed?: boolean;
}

/** A line with the sequences of its tones, as the terminal can show it. */
export function painted(
  line: Line,
  terminal: Capabilities,
  { isChosen = false, isDimmed = false }: Drawing = {},
): string {
  if (!terminal.hasStyles) return line.map(({ text }) => shownText(text, terminal)).join("");
  const looks = terminal.hasColor ? COLORED : UNCOLORED;
  const text = line.map(({ text, tone }) => {
    const { begin, end } = isDimmed ? DIM : looks[tone];
    return `${begin}${shownText(text, terminal)}${end}`;
  }).join("");
  return isChosen ? `${CHOSEN.begin}${text}${CHOSEN.end}` : text;
}

/** Our own signs on a terminal that has only ASCII. */
const ASCII: Readonly<Record<string, string>> = {
  "○": ".",
  "▲": "^",
  "●": "*",
  "↻": "~",
  "▼": "v",
  "■": "-",
  "✖": "!",
  "×": "x",
  "◌": "?",
  "✔": "+",
  "…": "~",
  "▏": "_",
  "▾": "v",
  "▴": "^",
  "→": ">",
  "›": ">",
  "·": "-",
  "─": "-",
  "│": "|",
  "┌": "+",
  "┐": "+",
  "└": "+",
  "┘": "+",
  "↑": "^",
  "↓": "v",
  "←": "<",
  "∞": "!",
};

const NOT_ASCII = /[^ -~]+/gu;
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The text as the terminal can show it, just as wide: what it has no sign for is a `?`. */
function shownText(text: string, { hasUnicode }: Capabilities): string {
  if (hasUnicode) return text;
  return text.replace(NOT_ASCII, (part) =>
    Array.from(
      segmenter.segment(part),
      ({ segment }) => ASCII[segment] ?? "?".repeat(columnsOf(segment)),
    ).join(""));
}
