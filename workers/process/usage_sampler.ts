/** Samples what the live runs use, every few seconds and only while there are any: from `/proc`, through one `sh`. */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { RunMetrics } from "../../events/metrics.ts";
import type { Capsule } from "../../events/runtime_info.ts";
import script from "./process_usage.sh" with { type: "text" };
import {
  keyOf,
  parseStats,
  type RootOf,
  runsOf,
  type Tallied,
  usageOf,
  type UsedBy,
} from "./process_usage.ts";
import { ShellAnswers } from "./shell_answers.ts";
import { parseMarks } from "./shell_process_table.ts";

/** A whole host's processes are read at once, so that a thousand servers cost little more than one. */
export const SAMPLE_EVERY_MS = 5_000;
/** Processes whose marks are read in one sample; the rest waits for the next. */
const MARKS_AT_ONCE = 2_000;
/** The kernel's own threads descend from this one. */
const KERNEL_THREADS = 2;

/** What one run used, oldest first; the last minutes of it. */
export type UsageCurve = NonNullable<Capsule["resources"]>;

/** Samples of one run that are remembered. */
const CURVE_LENGTH = 30;

export interface UsageParts {
  clock: Clock;
  /** The host's `PATH`. */
  path: string;
  roots(): readonly RootOf[];
}

export class UsageSampler {
  readonly #shell: ShellAnswers;
  /** Runs of processes that no parent and no session tells of; null: of none. By `keyOf`. */
  #known = new Map<string, string | null>();
  #before = new Map<string, Tallied>();
  readonly #curves = new Map<string, UsageCurve>();
  #pageBytes: number | null = null;
  #begunAt = -Infinity;
  #fresh: readonly RunMetrics[] | undefined;
  #isClosed = false;
  #sampling: Promise<void> = Promise.resolve();

  constructor(private readonly parts: UsageParts) {
    const { clock, path } = parts;
    this.#shell = new ShellAnswers(
      clock,
      { script, name: "draas-process-usage", argument: "", path },
      shellLost,
    );
  }

  /** The sample that was not given yet, if there is one; begins the next when it is time. */
  take(): readonly RunMetrics[] | undefined {
    const now = this.parts.clock.monotonic();
    if (now - this.#begunAt >= SAMPLE_EVERY_MS && !this.#isClosed) {
      this.#begunAt = now;
      const roots = this.parts.roots();
      if (roots.length > 0 || this.#before.size > 0) {
        this.#sampling = this.#sampling.then(async () => {
          this.#fresh = await this.sample(roots);
        }).catch((error) => {
          // It is for display: the next one tries again.
          if (!(error instanceof OperationalError)) throw error;
        });
      }
    }
    const fresh = this.#fresh;
    this.#fresh = undefined;
    return fresh;
  }

  /** Looks once, now. */
  async sample(roots: readonly RootOf[]): Promise<RunMetrics[]> {
    const pageBytes = this.#pageBytes ??= Number((await this.#shell.ask("page"))[0] ?? 4_096);
    const processes = parseStats(await this.#shell.ask("stats"));
    const at = this.parts.clock.monotonic();
    await this.#judge(processes, roots);
    const runs = runsOf(processes, roots, this.#known);
    const openFiles = await this.#openFiles([...runs.keys()]);
    const members = Map.groupBy(
      [...runs.keys()].map((pid) => processes.get(pid)!),
      ({ pid }) => runs.get(pid)!,
    );
    const before = this.#before;
    this.#before = new Map();
    const live = new Set(roots.map(({ runId }) => runId));
    for (const runId of this.#curves.keys()) if (!live.has(runId)) this.#curves.delete(runId);
    return roots.flatMap(({ runId }) => {
      const own = members.get(runId);
      if (!own) return [];
      const usage = usageOf(runId, own, openFiles, pageBytes, at, before.get(runId));
      this.#before.set(runId, { at, cpuSeconds: usage.cpuSeconds });
      this.#remember(usage);
      return [usage];
    });
  }

  /** What a run has used up to now; empty for one that was not sampled. */
  curveOf(runId: string): UsageCurve {
    return this.#curves.get(runId) ?? [];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#shell.close();
  }

  #remember({ runId, cpuShare, memoryBytes }: RunMetrics): void {
    const sample = {
      at: this.parts.clock.now(),
      cpuPercent: Math.round(cpuShare * 100),
      memoryBytes,
    };
    this.#curves.set(runId, [...this.curveOf(runId), sample].slice(-CURVE_LENGTH));
  }

  /** Finds by their marks the processes that left their server's session and parent: each is looked at once in its life. */
  async #judge(processes: ReadonlyMap<number, UsedBy>, roots: readonly RootOf[]): Promise<void> {
    const known = new Map<string, string | null>();
    for (const process of processes.values()) {
      const run = this.#known.get(keyOf(process));
      if (run !== undefined) known.set(keyOf(process), run);
    }
    this.#known = known;
    const told = runsOf(processes, roots, known);
    const strangers = [...processes.values()].filter((process) =>
      !told.has(process.pid) && !known.has(keyOf(process)) &&
      process.pid !== KERNEL_THREADS && process.parent !== KERNEL_THREADS
    ).slice(0, MARKS_AT_ONCE);
    if (strangers.length === 0) return;
    for (const process of strangers) known.set(keyOf(process), null);
    const lines = await this.#shell.ask(`marks ${strangers.map(({ pid }) => pid).join(" ")}`);
    for (const { pid, runId, isShim } of parseMarks(lines)) {
      const process = processes.get(pid);
      if (process && !isShim && runId !== "") known.set(keyOf(process), runId);
    }
  }

  async #openFiles(pids: readonly number[]): Promise<Map<number, number>> {
    if (pids.length === 0) return new Map();
    const lines = await this.#shell.ask(`files ${pids.join(" ")}`);
    return new Map(lines.map((line) => line.split(" ").map(Number) as [number, number]));
  }
}

function shellLost(): OperationalError {
  return new OperationalError(
    "process_table_lost",
    "the shell that looks at what processes use ended",
    true,
    "Try again; if it persists, check that sh and grep are on the worker's PATH.",
  );
}
