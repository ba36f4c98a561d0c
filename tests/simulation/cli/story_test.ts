/** What people read: stories of plans, and how far a run has come. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FAULT_KINDS, type FaultKind } from "../plan.ts";
import { ProgressLine, seedLine } from "./progress.ts";
import { fault, planOf, request, resultOf } from "./stand_in_surroundings.ts";
import { stepLines } from "./step_words.ts";
import { STORY_LINES_MAX, storyOf } from "./story.ts";

const violation = { invariant: "never two at once", found: "two live processes of a" };

Deno.test("a story has the world, the steps, what happened, what broke, and how to repeat it", () => {
  const plan = planOf([
    request(0, { request: { type: "create", specification: {} as never }, user: 1, key: 4 }),
    request(1_500, { request: { type: "delete", force: true }, node: 4, wait: false }),
    { kind: "read", atMs: 1_600, user: 2, node: 1, instance: 0 },
    fault(61_250, { kind: "host-frozen", target: 3, durationMs: 90_500 }),
  ]);
  const result = resultOf({ violation, story: ["0 begins", "61250 fault", "unnumbered"] });
  const telling = { plan, result, stepsBefore: 240, isWhole: false, storyFile: "s.txt" };
  assertEquals(storyOf({ ...telling, command: "deno task simulate --plan p.json" }), [
    "Seed 7 breaks: never two at once",
    "",
    "The world",
    "  Three nodes and two hosts with a worker each over Redis, which is forced to the disk each " +
    "second; nothing more goes wrong after 1 min.",
    "",
    "What is done (4 steps, shrunk from 240)",
    "      0.000 s  user 1 asks node 1 to create instance 0 (waits up to 10 s, key 4)",
    "      1.500 s  user 0 asks node 2 to delete by force instance 0 (waits for nothing)",
    "      1.600 s  user 2 reads instance 0 from node 2",
    "     61.250 s  host b is stopped with all on it for 90.5 s",
    "",
    "What happens",
    "      0.000 s  begins",
    "     61.250 s  fault",
    "  unnumbered",
    "",
    "What broke",
    "  never two at once",
    "  two live processes of a",
    "",
    "Again",
    "  deno task simulate --plan p.json",
  ]);
});

Deno.test("a long story ends with its last lines and says where the others are", () => {
  const story = Array.from({ length: 200 }, (_, i) => `${i} line ${i}`);
  const telling = {
    plan: planOf([request(1)]),
    result: resultOf({ violation, story }),
    stepsBefore: null,
    storyFile: "s.txt",
    command: "c",
  };
  const short = storyOf({ ...telling, isWhole: false }).join("\n");
  assertStringIncludes(short, `… ${200 - STORY_LINES_MAX} lines before (all in s.txt)`);
  assert(short.includes("line 199") && !short.includes("line 100\n"), "the last ones");
  assertStringIncludes(storyOf({ ...telling, isWhole: true }).join("\n"), "line 0\n");
});

Deno.test("each kind of fault has words of its own", () => {
  const lines = FAULT_KINDS.map((kind: FaultKind) => stepLines(planOf([fault(1, { kind })]))[0]!);
  assertEquals(new Set(lines).size, FAULT_KINDS.length, lines.join("\n"));
  assert(!lines.some((line) => line.includes("undefined")), lines.join("\n"));
});

const PROGRESS = {
  seeds: 250,
  seedsOf: 1_000,
  seconds: 10,
  secondsOf: Infinity,
  events: 123_456,
  violations: 0,
};

Deno.test("the progress says share, seeds, rate, time left, events and violations", () => {
  const line = seedLine(PROGRESS, 120, false);
  assertEquals(
    line.replace(/[━─]+/, "").trim(),
    "25 % · 250 of 1,000 seeds · 25.0 seeds/s · 30 s left · 123,456 events · no violation",
  );
  assertEquals(/━+/.exec(line)![0].length, Math.round(/[━─]+/.exec(line)![0].length / 4));
});

Deno.test("the progress fits its terminal, and has color only where that is wanted", () => {
  for (const columns of [10, 40, 80, 100, 200]) {
    assert(seedLine(PROGRESS, columns, false).length < columns, `${columns} columns`);
  }
  assert(!seedLine(PROGRESS, 120, false).includes("\x1b"), "no color");
  assert(seedLine(PROGRESS, 120, true).includes("\x1b[32m"), "green");
  assert(seedLine({ ...PROGRESS, violations: 1 }, 120, true).includes("\x1b[31m"), "red");
});

Deno.test("a terminal's line is drawn again and taken away; a log gets one now and then", () => {
  const drawn = (columns: number | null) => {
    const written: string[] = [];
    let now = 0;
    const write = (text: string) => void written.push(text);
    const line = new ProgressLine({ columns, hasColor: false, write, now: () => now });
    for (now = 0; now < 30_000; now += 50) line.show(() => "so far");
    line.clear();
    return written;
  };
  const terminal = drawn(80);
  assertEquals(terminal.length, 301);
  assertEquals([terminal[0], terminal.at(-1)], ["\r\x1b[2Kso far", "\r\x1b[2K"]);
  assertEquals(drawn(null), ["so far\n", "so far\n"]);
});
