/** Surroundings for the tests of the task: a simulation that breaks where a test says, files in memory, a clock that counts. */
import type { FaultStep, Plan, RequestStep, Step } from "../plan.ts";
import type { RunResult } from "../run_result.ts";
import { runSeed } from "./seed_report.ts";
import type { Surroundings } from "./surroundings.ts";

/** A request; `instance` and time tell it from others. */
export function request(atMs: number, change: Partial<RequestStep> = {}): RequestStep {
  const rest = { timeoutMs: 10_000, wait: true, key: null };
  const whose = { user: 0, node: 0, instance: 0 };
  return { kind: "request", atMs, ...whose, request: { type: "start" }, ...rest, ...change };
}

/** A fault. */
export function fault(atMs: number, change: Partial<FaultStep> = {}): FaultStep {
  return { kind: "node-killed", atMs, target: 0, durationMs: 1_000, ...change };
}

/** A plan of these steps. */
export function planOf(steps: readonly Step[], change: Partial<Plan> = {}): Plan {
  const kinds = steps.flatMap(({ kind }) => kind === "request" || kind === "read" ? [] : [kind]);
  return {
    seed: 7,
    shape: { form: "redis", nodes: 3, hosts: 2, fsync: "everysec", busyMs: 60_000 },
    faults: [...new Set(kinds)],
    steps: [...steps].sort((a, b) => a.atMs - b.atMs),
    ...change,
  };
}

/** A run in which all held. */
export function resultOf(change: Partial<RunResult> = {}): RunResult {
  return {
    violation: null,
    story: ["0 begins", "1500 ends"],
    digest: "same",
    requests: 200,
    faults: 20,
    events: 900,
    coverage: new Set(["Running × CommandAccepted"]),
    ...change,
  };
}

export interface StandIn extends Surroundings {
  said: string[];
  progress: string[];
  texts: Map<string, string>;
  ran: number[];
  isInterrupted(): boolean;
}

/** Each seed is one request at its own number of milliseconds; `results` says what it comes to. */
export function standIn(
  results: (seed: number) => Partial<RunResult>,
  change: Partial<Surroundings> = {},
): StandIn {
  const said: string[] = [];
  const progress: string[] = [];
  const texts = new Map<string, string>();
  const ran: number[] = [];
  let now = 0;
  const simulation = {
    drawPlan: (seed: number) => planOf([request(seed), fault(seed + 1)], { seed }),
    runPlan: async ({ seed }: Plan) => resultOf(results(seed)),
  };
  const run = async (seed: number) => {
    ran.push(seed);
    now += 100;
    return await runSeed(simulation, seed, {});
  };
  return {
    simulation,
    openShards: (jobs) => Array.from({ length: jobs }, () => ({ run, close() {} })),
    cores: 2,
    sourceDigest: async () => "source-1",
    files: {
      read: (path) => texts.get(path) ?? null,
      write: (path, text) => void texts.set(path, text),
    },
    say: (text) => void said.push(text),
    screen: {
      columns: null,
      hasColor: false,
      write: (text) => void progress.push(text),
      now: () => now,
    },
    isInterrupted: () => false,
    said,
    progress,
    texts,
    ran,
    ...change,
  };
}
