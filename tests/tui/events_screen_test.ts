/** The screen of events as it is drawn; each was looked at once and is kept. */
import { assert } from "@std/assert";
import { columnsOf } from "../../tui/terminal_text.ts";
import type { Action } from "../../tui/model/action.ts";
import { eventOf, stopOf, told } from "./support/event_log.ts";
import { after, answerOf, modelWith, press } from "./support/fleet_models.ts";
import { assertGolden, plainScreenOf } from "./support/golden.tsx";

const FLEET = [
  answerOf("web", { status: "Running" }),
  answerOf("cache-eu-west-1-primary-production", { status: "Stopped" }),
];

const LOG: Action[] = [
  told(
    stopOf(90),
    eventOf(91),
    eventOf(92, {
      type: "CommandExpired",
      data: { commandId: "c", reason: "NoWorker" },
    }),
    eventOf(93, {
      instanceId: "cache-eu-west-1-primary-production",
      type: "RestartScheduled",
      requestedBy: "leader",
      data: { runId: "r", attempt: 3, delayMs: 8_000 },
    }),
  ),
  { type: "gap", text: "The log was cut before these were read." },
  told(
    eventOf(97, {
      instanceId: "gone-1",
      type: "HealthObserved",
      data: { message: "of a form that is not known" },
    }),
    stopOf(98, { requestedBy: "anonymous" }),
  ),
];

for (const [columns, rows] of [[80, 24], [120, 40]] as const) {
  Deno.test(`the events at ${columns}×${rows} are as they were looked at`, () => {
    const model = press(after(modelWith(FLEET, { columns, rows }), LOG), "3");
    assertGolden(`events_${columns}x${rows}`, plainScreenOf(model));
  });
}

Deno.test("where nothing has happened yet it is said where the past is", () => {
  assertGolden("events_empty", plainScreenOf(press(modelWith(FLEET), "3")));
});

Deno.test("a filter being typed shows what of the log it lets through, and gaps", () => {
  const model = press(after(modelWith(FLEET), LOG), "3 / b y : e v a");
  assertGolden("events_filter", plainScreenOf(model));
});

Deno.test("no line is wider than the terminal, whatever an event says", () => {
  const texts = ["x".repeat(900), "日本語".repeat(40), "\u001b[2J\u001b[H", "\u202eabc"];
  const log = texts.flatMap((text, at) => [
    told(stopOf(at * 2 + 1, { requestedBy: text, instanceId: text })),
    told(eventOf(at * 2 + 2, { type: text, data: { message: text } })),
    { type: "gap" as const, text },
  ]);
  for (const columns of [50, 60, 80, 120, 200]) {
    for (const over of ["3", "3 k", "3 g"]) {
      const screen = plainScreenOf(press(after(modelWith(FLEET, { columns }), log), over));
      const lines = screen.trimEnd().split("\n");
      assert(lines.length < 24, `${lines.length} lines`);
      for (const line of lines) assert(columnsOf(line) < columns, `${columns}: ${line}`);
      // deno-lint-ignore no-control-regex -- none of these may reach a terminal
      assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(screen), "nothing raw");
    }
  }
});
