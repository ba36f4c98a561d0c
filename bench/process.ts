/**
 * The process worker's figures: a start and a stop beside the operating system's own, a thousand programs under one
 * worker, and the same work done by supervisord in the same run. About two minutes. It never fails on time.
 *
 *     deno task bench:process [--json] [--only start|fleet|supervisord]
 */
import { runBenchmarks } from "./bench_program.ts";
import { fleetFigures } from "./process_fleet_figures.ts";
import { processFigures } from "./process_figures.ts";
import { supervisordFigures } from "./supervisord_figures.ts";

const BENCHMARKS = {
  start: processFigures,
  fleet: fleetFigures,
  supervisord: supervisordFigures,
};

const HOST = { disk: "disk class unknown; all folders on one" };

if (import.meta.main) Deno.exit(await runBenchmarks(BENCHMARKS, HOST, Deno.args));
