/** What a run over many seeds came to: lines for people, or one object for programs. */
import { type Coverage, coverageLines, SEEDS_FOR_ALL } from "./coverage.ts";
import type { FailedSeed } from "./failed_seed.ts";
import { amount, durationText, rateText } from "./progress.ts";
import { rangesText, seedsIn } from "./seed_ranges.ts";
import { EXIT } from "./surroundings.ts";
import type { Totals } from "./tally.ts";

export interface Summary {
  /** Of this run. */
  seeds: number;
  seconds: number;
  /** Of this run and those before it that it resumed. */
  totals: Totals;
  /** How many seeds that is, with those that failed. */
  seedsEver: number;
  coverage: Coverage;
  failures: readonly FailedSeed[];
  isInterrupted: boolean;
}

/** The lines at the end; the stories of what failed come before. */
export function summaryLines(summary: Summary): string[] {
  const { seeds, seconds, totals, seedsEver, coverage, failures, isInterrupted } = summary;
  const isResumed = seedsEver > seeds;
  return [
    ...(failures.length > 1 ? ["Seeds that failed", ...failures.map(failureLine), ""] : []),
    ...(isInterrupted ? ["interrupted"] : []),
    `ran       ${amount(seeds)} seeds in ${durationText(seconds)}, ${rateText(seeds, seconds)}`,
    ...(isResumed
      ? [
        `ever      ${amount(seedsEver)} seeds in ${durationText(totals.seconds)}, ` +
        `${rateText(seedsEver, totals.seconds)}: ${rangesText(totals.done)}`,
      ]
      : []),
    `came to   ${amount(totals.events)} events, ${amount(totals.requests)} requests, ` +
    `${amount(totals.faults)} faults`,
    ...coverageLines(coverage, seedsEver),
    verdictLine(summary),
  ];
}

/** The same as data. */
export function summaryData(summary: Summary): Record<string, unknown> {
  const { seeds, seconds, totals, seedsEver, coverage, failures, isInterrupted } = summary;
  return {
    seeds,
    seconds: round(seconds),
    seedsPerSecond: round(seconds > 0 ? seeds / seconds : 0),
    ever: {
      seeds: seedsEver,
      held: seedsIn(totals.done),
      ranges: totals.done,
      seconds: round(totals.seconds),
      events: totals.events,
      requests: totals.requests,
      faults: totals.faults,
    },
    coverage: { ...coverage, reached: totals.coverage },
    failures: failures.map(({ lines: _, ...failure }) => failure),
    isInterrupted,
    exitCode: exitCodeOf(summary),
  };
}

/** See the help. */
export function exitCodeOf({ failures, coverage, seedsEver, isInterrupted }: Summary): number {
  if (failures.length > 0 || hasMissed({ coverage, seedsEver })) return EXIT.broken;
  return isInterrupted ? EXIT.interrupted : EXIT.held;
}

function verdictLine(summary: Summary): string {
  const [first] = summary.failures;
  if (first) return `FAILED    ${failureLine(first)}`;
  if (!hasMissed(summary)) return "held      every invariant in every seed";
  return "FAILED    every invariant held, but not all was reached that must be";
}

function hasMissed({ coverage, seedsEver }: Pick<Summary, "coverage" | "seedsEver">): boolean {
  return seedsEver >= SEEDS_FOR_ALL && coverage.neverReached.length > 0;
}

function failureLine({ seed, invariant, command }: FailedSeed): string {
  return `seed ${seed}: ${invariant ?? "NOT DETERMINISTIC"}  (${command})`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
