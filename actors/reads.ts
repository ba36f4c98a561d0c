/** Asks of the log that change nothing, repeated while that can help and the caller still waits. Design §6. */
import { ExponentialBackoff } from "cockatiel";
import type { Clock } from "../events/clock.ts";
import { sleep } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { LogAvailability } from "../events/event_log.ts";
import type { Randomness } from "../events/ids.ts";

export interface ReadParts {
  clock: Clock;
  randomness: Randomness;
  availability: LogAvailability;
}

const TRIES_MAX = 6;
const FIRST_DELAY_MS = 20;
const DELAY_MAX_MS = 500;
/** For reads that nobody has put a limit to. */
const LIMIT_MS = 2_000;

export class Reads {
  private readonly backoff: ExponentialBackoff<number>;

  constructor(private readonly parts: ReadParts) {
    this.backoff = new ExponentialBackoff<number>({
      initialDelay: FIRST_DELAY_MS,
      maxDelay: DELAY_MAX_MS,
      // Full jitter, drawn from the port: nodes that failed together do not come back together.
      generator: (tries, { initialDelay, maxDelay }) => {
        const longest = Math.min(maxDelay, initialDelay * 2 ** (tries ?? 0));
        return [parts.randomness.fraction() * longest, (tries ?? 0) + 1];
      },
    });
  }

  /**
   * The answer of `read`, tried again after failures that may pass, never beyond `deadline` (monotonic), and not while
   * the log is known to be away.
   * @throws {OperationalError} the last failure
   */
  run<T>(read: () => Promise<T>, deadline?: number): Promise<T> {
    return this.repeat(read, deadline, false);
  }

  /**
   * As `run`, but waits also for a log that is away: for what its caller has no other way to know.
   * @throws {OperationalError} the last failure
   */
  settle<T>(read: () => Promise<T>, deadline?: number): Promise<T> {
    return this.repeat(read, deadline, true);
  }

  private async repeat<T>(
    read: () => Promise<T>,
    deadline: number | undefined,
    waitsForLog: boolean,
  ): Promise<T> {
    const { clock, availability } = this.parts;
    const until = deadline ?? clock.monotonic() + LIMIT_MS;
    let delay = this.backoff.next();
    for (let tries = 0;;) {
      try {
        return await read();
      } catch (error) {
        const isAway = availability.away() !== null;
        if (!isAway) tries++;
        const mayPass = isPassing(error) && (waitsForLog || !isAway);
        if (!mayPass || tries === TRIES_MAX) throw error;
        if (clock.monotonic() + delay.duration >= until) throw error;
        await sleep(clock, delay.duration);
        delay = delay.next(undefined);
      }
    }
  }
}

/** For what changes nothing an answer that was lost is a failure like others. */
function isPassing(error: unknown): boolean {
  return error instanceof OperationalError &&
    (error.retryable || error.code === "log_indeterminate");
}
