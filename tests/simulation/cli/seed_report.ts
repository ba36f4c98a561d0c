/** One seed: its plan is drawn and run, and what came of it is put so that it can travel between threads. */
import type { FaultKind, Plan, Shape } from "../plan.ts";
import type { RunResult, Violation } from "../run_result.ts";

/** What is simulated: the two halves of a seed. */
export interface Simulation {
  drawPlan(seed: number, selection?: Selection): Plan;
  runPlan(plan: Plan): Promise<RunResult>;
}

/** Which part of all plans is drawn from; empty: everything. */
export interface Selection {
  faults?: readonly FaultKind[];
  form?: Shape["form"];
}

/** What a seed came to, without its story: whoever wants that runs it again. */
export interface SeedReport {
  seed: number;
  violation: Violation | null;
  digest: string;
  /** False when it was run twice and the two runs differ. */
  isDeterministic: boolean;
  requests: number;
  faults: number;
  events: number;
  coverage: readonly string[];
}

/** The invariant that a run breaks which throws. */
export const NO_EXCEPTION = "a run throws nothing";

/** Each so many seeds one is run twice. */
const SEEDS_PER_SECOND_RUN = 100;

/** Draws and runs a seed; one in a hundred twice, to see that it comes to the same. */
export async function runSeed(
  simulation: Simulation,
  seed: number,
  selection: Selection,
): Promise<SeedReport> {
  const once = () => runGuarded(simulation.runPlan, simulation.drawPlan(seed, selection));
  const { violation, digest, requests, faults, events, coverage } = await once();
  const isDeterministic = seed % SEEDS_PER_SECOND_RUN !== 1 || (await once()).digest === digest;
  return {
    seed,
    violation,
    digest,
    isDeterministic,
    requests,
    faults,
    events,
    coverage: [...coverage],
  };
}

/** Whether nothing speaks against a seed. */
export function hasHeld({ violation, isDeterministic }: SeedReport): boolean {
  return violation === null && isDeterministic;
}

/** Runs a plan; an exception is a violation like others, so that it is shrunk and told too. */
export async function runGuarded(runPlan: Simulation["runPlan"], plan: Plan): Promise<RunResult> {
  try {
    return await runPlan(plan);
  } catch (error) {
    const lines = error instanceof Error ? (error.stack ?? error.message).split("\n") : [];
    const found = lines[0] ?? String(error);
    return {
      violation: { invariant: NO_EXCEPTION, found },
      story: ["the run threw:", ...(lines.length > 0 ? lines : [found])],
      digest: found,
      requests: 0,
      faults: 0,
      events: 0,
      coverage: new Set(),
    };
  }
}
