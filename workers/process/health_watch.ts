/** Asks the live servers of this site how they are, again and again, also those that it found when it began. */
import { sleep } from "../../events/clock.ts";
import { type HealthReport, REASON_CHARACTERS_MAX, type StartStep } from "../../events/health.ts";
import { type HealthState, judgeHealth, type ProbeResult, UNPROBED } from "../health_judgement.ts";
import type { StartSpec } from "../platform.ts";
import type { LivenessPlan } from "../templates/probe_plan.ts";
import { componentsInError } from "../component_probe.ts";
import type { WatchedRun } from "./exit_watch.ts";
import { maskOfRun } from "./hidden_secrets.ts";
import type { ProbeRecord } from "./probe_record.ts";
import { withLimit } from "../network_probe.ts";
import { probeOnce, type ProbeTools } from "./probes.ts";
import { redacted } from "../redaction.ts";

/** Probes under way at once: a worker that finds a thousand servers must not ask them all in one moment. */
const PROBES_AT_ONCE = 32;
/** Of the last probes of a run, so many are remembered. */
const REMEMBERED = 5;
const PROBLEM_CHARACTERS_MAX = 300;
/** A probe that took longer than its limit and this was held up by this process: it says nothing of the server. */
const OWN_DELAY_MS = 2_000;

interface Followed {
  record: ProbeRecord;
  /** Set once it is asked for its liveness. */
  probing: AbortController | null;
}

export interface HealthWatchParts extends ProbeTools {
  onHealth(report: HealthReport): void;
}

export class HealthWatch {
  readonly #parts: HealthWatchParts;
  /** By run. */
  readonly #runs = new Map<string, Followed>();
  readonly #closing = new AbortController();
  readonly #waiting: (() => void)[] = [];
  #free = PROBES_AT_ONCE;

  constructor(parts: HealthWatchParts) {
    this.#parts = parts;
  }

  /** What the probes of a run have said; null for one that nobody has asked anything. */
  recordOf(runId: string): ProbeRecord | null {
    return this.#runs.get(runId)?.record ?? null;
  }

  /** Whether it is asked for its liveness already. */
  isFollowing(runId: string): boolean {
    return this.#runs.get(runId)?.probing != null;
  }

  /** Tells where a start is; a step with the time at which it began. */
  tellStart(spec: StartSpec, step: StartStep, since: number, problem: string | null): void {
    this.#parts.onHealth({
      instanceId: spec.instanceId,
      runId: spec.runId,
      runGeneration: spec.fence.generation,
      health: "starting",
      start: { step, since },
      ...toldReason(problem),
    });
  }

  /** Asks once; what came of it is remembered, and told without the run's secrets. */
  async askReadiness(
    watched: WatchedRun,
    ask: () => Promise<string | null>,
  ): Promise<string | null> {
    const said = await ask();
    const problem = said === null ? null : await this.#masked(watched, said);
    this.#note(this.#followed(watched), "readiness", problem);
    return problem;
  }

  /** It did not become ready in time. */
  giveUp(watched: WatchedRun): void {
    this.#followed(watched).record.isFailed = true;
  }

  /** Asks a server from now on, until it ends; one that is followed already is left at that. */
  follow(watched: WatchedRun, plan: LivenessPlan | null): void {
    if (plan === null || this.#closing.signal.aborted) return;
    const followed = this.#followed(watched);
    if (followed.probing) return;
    followed.probing = new AbortController();
    void this.#probeOn(watched, plan, followed, followed.probing.signal);
  }

  close(): void {
    this.#closing.abort();
    for (const { probing } of this.#runs.values()) probing?.abort();
    this.#runs.clear();
    for (const go of this.#waiting.splice(0)) go();
  }

  #followed(watched: WatchedRun): Followed {
    const { runId } = watched.run;
    const known = this.#runs.get(runId);
    if (known) return known;
    const followed: Followed = { record: { results: [], isFailed: false }, probing: null };
    this.#runs.set(runId, followed);
    void watched.ended.then(() => {
      followed.probing?.abort();
      this.#runs.delete(runId);
    });
    return followed;
  }

  async #probeOn(
    watched: WatchedRun,
    plan: LivenessPlan,
    followed: Followed,
    signal: AbortSignal,
  ): Promise<void> {
    let state: HealthState = UNPROBED;
    while (!signal.aborted) {
      const result = await this.#ask(watched, plan, signal);
      if (signal.aborted) return;
      // Whoever ends it knows why it does not answer any more.
      if (result !== null && watched.stop === null) {
        this.#note(followed, "liveness", result.problem);
        state = judgeHealth(state, result, plan);
        followed.record.isFailed = state.cause === "liveness";
        if (state.health !== null) this.#tell(watched, state);
      }
      await sleep(this.#parts.clock, plan.intervalMs, signal);
    }
  }

  /** Null where this process itself was held up. */
  async #ask(
    watched: WatchedRun,
    plan: LivenessPlan,
    signal: AbortSignal,
  ): Promise<ProbeResult | null> {
    const { clock } = this.#parts;
    await this.#enter();
    try {
      const began = clock.monotonic();
      const problem = await probeOnce(this.#parts, plan.probe, plan.timeoutMs, signal);
      if (clock.monotonic() - began > plan.timeoutMs + OWN_DELAY_MS) return null;
      if (problem !== null) return { problem: await this.#masked(watched, problem) };
      return await this.#askComponents(watched, plan, signal);
    } finally {
      this.#leave();
    }
  }

  async #askComponents(
    watched: WatchedRun,
    { components: asked, timeoutMs }: LivenessPlan,
    signal: AbortSignal,
  ): Promise<ProbeResult> {
    if (asked === null) return { problem: null, components: [] };
    const mask = await maskOfRun(watched.folder, watched.run.runId);
    const found = await withLimit(
      this.#parts.clock,
      timeoutMs,
      signal,
      (limit) => componentsInError(asked.url, limit, mask),
    );
    return "problem" in found
      ? { problem: mask(found.problem) }
      : { problem: null, components: found.components };
  }

  async #masked({ folder, run }: WatchedRun, problem: string): Promise<string> {
    return (await maskOfRun(folder, run.runId))(problem);
  }

  #tell({ folder, run }: WatchedRun, { health, cause, reason, components }: HealthState): void {
    this.#parts.onHealth({
      instanceId: folder.instanceId,
      runId: run.runId,
      runGeneration: run.generation,
      health: health!,
      ...(cause === null ? {} : { cause }),
      ...toldReason(reason),
      ...(components.length === 0 ? {} : { components: [...components] }),
    });
  }

  #note({ record }: Followed, kind: "readiness" | "liveness", problem: string | null): void {
    const told = problem === null ? null : redacted(problem).slice(0, PROBLEM_CHARACTERS_MAX);
    const last = record.results.at(-1);
    // While a start waits it is asked five times a second, and hears the same.
    if (last?.kind === kind && last.problem === told) record.results.pop();
    record.results.push({ at: this.#parts.clock.now(), kind, problem: told });
    if (record.results.length > REMEMBERED) record.results.shift();
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) return void this.#free--;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

function toldReason(problem: string | null): { reason?: string } {
  return problem === null ? {} : { reason: redacted(problem).slice(0, REASON_CHARACTERS_MAX) };
}
