/** The program that runs on the spoiled sources: goes through seeds until one of the invariants asked for is broken. */
import { type DrawOptions, drawPlan } from "../draw_plan.ts";
import { runPlan } from "../run_plan.ts";
import type { Violation } from "../run_result.ts";

export interface HuntOrder {
  draw: DrawOptions;
  /** The first seed and the last. */
  from: number;
  to: number;
  noticedBy: readonly string[];
}

/** What came of it; `seed` is null when nothing that counts was found. */
export interface Caught extends Violation {
  seed: number;
}
export interface HuntReport {
  caught: Caught | null;
  /** The first that does not count. */
  other: Caught | null;
  seeds: number;
}

async function hunt({ draw, from, to, noticedBy }: HuntOrder): Promise<HuntReport> {
  let other: Caught | null = null;
  for (let seed = from; seed <= to; seed++) {
    const { violation } = await runPlan(drawPlan(seed, draw));
    if (!violation) continue;
    const caught = { seed, ...violation };
    if (noticedBy.includes(violation.invariant)) return { caught, other, seeds: seed };
    other ??= caught;
  }
  return { caught: null, other, seeds: to };
}

if (import.meta.main) {
  const report = await hunt(JSON.parse(Deno.args[0]!));
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(report)));
  // What lives on in the broken world is of no interest.
  Deno.exit(0);
}
