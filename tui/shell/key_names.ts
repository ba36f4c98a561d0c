/** What Ink says of a key, as the names of the keymap: typed text may hold several keys at once. Pure. */
import type { Key } from "ink";
import type { Action } from "../model/action.ts";

const NAMED: readonly [keyof Key, string][] = [
  ["upArrow", "up"],
  ["downArrow", "down"],
  ["leftArrow", "left"],
  ["rightArrow", "right"],
  ["pageUp", "pageup"],
  ["pageDown", "pagedown"],
  ["home", "home"],
  ["end", "end"],
  ["return", "enter"],
  ["escape", "esc"],
  ["backspace", "backspace"],
  ["delete", "delete"],
];

const CONTROLS: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  " ": "space",
};

/** A terminal that does not tell its pastes: more characters than this at once are one, not keys. */
const KEYS_MAX = 64;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The actions of one piece of input. */
export function actionsOf(input: string, key: Partial<Key>): Action[] {
  const named = NAMED.find(([flag]) => key[flag]);
  if (named) return [{ type: "key", key: named[1] }];
  if (key.tab) return [{ type: "key", key: key.shift ? "shift+tab" : "tab" }];
  if (key.ctrl) return input === "" ? [] : [{ type: "key", key: `ctrl+${input}` }];
  if (key.meta) return [];
  const characters = Array.from(segmenter.segment(input), ({ segment }) => segment);
  if (characters.length > KEYS_MAX) return [{ type: "pasted", text: input }];
  return characters.flatMap((one) => {
    const name = CONTROLS[one] ?? one;
    return /\p{Cc}/u.test(name) ? [] : [{ type: "key" as const, key: name }];
  });
}
