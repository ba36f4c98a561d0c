/** Patterns over a line, which no pattern can make slow. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseLinePattern } from "../../events/line_pattern.ts";

function matches(pattern: string, line: string): boolean {
  const parsed = parseLinePattern(pattern);
  if ("fault" in parsed) throw new Error(parsed.fault);
  return parsed.matches(line);
}

Deno.test("a pattern is found anywhere in a line, at its beginning with ^, at its end with $", () => {
  assert(matches("ready", "server is ready now"));
  assert(!matches("^ready", "server is ready"));
  assert(matches("^server.*ready$", "server is ready"));
  assert(!matches("ready$", "ready now"));
  assert(matches("port \\d+", "listening on port 8080"));
  assert(matches("[A-Z]\\w*: up\\?", "Web: up?"));
  assert(matches("costs 5\\$", "it costs 5$ here"));
});

Deno.test("what it does not know is refused with the right form", () => {
  for (const pattern of ["(a+)+", "a|b", "a{3}", "", "[z-a]", "*a", "a".repeat(201), "\\1"]) {
    const parsed = parseLinePattern(pattern);
    assert("fault" in parsed, pattern);
  }
});

Deno.test("it says the same as the regular expression of the same text", () => {
  const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\w");
  const part = fc.tuple(atom, fc.constantFrom("", "*", "+", "?")).map(([one, sign]) => one + sign);
  const pattern = fc.tuple(
    fc.constantFrom("", "^"),
    fc.array(part, { minLength: 1, maxLength: 6 }),
    fc.constantFrom("", "$"),
  ).map(([begin, parts, end]) => begin + parts.join("") + end);
  const line = fc.array(fc.constantFrom("a", "b", "c", "1", " "), { maxLength: 12 })
    .map((all) => all.join(""));
  fc.assert(
    fc.property(pattern, line, (text, about) => {
      assertEquals(matches(text, about), new RegExp(text, "su").test(about));
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a pattern that would hold up a backtracking engine for ages is over at once", () => {
  const began = performance.now();
  assert(!matches("a*".repeat(90) + "b$", "a".repeat(4_000)));
  assert(performance.now() - began < 5_000);
});
