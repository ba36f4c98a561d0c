/** The palette: the commands that are of use now, narrowed down by what is typed. Pure. */
import type { Command, CommandId } from "../keymap.ts";
import { legalCommands } from "./commands.ts";
import type { Model } from "./model.ts";
import type { Overlay } from "./overlay.ts";
import { inputOf, inputText } from "./text_input.ts";

type Palette = Extract<Overlay, { kind: "palette" }>;
type PaletteCommand = Command & { id: CommandId };

/** The commands that what is typed may mean, the likeliest first. */
export function paletteCommands(model: Model, { input }: Palette): PaletteCommand[] {
  const text = inputText(input).trim().toLowerCase();
  const legal = legalCommands(model);
  const begins = legal.filter(({ word = "" }) => word.startsWith(text));
  const has = legal.filter((one) => !begins.includes(one) && hasLetters(one, text));
  return [...begins, ...has];
}

/** What Enter does; null where nothing fits. */
export function chosenCommand(model: Model, palette: Palette): CommandId | null {
  return paletteCommands(model, palette)[palette.chosen]?.id ?? null;
}

/** With the whole name of the chosen one. */
export function completed(model: Model, palette: Palette): Palette {
  const chosen = paletteCommands(model, palette)[palette.chosen];
  return chosen === undefined
    ? palette
    : { ...palette, input: inputOf(chosen.word ?? ""), chosen: 0 };
}

/** Whether the letters come in this order in its word, or the text in its title. */
function hasLetters({ word = "", title }: PaletteCommand, text: string): boolean {
  let at = 0;
  for (const letter of word) if (letter === text[at]) at++;
  return at === text.length || title.includes(text);
}
