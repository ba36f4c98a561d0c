/** A line that is being typed: its text and where the cursor is in it. Pure. */
import { printable } from "../terminal_text.ts";
import { type Line, span } from "./line.ts";

/** `at` counts characters (graphemes) before the cursor. */
export interface TextInput {
  characters: readonly string[];
  at: number;
}

/** Longer text is cut: nobody types or means to paste so much into one line. */
const CHARACTERS_MAX = 1_000;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** With the cursor behind `text`. */
export function inputOf(text: string): TextInput {
  const characters = charactersOf(text);
  return { characters, at: characters.length };
}

export function inputText({ characters }: TextInput): string {
  return characters.join("");
}

/** What was typed or pasted, where the cursor is; control characters are left out. */
export function typed(input: TextInput, text: string): TextInput {
  const added = charactersOf(text);
  const characters = [
    ...input.characters.slice(0, input.at),
    ...added,
    ...input.characters.slice(input.at),
  ].slice(0, CHARACTERS_MAX);
  return { characters, at: Math.min(input.at + added.length, characters.length) };
}

/**
 * What a key of editing makes of the line, as in a shell: null for a key that edits nothing.
 * @param key as `Key` names it
 */
export function edited(input: TextInput, key: string): TextInput | null {
  const { characters, at } = input;
  switch (key) {
    case "left":
    case "ctrl+b":
      return { characters, at: Math.max(0, at - 1) };
    case "right":
    case "ctrl+f":
      return { characters, at: Math.min(characters.length, at + 1) };
    case "home":
    case "ctrl+a":
      return { characters, at: 0 };
    case "end":
    case "ctrl+e":
      return { characters, at: characters.length };
    case "backspace":
      return without(input, Math.max(0, at - 1), at);
    case "delete":
      return without(input, at, at + 1);
    case "ctrl+u":
      return without(input, 0, at);
    case "ctrl+k":
      return without(input, at, characters.length);
    case "ctrl+w":
      return without(input, beginOfWord(input), at);
    default:
      return null;
  }
}

/** As it is drawn, with a mark where the cursor is. */
export function inputLine(input: TextInput): Line {
  const before = input.characters.slice(0, input.at).join("");
  const after = input.characters.slice(input.at).join("");
  return [span(before, "accent"), span("▏", "accent"), span(after, "accent")];
}

function without({ characters }: TextInput, from: number, to: number): TextInput {
  return { characters: [...characters.slice(0, from), ...characters.slice(to)], at: from };
}

function beginOfWord({ characters, at }: TextInput): number {
  let from = at;
  while (from > 0 && characters[from - 1] === " ") from--;
  while (from > 0 && characters[from - 1] !== " ") from--;
  return from;
}

function charactersOf(text: string): string[] {
  return Array.from(segmenter.segment(printable(text)), ({ segment }) => segment)
    .slice(0, CHARACTERS_MAX);
}
