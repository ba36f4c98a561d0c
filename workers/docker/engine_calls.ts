/** Asks a Docker daemon, and waits for each answer only so long: one that hangs must not hold an instance for ever. */
import type { Clock } from "../../events/clock.ts";
import type { OperationalError } from "../../events/errors.ts";
import { durationText } from "../exit_description.ts";
import { withLimit } from "../network_probe.ts";
import type { DockerWay } from "./docker_way.ts";
import { engineError, silentError, statusOf, wayError } from "./engine_failure.ts";

/** For an answer, or for the begin of a stream. */
const ANSWER_WITHIN_MS = 30_000;
/** For what changes something: disks and networks take part in that. */
export const CHANGE_WITHIN_MS = 120_000;

/** How one call is asked. */
export interface Asking<U> {
  /** What these statuses are answered with. */
  instead?: Readonly<Record<number, U>>;
  withinMs?: number;
  /** Breaks it off. */
  signal?: AbortSignal;
}

export class EngineCalls {
  /** @param way what brings us to the daemon, and knows why it does not; null: nothing between */
  constructor(
    private readonly address: string,
    private readonly clock: Clock,
    private readonly way: DockerWay | null = null,
  ) {}

  /**
   * What `call` gives. Its signal is to be given to the client: it is aborted when nobody waits any more.
   * @throws {OperationalError} `docker_unreachable`, `docker_refused`
   */
  async answer<T, U = never>(
    call: (signal: AbortSignal) => Promise<T>,
    { instead = {}, withinMs = ANSWER_WITHIN_MS, signal = NEVER }: Asking<U> = {},
  ): Promise<T | U> {
    try {
      return await withLimit(this.clock, withinMs, signal, (limit) => {
        const { promise: over, reject } = Promise.withResolvers<never>();
        const end = () =>
          reject(
            signal.aborted
              ? new Error("it was broken off")
              : silentError(this.address, durationText(withinMs)),
          );
        limit.addEventListener("abort", end, { once: true });
        if (limit.aborted) end();
        return Promise.race([over, call(limit)]);
      });
    } catch (error) {
      const status = statusOf(error);
      if (status !== null && status in instead) return instead[status]!;
      throw this.wayError(error) ?? engineError(error, this.address);
    }
  }

  /** What is on the way to the daemon, where `error` is none of its answers; null: nothing that is known. */
  wayError(error: unknown): OperationalError | null {
    const failure = this.way?.failure() ?? null;
    return failure && wayError(error, this.address, failure);
  }

  /** The same; null where `signal` breaks it off before there is an answer. */
  async answerUnless<T, U = never>(
    signal: AbortSignal,
    call: (signal: AbortSignal) => Promise<T>,
    asking: Asking<U> = {},
  ): Promise<T | U | null> {
    try {
      return await this.answer(call, { ...asking, signal });
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    }
  }
}

const NEVER: AbortSignal = new AbortController().signal;
