/** What of the health of servers is told to the log, and when. Design §4 rule 13. */
import { assert, assertEquals } from "@std/assert";
import type { HealthReport } from "../../events/health.ts";
import { HealthReports } from "../../workers/health_reports.ts";
import { ManualClock } from "../adapters/manual_clock.ts";

interface Told {
  clock: ManualClock;
  reports: HealthReports;
  /** With the time of each. */
  told: [at: number, health: string][];
  isAway: boolean;
  tries: number;
}

function opened(): Told {
  const clock = new ManualClock();
  const begun = clock.monotonic();
  const on: Told = {
    clock,
    told: [],
    isAway: false,
    tries: 0,
    reports: new HealthReports({
      clock,
      send: (report) => {
        on.tries++;
        if (on.isAway) return Promise.resolve(false);
        on.told.push([clock.monotonic() - begun, report.health]);
        return Promise.resolve(true);
      },
    }),
  };
  return on;
}

const report = (
  health: HealthReport["health"],
  more: Partial<HealthReport> = {},
): HealthReport => ({
  instanceId: "a",
  runId: "r1",
  runGeneration: 1,
  health,
  ...more,
});

/** Hears the same again and again, as a prober tells it. */
async function hears(on: Told, each: HealthReport, times: number, everyMs: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    on.reports.hear(each);
    await on.clock.advance(everyMs);
  }
}

Deno.test("only what is new is told, a second after the first word at the earliest", async () => {
  const on = opened();
  await hears(on, report("healthy"), 50, 100);
  assertEquals(on.told, [[1_000, "healthy"]]);
});

Deno.test("two reports about one instance are a second apart; what comes and goes in between is never told", async () => {
  const on = opened();
  await hears(on, report("healthy"), 11, 100);
  await hears(on, report("unhealthy", { reason: "x" }), 3, 100);
  await hears(on, report("healthy"), 20, 100);
  assertEquals(on.told.length, 1);
  await hears(on, report("unhealthy", { reason: "y" }), 1, 100);
  await hears(on, report("unhealthy", { reason: "z" }), 15, 100);
  const times = on.told.map(([at]) => at);
  assertEquals(on.told.map(([, health]) => health), ["healthy", "unhealthy", "unhealthy"]);
  assert(times.every((at, index) => index === 0 || at - times[index - 1]! >= 1_000), times.join());
});

Deno.test("another run of the instance keeps the distance, too", async () => {
  const on = opened();
  await hears(on, report("healthy"), 11, 100);
  await hears(on, report("healthy", { runId: "r2" }), 12, 100);
  const [first, second] = on.told.map(([at]) => at);
  assertEquals(on.told.length, 2);
  assert(second! - first! >= 1_000);
});

Deno.test("an unhealthy server is told of again each minute, a healthy one never", async () => {
  const on = opened();
  await hears(on, report("unhealthy"), 300, 1_000);
  assertEquals(on.told.length, 5);
  const well = opened();
  await hears(well, report("healthy"), 300, 1_000);
  assertEquals(well.told.length, 1);
});

Deno.test("a start that takes long is told of less and less often, and one that is quick not at all", async () => {
  const on = opened();
  for (let second = 0; second < 120; second++) {
    await hears(on, report("starting", { reason: `try ${second}` }), 1, 1_000);
  }
  assert(on.told.length >= 5 && on.told.length <= 9, String(on.told.length));
  const quick = opened();
  await hears(quick, report("starting"), 8, 100);
  await hears(quick, report("healthy"), 20, 100);
  assertEquals(quick.told.map(([, health]) => health), ["healthy"]);
});

Deno.test("what could not be told is told when it can, as it is by then", async () => {
  const on = opened();
  on.isAway = true;
  await hears(on, report("healthy"), 30, 100);
  await hears(on, report("unhealthy"), 30, 100);
  on.isAway = false;
  await on.clock.advance(30_000);
  assertEquals(on.told.map(([, health]) => health), ["unhealthy"]);
});

Deno.test("what the log does not take is offered ever less often", async () => {
  const on = opened();
  on.isAway = true;
  await hears(on, report("healthy"), 600, 1_000);
  assert(on.tries >= 20 && on.tries <= 26, `${on.tries} tries`);
});

Deno.test("a log that knows nothing is told anew; after the end nothing is told", async () => {
  const on = opened();
  await hears(on, report("healthy"), 20, 100);
  on.reports.begin();
  await hears(on, report("healthy"), 20, 100);
  assertEquals(on.told.length, 2);
  on.reports.hear(report("unhealthy"));
  on.reports.close();
  await on.clock.advance(5_000);
  assertEquals(on.told.length, 2);
});

Deno.test("what is the same in other words is told of less and less often, a change at once", async () => {
  const on = opened();
  for (let second = 0; second < 300; second++) {
    on.reports.hear(report("unhealthy", { cause: "liveness", reason: `try ${second} failed` }));
    await on.clock.advance(1_000);
  }
  assert(on.told.length <= 16, `${on.told.length} were told in 300 s`);
  const before = on.told.length;
  on.reports.hear(report("healthy"));
  await on.clock.advance(1_000);
  assertEquals(on.told.slice(before).map(([, health]) => health), ["healthy"]);
});
