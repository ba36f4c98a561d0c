/** Text from outside never moves the cursor, and always fits its column. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { columnsOf, fit, pieces, printable, wordLines } from "../../../tui/terminal_text.ts";

const unsafe: [string, string, string][] = [
  ["an escape sequence", "a\u001b[2Jb", "a [2Jb"],
  ["an eight-bit escape", "a\u009b31mb", "a 31mb"],
  ["lines and tabs", "a\r\n\tb", "a b"],
  ["a bell and a backspace", "a\u0007\bb", "a b"],
  ["a change of direction", "a\u202eb\u2066c", "a b c"],
  ["line separators", "a\u2028b\u2029c", "a b c"],
  ["half a character", "a\ud83db", "a b"],
  ["joiners, which each terminal measures in its own way", "👨\u200d👩", "👨 👩"],
  ["invisible tags", "a\u{e0041}b", "a b"],
];
for (const [what, text, expected] of unsafe) {
  Deno.test(`printed as a space: ${what}`, () => assertEquals(printable(text), expected));
}

Deno.test("a tower of marks is cut to two", () => {
  assertEquals(printable(`o${"\u0301".repeat(50)}`), "o\u0301\u0301");
});

Deno.test("names of people stay as they are", () => {
  for (const name of ["Zoë-1", "日本語", "Привет", "naïve ünïts", "😀 ok", "नमस्ते"]) {
    assertEquals(printable(name), name);
  }
});

Deno.test("a text that is too wide ends with an ellipsis, and wide characters are never halved", () => {
  assertEquals(fit("server", 6), "server");
  assertEquals(fit("server", 8), "server  ");
  assertEquals(fit("server", 4), "ser…");
  assertEquals(fit("日本語", 5), "日本…");
  assertEquals(fit("日本語", 4), "日… ");
  assertEquals(fit("server", 0), "");
  assertEquals(fit("server", 1), "…");
});

Deno.test("every text, made printable, fits its column exactly and has no control character", () => {
  fc.assert(fc.property(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.integer({ min: 1, max: 40 }),
    (text, columns) => {
      const shown = fit(printable(text), columns);
      // deno-lint-ignore no-control-regex -- that is what is looked for
      assert(!/[\u0000-\u001f\u007f-\u009f]/.test(shown));
      assertEquals(columnsOf(shown), columns);
    },
  ));
});

Deno.test("text is broken between words, and within a word that is too long", () => {
  assertEquals(wordLines("one two three", 7), ["one two", "three"]);
  assertEquals(wordLines("a 123456789", 4), ["a", "1234", "5678", "9"]);
  assertEquals(pieces("日本語x", 4), ["日本", "語x"]);
  assertEquals(pieces("", 4), [""]);
});
