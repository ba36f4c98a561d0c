/** What lies over a screen, as lines in a frame: the question, the palette, the help. Pure. */
import { keyText } from "../keymap.ts";
import { columnsOf, fit, wordLines } from "../terminal_text.ts";
import { layoutOf } from "./layout.ts";
import { fitLine, type Line, lineOf, span, type Tone } from "./line.ts";
import type { Model } from "./model.ts";
import type { Confirm, Overlay } from "./overlay.ts";
import { paletteCommands } from "./palette.ts";
import { readingOf } from "./reading.ts";
import { inputLine } from "./text_input.ts";

/** A frame to be drawn over the body of the screen. */
export interface BoxView {
  lines: readonly Line[];
  /** From the upper left corner of the body. */
  top: number;
  left: number;
}

const WIDTH_MAX = 76;
/** Names of targets that are shown; more are told by their number. */
const NAMES_MAX = 6;
const PALETTE_ROWS = 10;

/** What lies over the present screen; null where nothing does, or only its own line is typed into. */
export function boxOf(model: Model): BoxView | null {
  const { overlay } = model;
  if (overlay === null || overlay.kind === "filter" || overlay.kind === "search") return null;
  const { width, body } = layoutOf(model.terminal);
  const inner = Math.min(WIDTH_MAX, width - 4) - 2;
  const room = Math.max(1, body - 2);
  const { title, lines, tone } = contentOf(model, overlay, { width: inner, height: room });
  const shown = lines.slice(0, room);
  const left = Math.floor((width - inner - 2) / 2);
  const top = overlay.kind === "palette" ? 0 : Math.floor((body - shown.length - 2) / 2);
  return { lines: framed(title, shown, inner, tone), left, top: Math.max(0, top) };
}

interface Content {
  title: string;
  lines: readonly Line[];
  tone: Tone;
}

function contentOf(
  model: Model,
  overlay: Exclude<Overlay, { kind: "filter" | "search" }>,
  { width, height }: { width: number; height: number },
): Content {
  switch (overlay.kind) {
    case "confirm":
      return { title: overlay.title, lines: confirmLines(overlay, width, height), tone: "bad" };
    case "palette":
      return { title: "Command", lines: paletteLines(model, overlay), tone: "accent" };
    case "help":
    case "equivalents": {
      const reading = readingOf(model, overlay);
      const { title, lines } = reading;
      const shown = lines.slice(overlay.top, overlay.top + reading.height);
      const more = lines.length - overlay.top - shown.length;
      const rest = more > 0 ? [lineOf(`… ${more} more lines; ↓ goes on`, "quiet")] : [];
      return { title, lines: [...shown, ...rest], tone: "accent" };
    }
  }
}

/** Where there is little room the names give way first: what is typed and the buttons are always seen. */
function confirmLines(confirm: Confirm, width: number, height: number): Line[] {
  const { names, effect, mustType, typed, isOnIt, button } = confirm;
  const what = wordLines(effect, width).map((line) => lineOf(line));
  const typing: Line[] = mustType === null ? [] : [[
    span("Type "),
    span(mustType.text, "strong"),
    span(`${mustType.what === "" ? "" : `, ${mustType.what},`} to go on: `),
    ...inputLine(typed),
  ]];
  const buttons: Line = [
    span(isOnIt ? "  Cancel  " : "[ Cancel ]", isOnIt ? "plain" : "accent"),
    span("   "),
    span(isOnIt ? `[ ${button} ]` : `  ${button}  `, isOnIt ? "bad" : "quiet"),
  ];
  const below = typing.length + 1;
  const gaps = typing.length > 0 ? 3 : 2;
  const isRoomy = Math.min(names.length, NAMES_MAX + 1) + what.length + below + gaps <= height;
  const gap = isRoomy ? [lineOf("")] : [];
  const room = isRoomy ? NAMES_MAX : Math.max(1, height - what.length - below);
  return [
    ...nameLines(names, room, width),
    ...gap,
    ...what.slice(0, isRoomy ? what.length : Math.max(0, height - below - 1)),
    ...gap,
    ...typing,
    ...(typing.length > 0 ? gap : []),
    buttons,
  ];
}

/** In at most `room` lines, the last of which says how many are left out. */
function nameLines(names: readonly string[], room: number, width: number): Line[] {
  const left = names.length - room;
  const shown = names.slice(0, left > 0 && room > 1 ? room - 1 : room);
  const more = names.length - shown.length;
  const rest = more === 0 ? "" : ` and ${more} more`;
  return [
    ...shown.map((name, at) => {
      const own = rest !== "" && room === 1 && at === 0 ? rest : "";
      return lineOf(`  ${fit(name, width - 4 - own.length).trimEnd()}${own}`, "strong");
    }),
    ...(more > 0 && room > 1 ? [lineOf(` ${rest}`)] : []),
  ];
}

function paletteLines(model: Model, palette: Extract<Overlay, { kind: "palette" }>): Line[] {
  const found = paletteCommands(model, palette);
  const from = Math.max(
    0,
    Math.min(palette.chosen - PALETTE_ROWS + 1, found.length - PALETTE_ROWS),
  );
  const rows = found.slice(from, from + PALETTE_ROWS).map(
    ({ word = "", title, keys }, at): Line => {
      const isChosen = from + at === palette.chosen;
      return [
        span(`${isChosen ? ">" : " "} ${word.padEnd(12)}`, isChosen ? "accent" : "strong"),
        span(title),
        span(keys.length > 0 ? `  ${keyText(keys[0]!)}` : "", "quiet"),
      ];
    },
  );
  const none = found.length === 0 ? [lineOf("  nothing of this name is of use here", "quiet")] : [];
  return [[span(":"), ...inputLine(palette.input)], ...rows, ...none];
}

function framed(title: string, lines: readonly Line[], width: number, tone: Tone): Line[] {
  const label = ` ${fit(title, Math.min(columnsOf(title), width - 4))} `;
  const side = span("│", tone);
  return [
    [
      span("┌─", tone),
      span(label, "strong"),
      span(`${"─".repeat(width - 1 - columnsOf(label))}┐`, tone),
    ],
    ...lines.map((line) => [side, ...fitLine([span(" "), ...line], width), side]),
    [span(`└${"─".repeat(width)}┘`, tone)],
  ];
}
