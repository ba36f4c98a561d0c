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
/** The one it breaks when a promise of it is rejected and nobody looks at it. */
export const NOTHING_UNHANDLED = "each rejection is handled";

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

/**
 * Runs a plan. An exception, and a rejection that nobody handles, is a violation like others, so that it is shrunk and
 * told too; without this the latter would end the whole thread.
 */
export async function runGuarded(runPlan: Simulation["runPlan"], plan: Plan): Promise<RunResult> {
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", note);
  try {
    const result = await runPlan(plan);
    // What nobody handles is told at the end of a turn of the loop.
    await new Promise((resolve) => setTimeout(resolve));
    const [error] = unhandled;
    if (unhandled.length === 0 || result.violation !== null) return result;
    return { ...result, violation: { invariant: NOTHING_UNHANDLED, found: stackOf(error) } };
  } catch (error) {
    return {
      violation: { invariant: NO_EXCEPTION, found: stackOf(error) },
      story: [],
      // Not the stack: it ends with who called.
      digest: String(error),
      requests: 0,
      faults: 0,
      events: 0,
      coverage: new Set(),
    };
  } finally {
    removeEventListener("unhandledrejection", note);
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
