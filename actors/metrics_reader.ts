/** How runs do, by what their workers told last: read from the bus when somebody looks, and kept for a moment. */
import type { Clock } from "../events/clock.ts";
import type { CommandBus } from "../events/command_bus.ts";
import { OperationalError } from "../events/errors.ts";
import type { WorkerMetrics } from "../events/metrics.ts";
import type { MetricsOfRuns } from "./system_port.ts";

/** Workers tell every few seconds; a client that looks more often is answered from here. */
const KEPT_MS = 1_000;

interface Kept {
  /** By the monotonic clock. */
  at: number;
  told: WorkerMetrics | null;
}

export class MetricsReader {
  /** By worker: as many as there are. */
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly parts: { bus: Pick<CommandBus, "metrics">; clock: Clock }) {}

  /** By run. What cannot be asked for now is told as it was last, which its time shows. */
  async read(workerIds: readonly string[]): Promise<MetricsOfRuns> {
    const now = this.parts.clock.monotonic();
    const asked = [...new Set(workerIds)];
    const old = asked.filter((id) => now - (this.kept.get(id)?.at ?? -Infinity) >= KEPT_MS);
    if (old.length > 0) {
      try {
        const told = await this.parts.bus.metrics(old);
        for (const id of old) {
          this.kept.set(id, { at: now, told: told.find((one) => one.workerId === id) ?? null });
        }
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
      }
    }
    const found: MetricsOfRuns = new Map();
    for (const id of asked) {
      const told = this.kept.get(id)?.told;
      for (const run of told?.runs ?? []) found.set(run.runId, { ...run, sampledAt: told!.at });
    }
    return found;
  }
}
