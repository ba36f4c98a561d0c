/** The only way to time: every module takes this port, so that a simulation can own the time. */

/** A clock and its timers. Production: `hostClock` in `adapters/host/`; simulation: virtual time. */
export interface Clock {
  /** Wall clock, epoch milliseconds; for display and for the embedded log's time stamps. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; the function that comes back cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

/** Resolves after `delayMs` on `clock`; resolves at once when `signal` is or gets aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
