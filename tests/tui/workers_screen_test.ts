/** The screen of workers as it is drawn; each was looked at once and is kept. */
import { assert } from "@std/assert";
import { columnsOf } from "../../tui/terminal_text.ts";
import { answerOf, modelWith, press } from "./support/fleet_models.ts";
import { assertGolden, plainScreenOf } from "./support/golden.tsx";
import { FLEET_OF_WORKERS, WORKERS } from "./support/worker_fleet.ts";
import { workerOf } from "./support/fleet_models.ts";

for (const [columns, rows] of [[80, 24], [120, 40], [60, 15]] as const) {
  Deno.test(`the workers at ${columns}×${rows} are as they were looked at`, () => {
    const model = modelWith(FLEET_OF_WORKERS, { columns, rows, workers: WORKERS });
    assertGolden(`workers_${columns}x${rows}`, plainScreenOf(press(model, "2 j")));
  });
}

Deno.test("the question before a drain names what the worker has and what happens to it", () => {
  const model = modelWith(FLEET_OF_WORKERS, { workers: WORKERS });
  assertGolden("worker_drain", plainScreenOf(press(model, "2 j a")));
});

Deno.test("the question before a worker is forgotten wants its id typed", () => {
  const model = modelWith(FLEET_OF_WORKERS, { workers: WORKERS });
  assertGolden("worker_forget", plainScreenOf(press(model, "2 j F")));
});

Deno.test("where no worker has registered it is said how to start one", () => {
  const screen = plainScreenOf(press(modelWith([], { workers: [] }), "2"));
  assert(screen.includes("deno task worker:process"), screen);
});

Deno.test("no line is wider than the terminal, whatever a worker is called", () => {
  const names = ["x".repeat(200), "日本語".repeat(40), "\u001b[2J\u001b[H", "\u202eabc"];
  const workers = names.map((name) =>
    workerOf(name, { site: name, platform: name, labels: { [name]: name }, version: name })
  );
  const fleet = names.map((worker, at) => answerOf(`i${at}`, { status: "Running", worker }));
  for (const columns of [50, 60, 80, 120, 200]) {
    for (const over of ["2", "2 j", "2 j a", "2 j j F"]) {
      const screen = plainScreenOf(press(modelWith(fleet, { columns, workers }), over));
      const lines = screen.trimEnd().split("\n");
      assert(lines.length < 24, `${lines.length} lines`);
      for (const line of lines) assert(columnsOf(line) < columns, `${columns}: ${line}`);
      // deno-lint-ignore no-control-regex -- none of these may reach a terminal
      assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(screen), "nothing raw");
    }
  }
});
