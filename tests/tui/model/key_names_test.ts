/** What Ink says of a key has a name of the keymap, and what is typed fast is several keys. */
import { assertEquals } from "@std/assert";
import type { Key } from "ink";
import { actionsOf } from "../../../tui/shell/key_names.ts";

const cases: [what: string, input: string, key: Partial<Key>, names: string[]][] = [
  ["a letter", "j", {}, ["j"]],
  ["an upper-case letter", "D", { shift: true }, ["D"]],
  ["letters typed fast", "jjG", {}, ["j", "j", "G"]],
  ["a text and Enter at once", "web\r", {}, ["w", "e", "b", "enter"]],
  ["a space", " ", {}, ["space"]],
  ["an arrow", "", { upArrow: true }, ["up"]],
  ["Enter", "\r", { return: true }, ["enter"]],
  ["Tab", "\t", { tab: true }, ["tab"]],
  ["Tab backwards", "", { tab: true, shift: true }, ["shift+tab"]],
  ["Ctrl and a letter", "d", { ctrl: true }, ["ctrl+d"]],
  ["Alt and a letter", "x", { meta: true }, []],
  ["a character of another script", "日", {}, ["日"]],
  ["a family", "👨‍👩‍👧‍👦", {}, ["👨‍👩‍👧‍👦"]],
  ["a control character", "\u0000\u0007", {}, []],
  ["nothing", "", {}, []],
];
for (const [what, input, key, names] of cases) {
  Deno.test(`${what} is ${names.join(" ") || "no key"}`, () => {
    assertEquals(actionsOf(input, key), names.map((key) => ({ type: "key", key })));
  });
}

Deno.test("very much at once is a paste, not keys", () => {
  const text = "Dyes".repeat(50);
  assertEquals(actionsOf(text, {}), [{ type: "pasted", text }]);
});
