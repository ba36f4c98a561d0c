/** What pods use, asked of the cluster's metrics now and then while somebody wants to know. */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { RunMetrics } from "../../events/metrics.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { ClusterApi } from "./cluster_api.ts";

/** A metrics server looks at pods each 15 s; more often there is nothing new. */
const LOOK_EVERY_MS = 10_000;
/** A cluster without metrics may get them. */
const LOOK_AGAIN_MS = 300_000;

export class RunUsage {
  #nextLookAt = -Infinity;
  #isLooking = false;
  #found: readonly RunMetrics[] | undefined;
  /** By run: seconds of CPU, put together from its shares, since the cluster does not count them. */
  readonly #spent = new Map<string, { cpuSeconds: number; at: number }>();

  constructor(
    private readonly api: ClusterApi,
    private readonly clock: Clock,
    private readonly selector: string,
  ) {}

  /** What was found since the last call; begins to look anew where that is some time ago. */
  latest(live: readonly RuntimeInfo[]): readonly RunMetrics[] | undefined {
    const now = this.clock.monotonic();
    if (!this.#isLooking && now >= this.#nextLookAt && live.length > 0) void this.#look([...live]);
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  async #look(live: readonly RuntimeInfo[]): Promise<void> {
    this.#isLooking = true;
    try {
      const used = await this.api.usage(this.selector);
      this.#nextLookAt = this.clock.monotonic() + (used ? LOOK_EVERY_MS : LOOK_AGAIN_MS);
      const runIds = new Map(live.map(({ podName, runId }) => [podName, runId]));
      this.#found = used?.flatMap(({ pod, cpuShare, memoryBytes }) => {
        const runId = runIds.get(pod);
        if (runId === undefined) return [];
        const cpuSeconds = this.#spend(runId, cpuShare);
        return [{ runId, cpuShare, cpuSeconds, memoryBytes, openFiles: null, processes: null }];
      });
      const kept = new Set(runIds.values());
      for (const runId of this.#spent.keys()) if (!kept.has(runId)) this.#spent.delete(runId);
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      this.#nextLookAt = this.clock.monotonic() + LOOK_EVERY_MS;
    } finally {
      this.#isLooking = false;
    }
  }

  #spend(runId: string, cpuShare: number): number {
    const at = this.clock.monotonic();
    const before = this.#spent.get(runId) ?? { cpuSeconds: 0, at };
    const cpuSeconds = before.cpuSeconds + cpuShare * (at - before.at) / 1_000;
    this.#spent.set(runId, { cpuSeconds, at });
    return cpuSeconds;
  }
}
