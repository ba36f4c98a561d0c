/** Where a text stops being JSON: in agreement with the engine's parser about whether it does. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readJson } from "../../http/json_text.ts";

const faults: [string, number, string][] = [
  ["hello", 0, 'expected a value, but found "h"'],
  ["[1,", 3, "expected a value, but the text ends"],
  ['{"a":1,}', 7, 'expected a name in double quotes, but found "}"'],
  ['{"a" 1}', 5, 'expected ":", but found "1"'],
  ['{"a":1 "b":2}', 7, 'expected "," or "}", but found "\\""'],
  ['["a\nb"]', 3, 'expected the string to go on or to end, but found "\\n"'],
  ['"\\x"', 1, 'expected the string to go on or to end, but found "\\\\"'],
  ["01", 1, 'expected the end, but found "1"'],
  ["{} {}", 3, 'expected the end, but found "{"'],
  ["[[[]]]", 2, "nested deeper than 2 levels"],
];
for (const [text, position, message] of faults) {
  Deno.test(`${JSON.stringify(text)} goes wrong at ${position}`, () => {
    const reading = readJson(text, text.startsWith("[[[") ? 2 : 64);
    assert(!reading.ok);
    assertEquals([reading.fault.position, reading.fault.message], [position, message]);
  });
}

Deno.test("brackets within strings do not count as nesting", () => {
  const text = JSON.stringify(['[[[["[[', "\\", "]"]);
  assertEquals(readJson(text, 1), { ok: true, value: JSON.parse(text) });
});

Deno.test("what the engine's parser takes is read, and any damage to it is placed within the text", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ maxLength: 3 }), (json, at, damage) => {
      const place = at % (json.length + 1);
      const text = json.slice(0, place) + damage + json.slice(place + 1);
      const reading = readJson(text, 1_000);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        assert(!reading.ok, `${text} is not JSON`);
        const { position, message } = reading.fault;
        assert(position >= 0 && position <= text.length);
        assert(position < text.length || message.endsWith("the text ends"), message);
        return;
      }
      assertEquals(reading, { ok: true, value } as typeof reading);
    }),
    { numRuns: 2_000 },
  );
});
