/** The side of a thread: runs the seeds that it is sent, and answers with what they came to. */
import { runSeed, type SeedReport, type Simulation } from "./seed_report.ts";
import type { SeedOrder } from "./shards.ts";

interface Port {
  onmessage: ((event: MessageEvent<SeedOrder>) => void) | null;
  postMessage(report: SeedReport): void;
}

/** Answers each order with one report. */
export function serveShard(simulation: Simulation, port: Port): void {
  port.onmessage = async ({ data: { seed, selection } }) => {
    port.postMessage(await runSeed(simulation, seed, selection));
  };
}
