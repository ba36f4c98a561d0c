/** The host's own clock and timers behind the `Clock` port. */
import type { Clock } from "../../events/clock.ts";

/** Node and browsers fire timers beyond this at once; a longer wait is taken in steps. */
const TIMER_MAX_MS = 2_147_483_647;

/** Real time. */
export const hostClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, run) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (leftMs: number) => {
      timer = setTimeout(
        () => leftMs > TIMER_MAX_MS ? wait(leftMs - TIMER_MAX_MS) : run(),
        Math.min(leftMs, TIMER_MAX_MS),
      );
    };
    wait(Math.max(0, delayMs));
    return () => clearTimeout(timer);
  },
};
