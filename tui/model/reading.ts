/** What is read over a screen: the help of the keymap, and the same deeds as commands and as HTTP. Pure. */
import { COMMANDS, keyText } from "../keymap.ts";
import { CONTEXT_TITLES } from "../keymap_table.ts";
import { contextsOf } from "./commands.ts";
import { equivalentLines } from "./equivalents.ts";
import { layoutOf } from "./layout.ts";
import { type Line, lineOf, span } from "./line.ts";
import type { Model } from "./model.ts";
import type { Overlay } from "./overlay.ts";
import { presentScreen } from "./screen_table.ts";

export interface Reading {
  title: string;
  lines: readonly Line[];
  /** How many of them there is room for. */
  height: number;
}

/** Frame and title. */
const LINES_AROUND = 3;

/** What is shown of help or equivalents, whole. */
export function readingOf(
  model: Model,
  overlay: Extract<Overlay, { kind: "help" | "equivalents" }>,
): Reading {
  const height = Math.max(1, layoutOf(model.terminal).body - LINES_AROUND);
  return overlay.kind === "help"
    ? { title: `Keys · ${presentScreen(model).title}`, lines: helpLines(model), height }
    : { title: "The same without this screen", lines: equivalentLines(model), height };
}

const KEYS_WIDTH = 16;

/** The present screen's keys first. */
function helpLines(model: Model): Line[] {
  return contextsOf(model).flatMap((context, at) => {
    const commands = COMMANDS.filter((one) => one.context === context && one.keys.length > 0);
    if (commands.length === 0) return [];
    return [
      ...(at === 0 ? [] : [lineOf("")]),
      lineOf(CONTEXT_TITLES[context], "strong"),
      ...commands.map(({ keys, title }): Line => [
        span(`  ${keys.map(keyText).join(" ")}`.padEnd(KEYS_WIDTH), "accent"),
        span(title),
      ]),
    ];
  });
}
