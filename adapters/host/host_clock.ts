/** The host's own clock and timers behind the `Clock` port. */
import type { Clock } from "../../events/clock.ts";

/** Timers beyond this fire at once; a longer wait is taken in steps. */
const TIMER_MAX_MS = 2_147_483_647;

/**
 * A wall clock that goes forward with the host's, and never back: when the host's clock is set back, it goes on at
 * the pace of the monotonic clock. Deadlines and times in the log stay in order. Design §4 rule 1.
 *
 * @param wall epoch milliseconds; @param monotonic milliseconds that never go back
 */
export function steadyWall(wall: () => number, monotonic: () => number): {
  now: () => number;
  /** Makes the clock at least this late: after a restart, the log's newest event may be ahead of the host's clock. */
  neverBefore: (epochMs: number) => void;
} {
  let offset = wall() - monotonic();
  return {
    now() {
      offset = Math.max(offset, wall() - monotonic());
      return Math.floor(offset + monotonic());
    },
    neverBefore(epochMs) {
      offset = Math.max(offset, epochMs - monotonic());
    },
  };
}

const steady = steadyWall(() => Date.now(), () => performance.now());

/** Real time. */
export const hostClock: Clock & { neverBefore(epochMs: number): void } = {
  now: steady.now,
  neverBefore: steady.neverBefore,
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
