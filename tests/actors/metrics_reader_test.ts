/** What a node answers of metrics: from the bus, at most once a second, and the last known while that is away. */
import { assertEquals, assertRejects } from "@std/assert";
import { MetricsReader } from "../../actors/metrics_reader.ts";
import { OperationalError } from "../../events/errors.ts";
import type { WorkerMetrics } from "../../events/metrics.ts";
import { ManualClock } from "../adapters/manual_clock.ts";

const run = { cpuShare: 0, cpuSeconds: 1, memoryBytes: 2, openFiles: 3, processes: 1 };
const told = (workerId: string, runId: string, at: number): WorkerMetrics => ({
  workerId,
  at,
  runs: [{ ...run, runId }],
});

function world() {
  const clock = new ManualClock();
  const asked: string[][] = [];
  let answer: () => WorkerMetrics[] = () => [];
  const reader = new MetricsReader({
    clock,
    bus: {
      metrics: async (workerIds) => {
        asked.push([...workerIds]);
        return answer();
      },
    },
  });
  return { clock, asked, reader, answers: (next: () => WorkerMetrics[]) => void (answer = next) };
}

Deno.test("the bus is asked once a second for each worker, whoever asks how often", async () => {
  const { clock, asked, reader, answers } = world();
  answers(() => [told("w1", "r-1", 10)]);
  const first = await reader.read(["w1", "w1"]);
  assertEquals([...first], [["r-1", { ...run, runId: "r-1", sampledAt: 10 }]]);
  assertEquals(await reader.read(["w1"]), first);
  await reader.read(["w1", "w2"]);
  await clock.advance(1_000);
  answers(() => [told("w1", "r-2", 20)]);
  assertEquals([...(await reader.read(["w1"])).keys()], ["r-2"]);
  assertEquals(asked, [["w1"], ["w2"], ["w1"]]);
});

Deno.test("while the bus is away the last that was told is shown with its time; a bug is not hidden", async () => {
  const { clock, reader, answers } = world();
  answers(() => [told("w1", "r-1", 10)]);
  await reader.read(["w1"]);
  await clock.advance(5_000);
  answers(() => {
    throw new OperationalError("log_unavailable", "it is away", true, "Wait.");
  });
  assertEquals((await reader.read(["w1"])).get("r-1")?.sampledAt, 10);
  assertEquals((await reader.read(["w9"])).size, 0);
  answers(() => {
    throw new Error("a bug");
  });
  await assertRejects(() => reader.read(["w1"]), Error, "a bug");
});
