/** One instance: what is asked of it, what is shown of it, and where one is in it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { InstanceAnswer } from "../../../http/client/answers.ts";
import type { Action } from "../../../tui/model/action.ts";
import { instanceLines, instanceRows } from "../../../tui/model/instance_lines.ts";
import { lifecycleLines } from "../../../tui/model/lifecycle_diagram.ts";
import { textOf, widthOf } from "../../../tui/model/line.ts";
import type { Model } from "../../../tui/model/model.ts";
import { after, answerOf, did, keys, modelWith, NOON, press } from "../support/fleet_models.ts";
import { DRIFTING, FAILED } from "../support/instance_answers.ts";

const DIFFERENCE: Action = {
  type: "answered",
  slot: "instance.difference",
  answer: {
    kind: "difference",
    value: { from: 6, to: 7, patch: [{ op: "replace", path: "/port", value: 9090 }] },
  },
};
const WHY: Action = {
  type: "answered",
  slot: "instance.why",
  answer: {
    kind: "why",
    value: {
      id: "audit-tap",
      status: "Failed",
      summary: "It failed: exit code 137.",
      steps: [{ at: "2026-01-01T11:59:48.000Z", version: 9, kind: "exit", text: "exit code 137" }],
      next: [{ at: "2026-01-01T12:00:08.000Z", kind: "start", text: "attempt 4" }],
    },
  },
};

Deno.test("the present status is lit, also without colours", () => {
  const [chain = [], aside = []] = lifecycleLines("Running");
  assertStringIncludes(textOf(chain), "[● Running]");
  assertEquals(textOf([...chain, ...aside]).match(/\[/g)?.length, 1);
  assertStringIncludes(textOf(lifecycleLines("Failed")[1]!), "[✖ Failed]");
});

Deno.test("opening it reads it, and what a restart would change", () => {
  const { effects } = did(modelWith([DRIFTING]), keys("enter"));
  assertEquals(effects, [
    { kind: "query", slot: "instance.read", query: { kind: "instance", id: "orders-feed" } },
    {
      kind: "query",
      slot: "instance.difference",
      query: { kind: "difference", id: "orders-feed" },
    },
  ]);
});

Deno.test("it is read again every other second, once at a time, and later where no answer comes", () => {
  const reads = (actions: Action[]) =>
    did(press(modelWith([FAILED]), "enter"), actions).effects
      .filter((one) => one.kind === "query" && one.slot === "instance.read").length;
  const tick = (ms: number): Action => ({ type: "tick", now: NOON + ms });
  const answered: Action = {
    type: "answered",
    slot: "instance.read",
    answer: { kind: "instance", value: FAILED },
  };
  assertEquals(reads([tick(2_000), tick(4_000)]), 0);
  assertEquals(reads([answered, tick(1_000), tick(2_000), tick(4_000)]), 1);
  assertEquals(reads([tick(20_000)]), 1);
});

Deno.test("drift is told with what a restart would change", () => {
  const text = shown(opened(DRIFTING, [DIFFERENCE]));
  assertStringIncludes(text, "revision 7; revision 6 runs, a restart applies the difference");
  assertStringIncludes(text, "replace /port → 9090");
  assertStringIncludes(text, "source orders-db: Error, refused");
});

Deno.test("the last failure is told with its last lines, no control character among them", () => {
  const text = shown(opened(FAILED));
  assertStringIncludes(text, "exit code 137, out of memory");
  assertStringIncludes(text, "│query daily-orders is ready");
  assertStringIncludes(text, "│memory allocation of 8 MiB failed");
  assertStringIncludes(text, "since the last good run: port: 8081 → 8080");
  // deno-lint-ignore no-control-regex -- none of these may reach a terminal
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text));
});

Deno.test("W asks why and shows the chain; W or Esc goes back to what is known", () => {
  const { model, effects } = did(opened(FAILED), keys("W"));
  assert(effects.some((one) => one.kind === "query" && one.query.kind === "why"));
  const text = shown(after(model, [WHY]));
  assertStringIncludes(text, "It failed: exit code 137.");
  assertStringIncludes(text, "next, start: attempt 4");
  for (const key of ["W", "esc"]) assertStringIncludes(shown(press(model, key)), "Last failure");
});

Deno.test("what does not fit is reached by scrolling, and no further", () => {
  const configuration = {
    revision: 1,
    runningRevision: null,
    serverConfiguration: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`k${at}`, at])),
  };
  const model = opened(answerOf("big", { configuration }));
  const last = textOf(instanceLines(model).at(-1)!);
  const end = instanceRows(press(model, "G j j j"));
  assertEquals(textOf(end.at(-1)!).trimEnd(), last);
  assertEquals(instanceRows(press(model, "G g")), instanceRows(model));
});

Deno.test("one that is gone is told to be so", () => {
  const model = after(opened(FAILED), [{ type: "gone", instanceId: "audit-tap" }]);
  assertStringIncludes(shown(model), "It is not there any more.");
});

Deno.test("whatever is known of it, each row fits", () => {
  const evil = answerOf("evil", {
    status: "Failed",
    description: "日本語".repeat(200),
    labels: { a: "\u001b[2J".repeat(50) },
    lastError: { message: "x".repeat(5_000) },
    configuration: { revision: 1, serverConfiguration: { "\u202e": "\u009b2J" } },
  });
  for (const row of instanceRows(opened(evil))) {
    assertEquals(widthOf(row), 79);
    // deno-lint-ignore no-control-regex -- none of these may reach a terminal
    for (const { text } of row) assert(!/[\u0000-\u001f\u007f-\u009f]/.test(text), text);
  }
});

function opened(answer: InstanceAnswer, actions: readonly Action[] = []): Model {
  return after(press(modelWith([answer]), "enter"), actions);
}

function shown(model: Model): string {
  return instanceLines(model).map(textOf).join("\n");
}
