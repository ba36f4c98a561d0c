/** What all seeds came to together, in this run and, with a file to resume from, in those before it. */
import { mergedRanges, type SeedRange, seedsIn, withSeed } from "./seed_ranges.ts";
import { hasHeld, type SeedReport } from "./seed_report.ts";

/** Sums; plain data, as it is kept in a file. */
export interface Totals {
  /** The seeds that held, merged. One that did not is not done. */
  done: readonly SeedRange[];
  requests: number;
  faults: number;
  events: number;
  /** Of real time, with all shards at once. */
  seconds: number;
  coverage: readonly string[];
}

export const NO_TOTALS: Totals = {
  done: [],
  requests: 0,
  faults: 0,
  events: 0,
  seconds: 0,
  coverage: [],
};

/** Counts reports of seeds, on top of what was counted before. */
export class Tally {
  private done: readonly SeedRange[];
  private readonly coverage: Set<string>;
  private requests: number;
  private faults: number;
  private events: number;
  private failed: SeedReport[] = [];
  /** Of this run alone. */
  seeds = 0;

  constructor(private readonly before: Totals = NO_TOTALS) {
    this.done = mergedRanges(before.done);
    this.coverage = new Set(before.coverage);
    this.requests = before.requests;
    this.faults = before.faults;
    this.events = before.events;
  }

  add(report: SeedReport): void {
    this.seeds += 1;
    this.requests += report.requests;
    this.faults += report.faults;
    this.events += report.events;
    for (const name of report.coverage) this.coverage.add(name);
    if (hasHeld(report)) this.done = withSeed(this.done, report.seed);
    else this.failed.push(report);
  }

  /** The seeds that did not hold, ascending. */
  get failures(): readonly SeedReport[] {
    return this.failed.toSorted((a, b) => a.seed - b.seed);
  }

  /** How many seeds were run, now and before. */
  get seedsEver(): number {
    return seedsIn(this.done) + this.failed.length;
  }

  /** @param seconds how long this run has taken so far */
  totals(seconds: number): Totals {
    return {
      done: this.done,
      requests: this.requests,
      faults: this.faults,
      events: this.events,
      seconds: this.before.seconds + seconds,
      coverage: [...this.coverage].sort(),
    };
  }
}
