/** The screen of one instance as it is drawn; each screen was looked at once and is kept. */
import { after, modelWith, press } from "./support/fleet_models.ts";
import { assertGolden, plainScreenOf } from "./support/golden.tsx";
import { DRIFTING, FAILED } from "./support/instance_answers.ts";

for (const [columns, rows] of [[80, 24], [120, 40]] as const) {
  const size = { columns, rows };
  Deno.test(`a failed instance at ${columns}×${rows} is as it was looked at`, () => {
    const model = press(modelWith([FAILED], size), "enter");
    assertGolden(`instance_failed_${columns}x${rows}`, plainScreenOf(model));
  });

  Deno.test(`an instance with drift at ${columns}×${rows} is as it was looked at`, () => {
    const patch = [{ op: "replace", path: "/port", value: 9090 }];
    const model = after(press(modelWith([DRIFTING], size), "enter"), [{
      type: "answered",
      slot: "instance.difference",
      answer: { kind: "difference", value: { from: 6, to: 7, patch } },
    }]);
    assertGolden(`instance_drift_${columns}x${rows}`, plainScreenOf(model));
  });
}

Deno.test("why an instance is as it is, as it was looked at", () => {
  const steps = [
    { at: "2026-01-01T11:59:00.000Z", version: 8, kind: "request", text: "start, by anna" },
    { at: "2026-01-01T11:59:48.000Z", version: 9, kind: "exit", text: "exit code 137" },
  ];
  const model = after(press(modelWith([FAILED]), "enter W"), [{
    type: "answered",
    slot: "instance.why",
    answer: {
      kind: "why",
      value: {
        id: "audit-tap",
        status: "Failed",
        summary: "It failed: exit code 137, out of memory.",
        steps,
        next: [{ at: "2026-01-01T12:00:08.000Z", kind: "start", text: "attempt 4" }],
      },
    },
  }]);
  assertGolden("instance_why", plainScreenOf(model));
});
