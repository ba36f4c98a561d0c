/** Waits for a Redis that is away for a moment when a program begins, says so, and gives up after a while. */
import type { Clock } from "../events/clock.ts";
import { sleep } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { Voice } from "./voice.ts";

const TRY_EVERY_MS = 500;
const TELL_EVERY_MS = 5_000;

/** What waiting needs. */
export interface RedisWait {
  clock: Clock;
  voice: Voice;
  waitMs: number;
}

/**
 * What `open` gives, tried again while it fails for a passing reason.
 * @throws {OperationalError} what `open` failed with at last
 */
export async function whenRedisAnswers<T>(
  { clock, voice, waitMs }: RedisWait,
  open: () => Promise<T>,
): Promise<T> {
  const begin = clock.monotonic();
  let toldAt = -Infinity;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof OperationalError) || !error.retryable) throw error;
      const leftMs = begin + waitMs - clock.monotonic();
      if (leftMs <= 0) throw gaveUp(error, waitMs);
      if (clock.monotonic() - toldAt >= TELL_EVERY_MS) {
        toldAt = clock.monotonic();
        const hint = `Waiting for it, ${Math.ceil(leftMs / 1_000)} s more …`;
        voice.tell("warn", error.message, { hint, code: error.code });
      }
      await sleep(clock, Math.min(TRY_EVERY_MS, leftMs));
    }
  }
}

function gaveUp(error: OperationalError, waitMs: number): OperationalError {
  const waited = waitMs === 0 ? "" : ` It was waited for ${waitMs / 1_000} s (--redis-wait).`;
  return new OperationalError(error.code, `${error.message}${waited}`, true, error.hint, {
    cause: error,
  });
}
