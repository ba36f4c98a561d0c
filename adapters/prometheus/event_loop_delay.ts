/** How late a node's timers are: for so long its one thread was busy with something else. */
import type { Clock } from "../../events/clock.ts";

const SAMPLE_EVERY_MS = 500;

/** Tells `heard` each sample, milliseconds, until the function that comes back is called. */
export function watchEventLoop(clock: Clock, heard: (delayMs: number) => void): () => void {
  let cancel = () => {};
  const sample = () => {
    const due = clock.monotonic() + SAMPLE_EVERY_MS;
    cancel = clock.after(SAMPLE_EVERY_MS, () => {
      heard(Math.max(0, clock.monotonic() - due));
      sample();
    });
  };
  sample();
  return () => cancel();
}
