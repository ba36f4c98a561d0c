/** Seeds on several threads at once: each takes the next one from a common counter when it is done with its last. */
import { hasHeld, type SeedReport, type Selection } from "./seed_report.ts";

/** One thread that runs a seed at a time. */
export interface Shard {
  run(seed: number): Promise<SeedReport>;
  close(): void;
}

/** What a shard's thread is sent. */
export interface SeedOrder {
  seed: number;
  selection: Selection;
}

export interface SeedLimits {
  /** Asked before each seed: whether the time is over, or somebody wants an end. */
  isOver(): boolean;
  /** Goes on after a seed that did not hold. */
  keepGoing: boolean;
  onReport(report: SeedReport): void;
}

/** The invariant that a seed breaks which does not come to an end. */
export const ENDS = "a run comes to its end";

/**
 * Runs `seeds`, which ascend. After the first that does not hold, what is in work is finished: all lower seeds are
 * among it, so that the lowest that fails is found however many shards there are.
 */
export async function runSeeds(
  shards: readonly Shard[],
  seeds: Iterator<number>,
  limits: SeedLimits,
): Promise<void> {
  let hasFailed = false;
  const work = async (shard: Shard) => {
    while (!limits.isOver() && (!hasFailed || limits.keepGoing)) {
      const { value: seed, done } = seeds.next();
      if (done) return;
      const report = await shard.run(seed);
      hasFailed ||= !hasHeld(report);
      limits.onReport(report);
    }
  };
  await Promise.all(shards.map(work));
}

/**
 * A thread of its own (a worker needs no further permission and starts in some 20 ms). A seed that takes longer than
 * `secondsMax` does not hold, and its thread is given up.
 */
export function openShard(module: URL, selection: Selection, secondsMax: number): Shard {
  let worker: Worker | null = null;
  const close = () => {
    worker?.terminate();
    worker = null;
  };
  const run = (seed: number) =>
    new Promise<SeedReport>((resolve, reject) => {
      worker ??= new Worker(module, { type: "module" });
      const giveUp = setTimeout(() => {
        close();
        resolve(endless(seed, secondsMax));
      }, secondsMax * 1_000);
      worker.onmessage = ({ data }: MessageEvent<SeedReport>) => {
        clearTimeout(giveUp);
        resolve(data);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        clearTimeout(giveUp);
        reject(new Error(`the thread that ran seed ${seed} ended: ${event.message}`));
      };
      worker.postMessage({ seed, selection } satisfies SeedOrder);
    });
  return { run, close };
}

function endless(seed: number, secondsMax: number): SeedReport {
  return {
    seed,
    violation: { invariant: ENDS, found: `no end after ${secondsMax} s` },
    digest: "",
    isDeterministic: true,
    requests: 0,
    faults: 0,
    events: 0,
    coverage: [],
  };
}
