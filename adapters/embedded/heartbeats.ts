/** When each worker was last heard, and how busy it was: in memory only, since a write each second is worth nothing. */
import type { RunMetrics, WorkerMetrics } from "../../events/metrics.ts";
import type { WorkerRow } from "./tables.ts";

export class Heartbeats {
  readonly #metrics = new Map<string, WorkerMetrics>();
  readonly #beats = new Map<string, { incarnation: string; at: number; busy: number }>();

  beat(worker: WorkerRow, at: number, busy: number): void {
    this.#beats.set(worker.workerId, { incarnation: worker.incarnation, at, busy });
  }

  /** It was heard otherwise than by a beat, which also says how busy it is. */
  hear(worker: WorkerRow, at: number): void {
    this.beat(worker, at, this.busy(worker));
  }

  /** It said how its runs do. */
  tell({ workerId }: WorkerRow, at: number, runs: readonly RunMetrics[]): void {
    this.#metrics.set(workerId, { workerId, at, runs });
  }

  /** What it said last of that. */
  metrics(workerId: string): WorkerMetrics | undefined {
    return this.#metrics.get(workerId);
  }

  /** Epoch milliseconds; its registration counts as a beat. */
  at(worker: WorkerRow): number {
    return Math.max(worker.registeredAt, this.#of(worker)?.at ?? 0);
  }

  /** Slots in use as it last said. */
  busy(worker: WorkerRow): number {
    return this.#of(worker)?.busy ?? 0;
  }

  #of(worker: WorkerRow): { at: number; busy: number } | undefined {
    const beat = this.#beats.get(worker.workerId);
    return beat?.incarnation === worker.incarnation ? beat : undefined;
  }
}
