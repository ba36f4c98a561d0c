/** The mouse: what terminals report of it, and what comes of that. */
import { assertEquals } from "@std/assert";
import type { Model } from "../../../tui/model/model.ts";
import { present } from "../../../tui/model/places.ts";
import { MouseReports } from "../../../tui/shell/mouse_reports.ts";
import { after, answerOf, effectsOf, modelWith, press, workerOf } from "../support/fleet_models.ts";

const CLICK = "\u001b[<0;5;6M";
const cases: [what: string, pieces: string[], actions: unknown[]][] = [
  ["a click", [CLICK], [{ type: "click", column: 4, row: 5 }]],
  ["a click far to the right", ["\u001b[<0;300;6M"], [{ type: "click", column: 299, row: 5 }]],
  ["a report in two pieces", ["\u001b[<0;5", ";6M"], [{ type: "click", column: 4, row: 5 }]],
  ["only its beginning", ["\u001b"], []],
  ["the end of a click", ["\u001b[<0;5;6m"], []],
  ["another button", ["\u001b[<2;5;6M"], []],
  ["the wheel", ["\u001b[<64;1;1M\u001b[<65;1;1M"], [
    { type: "wheel", by: -3 },
    { type: "wheel", by: 3 },
  ]],
  ["keys and a click", ["jj" + CLICK + "k"], [{ type: "click", column: 4, row: 5 }]],
  ["keys", ["jjk\u001b[A"], []],
];
for (const [what, pieces, actions] of cases) {
  Deno.test(`of the input, ${what} comes to ${actions.length} actions of the mouse`, () => {
    const reports = new MouseReports();
    assertEquals(pieces.flatMap((piece) => reports.read(piece)), actions);
  });
}

const fleet = modelWith(Array.from({ length: 50 }, (_, at) => answerOf(`n${at}`)));
const chosen = ({ screens }: Model) => screens.fleet.cursor.id;

Deno.test("on any screen a second click does what Enter does", () => {
  const items = [answerOf("a", { worker: "w1" }), answerOf("b", { worker: "w10" })];
  const workers = press(modelWith(items, { workers: [workerOf("w1"), workerOf("w10")] }), "2");
  const opened = after(workers, [{ type: "click", column: 9, row: 3 }]);
  assertEquals([present(opened.places).screen, opened.fleet.ids], ["fleet", ["a"]]);
});

Deno.test("a click chooses the row under it, and opens it when it is chosen already", () => {
  const clicked = after(fleet, [{ type: "click", column: 9, row: 5 }]);
  assertEquals(chosen(clicked), "n2");
  const again = after(clicked, [{ type: "click", column: 9, row: 5 }]);
  assertEquals([present(again.places).screen, present(again.places).instanceIds], [
    "instance",
    ["n2"],
  ]);
});

Deno.test("a click beside the rows does nothing", () => {
  for (const row of [0, 1, 2, 21, 22, 23, 500]) {
    assertEquals(chosen(after(fleet, [{ type: "click", column: 1, row }])), "n0", `row ${row}`);
  }
});

Deno.test("the wheel moves on, in the list and in what lies over it", () => {
  assertEquals(chosen(after(fleet, [{ type: "wheel", by: 3 }])), "n3");
  assertEquals(chosen(after(fleet, [{ type: "wheel", by: 3 }, { type: "wheel", by: -2 }])), "n1");
  const help = after(press(fleet, "?"), [{ type: "wheel", by: 2 }]);
  assertEquals([help.overlay, chosen(help)], [{ kind: "help", top: 2 }, "n0"]);
});

Deno.test("the mouse is off until somebody wants it, and can be given back", () => {
  assertEquals(effectsOf(fleet, "ctrl+t"), [{ kind: "mouse", isOn: true }]);
  assertEquals(effectsOf(fleet, "ctrl+t ctrl+t")[1], { kind: "mouse", isOn: false });
});
