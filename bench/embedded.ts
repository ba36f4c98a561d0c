/**
 * The embedded node's figures, beside what they are measured against, in one run: ratios where there is something to
 * be compared with, since times of one host say little about another. It never fails on time.
 *
 *     deno task bench [--json] [--only ask|process|machine|memory|recovery]
 */
import { askFigures } from "./ask_figures.ts";
import { runBenchmarks } from "./bench_program.ts";
import { machineFigures, memoryFigures } from "./machine_figures.ts";
import { processFigures } from "./process_figures.ts";
import { recoveryFigures } from "./recovery_figures.ts";

const BENCHMARKS = {
  ask: askFigures,
  process: processFigures,
  machine: machineFigures,
  memory: memoryFigures,
  recovery: recoveryFigures,
};

const HOST = {
  durability: "SQLite WAL, synchronous=FULL: every answer is on the disk before it is given",
  disk: "disk class unknown; all folders on one",
};

if (import.meta.main) Deno.exit(await runBenchmarks(BENCHMARKS, HOST, Deno.args));
