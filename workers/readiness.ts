/** Waits until a new server is ready. */
import { type Clock, sleep } from "../events/clock.ts";

const PAUSE_MS_FIRST = 10;
const PAUSE_MS_MAX = 200;
/** One try may take so long. */
export const ANSWER_WITHIN_MS = 2_000;

/**
 * The probe's outcome: null when the server is ready, otherwise what was last wrong.
 * @param problemNow asks once: null when it is ready
 */
export async function waitUntilReady(
  { withinMs }: { withinMs: number },
  clock: Clock,
  signal: AbortSignal,
  problemNow: () => Promise<string | null>,
): Promise<string | null> {
  const end = clock.monotonic() + withinMs;
  let pauseMs = PAUSE_MS_FIRST;
  let problem = "was not asked";
  while (!signal.aborted) {
    const found = await problemNow();
    if (found === null) return null;
    // A probe that was cut off says nothing; the one before it does.
    if (!signal.aborted) problem = found;
    const leftMs = end - clock.monotonic();
    if (leftMs <= 0) break;
    await sleep(clock, Math.min(pauseMs, leftMs), signal);
    pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
  }
  return problem;
}
