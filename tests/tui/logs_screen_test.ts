/** The screen of logs as it is drawn; each screen was looked at once and is kept. */
import { after, press } from "./support/fleet_models.ts";
import { assertGolden, plainScreenOf } from "./support/golden.tsx";
import { logsOf, numbered, printed } from "./support/log_models.ts";

const LINES = [
  printed("orders-feed", ["run 4 begins"], { stream: "marker" }),
  printed("orders-feed", ["listening on 8080", "query daily-orders is ready"], { from: 1 }),
  printed("orders-feed", ["source orders-db: connection refused, trying again in 2 s"], {
    from: 3,
    stream: "stderr",
  }),
  printed("orders-feed", [`GET /queries 200 ${"0123456789".repeat(12)}`], { from: 4 }),
];

for (const [columns, rows] of [[80, 24], [120, 40]] as const) {
  const size = { columns, rows };
  Deno.test(`logs at ${columns}×${rows} are as they were looked at`, () => {
    assertGolden(`logs_${columns}x${rows}`, plainScreenOf(logsOf(["orders-feed"], LINES, size)));
  });

  Deno.test(`logs of several with a search, wrapped, with times, at ${columns}×${rows}`, () => {
    const actions = [
      ...LINES,
      printed("stock-sync", numbered(40, 1), { from: 2 }),
    ];
    const model = press(logsOf(["orders-feed", "stock-sync"], actions, size), "w t / 2 0 enter");
    assertGolden(`logs_several_${columns}x${rows}`, plainScreenOf(model));
  });
}

Deno.test("logs held still count what is below", () => {
  const held = press(logsOf(["orders-feed"], LINES), "f");
  const model = after(held, [printed("orders-feed", numbered(12), { from: 5 })]);
  assertGolden("logs_held", plainScreenOf(model));
});

Deno.test("logs of nothing say how one comes to some", () => {
  assertGolden("logs_none", plainScreenOf(press(logsOf(["orders-feed"]), "esc 6")));
});
