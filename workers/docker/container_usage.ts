/** What containers use of their host, looked at now and then while somebody asks. */
import type { Clock } from "../../events/clock.ts";
import type { RunMetrics } from "../../events/metrics.ts";
import { sideBySide } from "../side_by_side.ts";
import type { EngineTalk, UsageSample } from "./container_engine.ts";

const LOOK_EVERY_MS = 5_000;
/** The daemon reads the files of each container anew. */
const LOOKS_AT_ONCE = 8;

/** A live run, as it is asked for. */
export interface UsedRun {
  runId: string;
  containerId: string;
}

interface Before {
  cpuSeconds: number;
  at: number;
}

export class ContainerUsage {
  readonly #before = new Map<string, Before>();
  #lookedAt = -Infinity;
  #isLooking = false;
  /** Undefined once they were given. */
  #found: readonly RunMetrics[] | undefined;

  constructor(private readonly talk: EngineTalk, private readonly clock: Clock) {}

  /** What was found since the last call; begins to look anew where that is some time ago. */
  latest(live: readonly UsedRun[]): readonly RunMetrics[] | undefined {
    if (!this.#isLooking && this.clock.monotonic() - this.#lookedAt >= LOOK_EVERY_MS) {
      void this.#look(live);
    }
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  async #look(live: readonly UsedRun[]): Promise<void> {
    this.#isLooking = true;
    this.#lookedAt = this.clock.monotonic();
    const found: RunMetrics[] = [];
    const kept = new Set(live.map(({ runId }) => runId));
    await sideBySide(live, LOOKS_AT_ONCE, async ({ runId, containerId }) => {
      // One that ends just now, or whose daemon is away, is left out.
      const sample = await this.talk.usage(containerId).catch(() => null);
      if (sample) found.push(this.#metricsOf(runId, sample));
    });
    for (const runId of this.#before.keys()) if (!kept.has(runId)) this.#before.delete(runId);
    this.#found = found;
    this.#isLooking = false;
  }

  #metricsOf(runId: string, { cpuSeconds, memoryBytes, processes }: UsageSample): RunMetrics {
    const at = this.clock.monotonic();
    const before = this.#before.get(runId);
    this.#before.set(runId, { cpuSeconds, at });
    const used = before ? cpuSeconds - before.cpuSeconds : 0;
    const cpuShare = before && at > before.at ? Math.max(0, used * 1_000 / (at - before.at)) : 0;
    return { runId, cpuShare, cpuSeconds, memoryBytes, openFiles: null, processes };
  }
}
