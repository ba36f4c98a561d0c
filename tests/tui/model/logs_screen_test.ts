/** Logs: what is in sight, what is followed, found, kept and cut. */
import { assert, assertEquals } from "@std/assert";
import { widthOf } from "../../../tui/model/line.ts";
import { CHARACTERS_MAX, LINES_MAX } from "../../../tui/model/logs_buffer.ts";
import { logRows } from "../../../tui/model/logs_rows.ts";
import { after, did, keys, NOON, press } from "../support/fleet_models.ts";
import { logsOf, numbered, printed, rowsIn } from "../support/log_models.ts";

const HUNDRED = logsOf(["web"], [printed("web", numbered(100))]);

Deno.test("opening the logs follows each output, leaving them lets go", () => {
  const fleet = press(logsOf(["a", "b"]), "esc");
  const { model, effects } = did(fleet, keys("l"));
  assertEquals(effects.map((one) => one.kind === "follow" && [one.slot, one.instanceId]), [
    ["logs.a", "a"],
    ["logs.b", "b"],
  ]);
  assertEquals(did(model, keys("esc")).effects, [
    { kind: "unfollow", slot: "logs.a" },
    { kind: "unfollow", slot: "logs.b" },
  ]);
});

Deno.test("the newest lines are in sight, and stay so as more come", () => {
  assertEquals(rowsIn(HUNDRED).at(-1), "  line 100");
  const more = after(HUNDRED, [printed("web", ["one more"], { from: 100 })]);
  assertEquals(rowsIn(more).slice(-2), ["  line 100", "  one more"]);
});

Deno.test("f holds the lines still and counts what comes; f again shows the newest", () => {
  const held = after(press(HUNDRED, "f"), [printed("web", numbered(7, 101), { from: 100 })]);
  assertEquals(rowsIn(held), rowsIn(HUNDRED));
  assertEquals(rowsIn(press(held, "f")).at(-1), "  line 107");
});

Deno.test("who scrolls up stays there, and follows again at the end", () => {
  const up = press(HUNDRED, "k k");
  assertEquals(rowsIn(up).at(-1), "  line 98");
  const more = after(up, [printed("web", ["one more"], { from: 100 })]);
  assertEquals(rowsIn(more).at(-1), "  line 98");
  assertEquals(rowsIn(press(more, "G")).at(-1), "  one more");
  assertEquals(press(more, "j j j").screens.logs.bottom, null);
  assertEquals(rowsIn(press(more, "g"))[0], "  line 1");
});

Deno.test("a search finds upwards as it is typed, n and N go on, round the ends", () => {
  const typing = press(HUNDRED, "/ L I N E space 5");
  const found = press(typing, "enter");
  assertEquals(rowsIn(found).at(-1), "› line 59");
  assertEquals(rowsIn(press(found, "N")).at(-1), "› line 58");
  assertEquals(rowsIn(press(found, "n")).find((row) => row.startsWith("›")), "› line 5");
  assertEquals(rowsIn(press(found, "esc")).some((row) => row.startsWith("›")), false);
});

Deno.test("Esc while a search is typed leaves everything as it was", () => {
  const { logs } = press(HUNDRED, "/ 4 2 esc").screens;
  assertEquals(logs, HUNDRED.screens.logs);
});

Deno.test("a search is kept over wrapping and times", () => {
  const model = press(HUNDRED, "/ 4 2 enter w t w t");
  assertEquals(rowsIn(model).at(-1), "› line 42");
});

Deno.test("long lines are cut; w shows all of them", () => {
  const model = logsOf(["web"], [printed("web", [`begin ${"x".repeat(150)} end`])]);
  assertEquals(rowsIn(model)[0]!.endsWith("x…"), true);
  const rows = rowsIn(press(model, "w"));
  assertEquals(rows.length, 3);
  assertEquals(rows.at(-1)!.endsWith(" end"), true);
});

Deno.test("t shows when a line was printed", () => {
  assertEquals(rowsIn(press(HUNDRED, "t")).at(-1), "  12:01:39.000 line 100");
});

Deno.test("lines of several instances are in the order of their times, each with its name", () => {
  const model = logsOf(["a", "b"], [
    printed("a", ["first", "third"], { from: 0 }),
    printed("b", ["then"], { from: 0.5, stream: "stderr" }),
  ]);
  assertEquals(rowsIn(model), [
    "  a              first",
    " │b              then",
    "  a              third",
  ]);
});

Deno.test("only so many lines are kept, and it is counted what had to go", () => {
  const many = logsOf(["web"], [
    printed("web", numbered(LINES_MAX)),
    printed("web", numbered(10, LINES_MAX + 1), { from: LINES_MAX }),
  ]);
  const { lines, dropped } = many.screens.logs.buffer;
  assertEquals([lines.length, dropped, lines[0]!.text], [LINES_MAX, 10, "line 11"]);
  const flood = after(many, [printed("web", numbered(LINES_MAX * 2), { from: 2 * LINES_MAX })]);
  assertEquals(flood.screens.logs.buffer.lines.length, LINES_MAX);
  assertEquals(flood.screens.logs.buffer.dropped, 10 + LINES_MAX * 2);
});

Deno.test("whatever is printed, each row is one row of what a terminal takes", () => {
  const hostile = [
    "\u001b[2J\u001b[Hgone",
    "\u001b[31mred\u001b[0m text",
    "a\rb\u0007\u0000\u009b2J",
    "日本語".repeat(100),
    "👨‍👩‍👧‍👦".repeat(90),
    "x".repeat(1_000_000),
    "\u202eabc",
    "İ".repeat(60),
  ];
  const model = logsOf(["web"], [printed("web", hostile)]);
  const { lines } = model.screens.logs.buffer;
  assertEquals(lines[1]!.text, "red text");
  for (const { text } of lines) assert(text.length <= CHARACTERS_MAX + 1, `${text.length}`);
  for (const names of ["f", "w", "w t", "/ x enter", "/ i enter w k k k", "w g"]) {
    const rows = logRows(press(model, names));
    assert(rows.length <= 18, `${rows.length} rows`);
    for (const row of rows) {
      assertEquals(widthOf(row), 79);
      // deno-lint-ignore no-control-regex -- none of these may reach a terminal
      for (const { text } of row) assert(!/[\u0000-\u001f\u007f-\u009f]/.test(text), text);
    }
  }
});

Deno.test("of a wrapped line with more rows than the screen both ends can be reached", () => {
  const long = `begin ${"x".repeat(1_800)} end`;
  const model = press(logsOf(["web"], [printed("web", [long, "last"])]), "w");
  assertEquals(rowsIn(model).slice(-2).map((row) => row.slice(-3)), ["end", "ast"]);
  assertEquals(rowsIn(press(model, "g"))[0]!.slice(0, 8), "  begin ");
});

Deno.test("the end of an output is told, with its reason", () => {
  const ended = after(HUNDRED, [
    { type: "followed", slot: "logs.web", followed: { kind: "end", reason: "deleted" } },
    { type: "tick", now: NOON + 1_000 },
  ]);
  assertEquals([...ended.screens.logs.ended], [["web", "it was deleted"]]);
});
