/** Whatever keys are pressed: nothing is deleted without a typed confirmation, and the screen stays whole. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { COMMANDS } from "../../../tui/keymap.ts";
import type { Action } from "../../../tui/model/action.ts";
import { boxOf } from "../../../tui/model/boxes.ts";
import { crumbLine, detailLine, hintLine, titleLine } from "../../../tui/model/chrome.ts";
import { fleetTable } from "../../../tui/model/fleet_table.ts";
import { instanceRows } from "../../../tui/model/instance_lines.ts";
import { layoutOf } from "../../../tui/model/layout.ts";
import { type Line, widthOf } from "../../../tui/model/line.ts";
import { logRows } from "../../../tui/model/logs_rows.ts";
import type { Model } from "../../../tui/model/model.ts";
import type { Confirm, Overlay } from "../../../tui/model/overlay.ts";
import { inputText } from "../../../tui/model/text_input.ts";
import { answerOf, did, modelWith, NOON } from "../support/fleet_models.ts";
import { printed } from "../support/log_models.ts";

const KEYS = [
  ...new Set(COMMANDS.flatMap(({ keys }) => keys)),
  ..."abcdeswxyz0123456789=:!()[".split(""),
  "backspace",
  "delete",
  "left",
  "right",
  "日",
  "👨‍👩‍👧‍👦",
];

const key = fc.constantFrom(...KEYS).map((key): Action => ({ type: "key", key }));
const size = fc.record({
  type: fc.constant("resized" as const),
  columns: fc.integer({ min: 1, max: 220 }),
  rows: fc.integer({ min: 1, max: 70 }),
});
const paste = fc.string({ unit: "grapheme", maxLength: 30 })
  .map((text): Action => ({ type: "pasted", text }));
const change = fc.record({
  id: fc.integer({ min: 0, max: 6 }),
  version: fc.integer({ min: 1, max: 50 }),
  status: fc.constantFrom(
    "Running" as const,
    "Stopped" as const,
    "Failed" as const,
    "Deleted" as const,
  ),
  name: fc.constantFrom("web", "\u001b[2Jevil", "日本語".repeat(30), "x".repeat(200)),
}).map(({ id, ...fields }): Action => ({
  type: "changed",
  items: [answerOf(`i${id}`, fields)],
}));
const output = fc.array(fc.string({ unit: "binary", maxLength: 300 }), { maxLength: 30 })
  .map((texts) => printed("a", texts));
const tick = fc.integer({ min: 0, max: 100_000 })
  .map((ms): Action => ({ type: "tick", now: NOON + ms }));

const actions = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: key },
    { weight: 1, arbitrary: size },
    { weight: 1, arbitrary: paste },
    { weight: 2, arbitrary: change },
    { weight: 1, arbitrary: output },
    { weight: 1, arbitrary: tick },
  ),
  { maxLength: 250 },
);

const start = modelWith(["a", "b", "c"].map((name) => answerOf(name, { status: "Running" })));

Deno.test("no delete and no forget without a typed confirmation, whatever is pressed", () => {
  let deletes = 0;
  fc.assert(
    fc.property(actions, (pressed) => {
      let model = start;
      for (const action of pressed) {
        const before = model.overlay;
        const { model: next, effects } = did(model, [action]);
        const deleted = effects.flatMap((one) =>
          one.kind === "ask" && one.request.type === "delete" ? [one.instanceId] : []
        );
        if (deleted.length > 0) {
          deletes++;
          assertConfirmed(before, deleted);
        }
        if (effects.some((one) => one.kind === "worker" && one.verb === "forget")) {
          assertTyped(before);
        }
        model = next;
      }
    }),
    { numRuns: 400 },
  );
  // Typed by chance it may be; mostly it is not.
  assert(deletes < 100, `${deletes} deletes`);
});

Deno.test("the screen is whole after any keys, sizes and news", () => {
  fc.assert(
    fc.property(actions, (pressed) => assertWhole(did(start, pressed).model)),
    { numRuns: 150 },
  );
});

function assertConfirmed(overlay: Overlay | null, deleted: readonly (string | null)[]): void {
  assertTyped(overlay);
  assertEquals(deleted, "instanceIds" in overlay.deed ? overlay.deed.instanceIds : []);
}

function assertTyped(overlay: Overlay | null): asserts overlay is Confirm {
  assert(overlay?.kind === "confirm" && overlay.mustType !== null, "a question was answered");
  assertEquals(inputText(overlay.typed), overlay.mustType.text);
}

/** Every line is as wide as the screen at most, and there are no more than it has. */
function assertWhole(model: Model): void {
  const { width, body } = layoutOf(model.terminal);
  const around = [titleLine, crumbLine, detailLine, hintLine].map((line) => line(model, width));
  for (const line of around) assertEquals(widthOf(line), width);
  if (layoutOf(model.terminal).isTiny) return;
  for (const shown of [logRows(model), instanceRows(model)]) {
    assert(shown.length <= body, `${shown.length} rows in ${body}`);
    for (const line of shown) assertFits(line, width);
  }
  const { head, rows } = fleetTable(model);
  assert(rows.length < body, `${rows.length} rows and a head in ${body}`);
  for (const line of [head, ...rows.map(({ line }) => line)]) assertFits(line, width);
  const { ids } = model.frozen?.fleet ?? model.fleet;
  assertEquals(rows.filter(({ isChosen }) => isChosen).length, ids.length > 0 ? 1 : 0);
  const box = boxOf(model);
  if (box === null) return;
  assert(box.top + box.lines.length <= body, `a box of ${box.lines.length} lines in ${body}`);
  for (const line of box.lines) assertFits(line, width - box.left);
}

function assertFits(line: Line, width: number): void {
  assert(widthOf(line) <= width, `${widthOf(line)} of ${width}`);
  // deno-lint-ignore no-control-regex -- none of these may reach a terminal
  for (const { text } of line) assert(!/[\u0000-\u001f\u007f-\u009f]/.test(text), text);
}
