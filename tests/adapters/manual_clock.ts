/** A clock that only a test moves on. */
import type { Clock } from "../../events/clock.ts";

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

export class ManualClock implements Clock {
  #ms = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(private readonly startedAt = 1_700_000_000_000) {}

  now(): number {
    return this.startedAt + this.#ms;
  }

  monotonic(): number {
    return this.#ms;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#ms + delayMs, order: this.#order++, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Lets `ms` pass; what becomes due runs in order, and what that causes runs before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.#ms + ms;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.at - b.at || a.order - b.order);
      if (!next || next.at > until) break;
      this.#timers.delete(next);
      this.#ms = Math.max(this.#ms, next.at);
      next.run();
      await settled();
    }
    this.#ms = until;
    await settled();
  }
}

/** Lets everything run that waits for a turn of the event loop only. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
