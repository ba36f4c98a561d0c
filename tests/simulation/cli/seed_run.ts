/** Runs many seeds: what was done before is passed over, what fails is looked into, and all is summed up. */
import { mustReach } from "../must_reach.ts";
import { coverageOf } from "./coverage.ts";
import { type FailedSeed, listed, lookInto } from "./failed_seed.ts";
import type { Options } from "./options.ts";
import { ProgressLine, seedLine } from "./progress.ts";
import { resumeFrom, resumeText } from "./resume_file.ts";
import { seedsIn, seedsOutside } from "./seed_ranges.ts";
import { runSeeds } from "./shards.ts";
import { exitCodeOf, type Summary, summaryData, summaryLines } from "./summary.ts";
import { EXIT, type Surroundings } from "./surroundings.ts";
import { NO_TOTALS, Tally, type Totals } from "./tally.ts";

const SAVE_SECONDS = 10;
/** With `--keep-going`: each takes up to `--shrink-seconds`, and the first ones tell most; the others are listed. */
const FAILURES_TOLD_MAX = 5;

/** The exit code. */
export async function runManySeeds(options: Options, around: Surroundings): Promise<number> {
  const { resume, selection, seconds: secondsMax } = options;
  const source = resume === null ? "" : await around.sourceDigest();
  const before = resume === null ? NO_TOTALS : totalsIn(resume, source, options, around);
  if (before === null) return EXIT.misused;
  const beganAt = around.screen.now();
  const secondsGone = () => (around.screen.now() - beganAt) / 1_000;
  const tally = new Tally(before);
  let savedAt = 0;
  const save = () => {
    if (resume === null) return;
    savedAt = secondsGone();
    around.files.write(resume, resumeText(tally.totals(savedAt), source, selection));
  };
  await runOn(tally, before, options, around, {
    secondsGone,
    isOver: () => around.isInterrupted() || secondsGone() >= secondsMax,
    onReport: () => {
      if (secondsGone() - savedAt >= SAVE_SECONDS) save();
    },
  });
  const seconds = secondsGone();
  save();
  return await sumUp(tally, seconds, options, around);
}

async function sumUp(tally: Tally, seconds: number, options: Options, around: Surroundings) {
  const { selection, keepGoing, json } = options;
  const failures: FailedSeed[] = [];
  // Without `--keep-going` others may have failed while the first was in work; it is the lowest that counts.
  for (const report of keepGoing ? tally.failures : tally.failures.slice(0, 1)) {
    const isTold = failures.length < FAILURES_TOLD_MAX;
    failures.push(isTold ? await lookInto(report, options, around) : listed(report, options));
  }
  const totals = tally.totals(seconds);
  const must = mustReach(selection.form ?? null, selection.faults ?? null);
  const summary: Summary = {
    seeds: tally.seeds,
    seconds,
    totals,
    seedsEver: tally.seedsEver,
    coverage: coverageOf(new Set(totals.coverage), must),
    failures,
    isInterrupted: around.isInterrupted(),
  };
  const stories = failures.slice(0, FAILURES_TOLD_MAX).flatMap(({ lines }) => [...lines, ""]);
  around.say(
    json ? JSON.stringify(summaryData(summary)) : [...stories, ...summaryLines(summary)].join("\n"),
  );
  return exitCodeOf(summary);
}

interface RunLimits {
  secondsGone(): number;
  isOver(): boolean;
  onReport(): void;
}

async function runOn(
  tally: Tally,
  before: Totals,
  options: Options,
  { screen, openShards, cores }: Surroundings,
  { secondsGone, isOver, onReport }: RunLimits,
): Promise<void> {
  const line = new ProgressLine(screen);
  const shards = openShards(Math.min(options.jobs ?? cores, options.seeds), options.selection);
  const show = (columns: number) => {
    const progress = {
      seeds: tally.seeds,
      seedsOf: options.seeds,
      seconds: secondsGone(),
      secondsOf: options.seconds,
      events: tally.totals(0).events - before.events,
      violations: tally.failures.length,
    };
    return seedLine(progress, columns, screen.hasColor);
  };
  try {
    await runSeeds(shards, seedsOutside(before.done, options.from, options.seeds), {
      isOver,
      keepGoing: options.keepGoing,
      onReport: (report) => {
        tally.add(report);
        line.show(show);
        onReport();
      },
    });
  } finally {
    line.clear();
    for (const shard of shards) shard.close();
  }
}

/** What a file to resume from gives; null: it must not be written over. */
function totalsIn(
  path: string,
  source: string,
  { selection, json }: Options,
  { files, say, screen }: Surroundings,
): Totals | null {
  const resumed = resumeFrom(files.read(path), source, selection);
  const tell = json ? (text: string) => screen.write(`${text}\n`) : say;
  switch (resumed.kind) {
    case "refused":
      screen.write(`${path} cannot be resumed: ${resumed.why}\n`);
      return null;
    case "anew":
      tell(`${path}: begins anew, since ${resumed.why}`);
      return resumed.totals;
    case "resumed":
      tell(`${path}: goes on after ${seedsIn(resumed.totals.done)} seeds`);
      return resumed.totals;
  }
}
