/** Metrics as they travel: short, bounded, and nothing of what does not fit the schema. */
import { assert, assertEquals } from "@std/assert";
import {
  METRICS_CHARACTERS_MAX,
  METRICS_RUNS_MAX,
  metricsOf,
  metricsText,
} from "../../events/metrics.ts";

const sample = {
  cpuShare: 0.003,
  cpuSeconds: 1_234.56,
  memoryBytes: 123_456_789,
  openFiles: 12,
  processes: 3,
};
const runs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...sample,
    runId: `51e4b038-f05c-b38c-c4f1-${String(index).padStart(12, "0")}`,
  }));

Deno.test("what is told is read as it was", () => {
  const told = [...runs(2), { ...sample, runId: "r", openFiles: null }];
  assertEquals(metricsOf(metricsText(told)), told);
  assertEquals(metricsOf(metricsText([])), []);
});

Deno.test("a thousand runs take less than 80 KiB, and more than the most are not told", () => {
  assert(metricsText(runs(1_000)).length < 80 * 1_024);
  const text = metricsText(runs(METRICS_RUNS_MAX + 500));
  assert(text.length <= METRICS_CHARACTERS_MAX);
  assertEquals(metricsOf(text), runs(METRICS_RUNS_MAX));
  const long = runs(METRICS_RUNS_MAX).map((run) => ({ ...run, runId: run.runId.repeat(3) }));
  assert(metricsText(long).length <= METRICS_CHARACTERS_MAX);
  assert(metricsOf(metricsText(long)).length < METRICS_RUNS_MAX);
});

Deno.test("of what another worker writes that is not of the form nothing is shown", () => {
  for (
    const text of ["", "no JSON", "{}", "[[1,2]]", '[["r",-1,0,0,0,0]]', '[["r",0,0,0,0,0.5]]']
  ) {
    assertEquals(metricsOf(text), [], text);
  }
});
