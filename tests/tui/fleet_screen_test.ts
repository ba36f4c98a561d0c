/** The fleet's screen as it is drawn, in the sizes that people have; each screen was looked at once and is kept. */
import { assert, assertEquals } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import type { InstanceAnswer } from "../../http/client/answers.ts";
import { columnsOf } from "../../tui/terminal_text.ts";
import {
  after,
  agoText,
  answerOf,
  keys,
  modelWith,
  NOON,
  press,
  workerOf,
} from "./support/fleet_models.ts";
import { assertGolden, plainScreenOf, screenOf } from "./support/golden.tsx";

const FLEET: readonly InstanceAnswer[] = [
  answerOf("audit-tap", {
    status: "Failed",
    lastError: { code: "exited", message: "exit code 137, out of memory", retryable: true },
    restarts: 12,
    nextStartAt: agoText(-8_000),
    nextStartAttempt: 4,
  }),
  answerOf("cache-eu-west-1-primary-production", {
    status: "Running",
    labels: { team: "core" },
    configuration: { revision: 7, runningRevision: 6 },
  }),
  answerOf("geo-enrich", { status: "Running", worker: "w2" }),
  answerOf("orders-feed", { status: "Starting", health: "starting", worker: "w1" }),
  answerOf("stock-sync", { status: "Stopped", platform: "kubernetes" }),
  answerOf("日本語のサーバー", { status: "Created" }),
];
const WORKERS = [workerOf("w1"), workerOf("w2", { silent: true })];

const SIZES = [[80, 24], [120, 40], [200, 60], [60, 15], [40, 10]] as const;
for (const [columns, rows] of SIZES) {
  Deno.test(`the fleet at ${columns}×${rows} is as it was looked at`, () => {
    const model = modelWith(FLEET, { columns, rows, workers: WORKERS });
    assertGolden(`fleet_${columns}x${rows}`, plainScreenOf(model));
  });
}

Deno.test("an empty fleet shows what to press", () => {
  assertGolden("fleet_empty", plainScreenOf(modelWith([])));
});

Deno.test("the question before a delete names the targets and the effect, and Cancel is chosen", () => {
  assertGolden("confirm_delete", plainScreenOf(press(modelWith(FLEET), "space space space D")));
});

Deno.test("also where there is little room what is typed and the buttons are seen", () => {
  for (const [columns, rows] of [[60, 15], [50, 15], [50, 12]] as const) {
    const asking = press(modelWith(FLEET, { columns, rows }), "* D 6");
    const screen = plainScreenOf(asking);
    assert(screen.includes("Delete 6 instances?"), screen);
    assert(screen.includes("to go on: 6"), screen);
    assert(screen.includes("[ Delete ]"), screen);
  }
  assertGolden(
    "confirm_small",
    plainScreenOf(press(modelWith(FLEET, { columns: 60, rows: 15 }), "* D")),
  );
});

Deno.test("the palette lists what is of use now", () => {
  assertGolden("palette", plainScreenOf(press(modelWith(FLEET), "down :")));
  assertGolden("palette_narrowed", plainScreenOf(press(modelWith(FLEET), "down : r e")));
});

Deno.test("the help is made of the keymap, the present screen first", () => {
  assertGolden("help", plainScreenOf(press(modelWith(FLEET, { rows: 60 }), "?")));
});

Deno.test("the same as commands and as HTTP", () => {
  assertGolden("equivalents", plainScreenOf(press(modelWith(FLEET, { columns: 120 }), "down .")));
});

Deno.test("a control plane that is not heard leaves what is known, and says how old it is", () => {
  const error = new OperationalError("no_answer", "Nobody answers there.", true, "");
  const lost = { kind: "reconnecting" as const, since: NOON - 72_000, error };
  const model = after(modelWith(FLEET), [{ type: "availability", availability: lost }]);
  assertGolden("fleet_stale", plainScreenOf(model));
});

Deno.test("a filter being typed shows what it lets through", () => {
  assertGolden("filter_typing", plainScreenOf(press(modelWith(FLEET), "/ s t a t e : r u n")));
});

Deno.test("a terminal with ASCII alone gets nothing else, in the same columns", () => {
  const screen = plainScreenOf(modelWith(FLEET), {
    hasStyles: false,
    hasColor: false,
    hasUnicode: false,
  });
  assertGolden("fleet_ascii", screen);
  assert(/^[\n -~]*$/.test(screen), "only ASCII");
});

Deno.test("no line is wider than the terminal, whatever a name holds", () => {
  const names = [
    "x".repeat(200),
    "日本語".repeat(40),
    "\u001b[2J\u001b[H",
    "👨‍👩‍👧‍👦".repeat(9),
    "é".repeat(99),
    "\u202eabc",
    "שלום",
  ];
  const fleet = names.map((name, at) =>
    answerOf(`i${at}`, { name, status: "Running", worker: name })
  );
  for (const columns of [50, 60, 80, 120, 200]) {
    for (const over of ["", "* D", ":", "?"]) {
      const model = over === ""
        ? modelWith(fleet, { columns })
        : press(modelWith(fleet, { columns }), over);
      const lines = plainScreenOf(model).trimEnd().split("\n");
      assertEquals(lines.length, 23);
      for (const line of lines) assert(columnsOf(line) < columns, `${columnsOf(line)}: ${line}`);
      assert(!lines.join("").includes("\u001b"), "no escape sequence of a name");
    }
  }
});

Deno.test("keys fold into the screen without being asked twice", () => {
  const model = after(modelWith(FLEET), keys("j j j"));
  assert(screenOf(model).includes("> "), "the chosen row is marked");
});
