/** When a request is sent again by itself: only where that is safe, and never without end. Pure. */
import { NoAnswer, RemoteProblem } from "./remote_problem.ts";

/**
 * What a second sending of a request does. `keyed`: gives the first answer, by its Idempotency-Key; `idempotent`: no more
 * than the first; `once`: perhaps something else, so only what never arrived or was not done is sent again.
 */
export type Repetition = "keyed" | "idempotent" | "once";

/** So often a request is sent. */
export const ATTEMPTS_MAX = 5;
const BASE_MS = 150;
const CAP_MS = 2_000;
/** A longer Retry-After is for people. */
export const RETRY_AFTER_MAX_MS = 10_000;

/**
 * How long to wait before the next attempt; null: there is none.
 * @param attempt how often it was sent, from 1
 * @param fraction chance in [0, 1), so that many clients do not come back at once
 */
export function retryDelayMs(
  error: unknown,
  attempt: number,
  repetition: Repetition,
  fraction: number,
): number | null {
  if (attempt >= ATTEMPTS_MAX) return null;
  if (error instanceof RemoteProblem) return asAnswered(error, repetition);
  if (!(error instanceof NoAnswer) || error.code === "no_answer") return null;
  if (error.code === "answer_lost" && repetition === "once") return null;
  return backoffMs(attempt, fraction);
}

/** From half to all of a time that doubles. */
export function backoffMs(attempt: number, fraction: number): number {
  return Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1)) * (0.5 + fraction / 2);
}

/** The control plane says itself that it did nothing and when to come back; or, of a lost write, that it may be done. */
function asAnswered(
  { retryAfterMs, retryable, code }: RemoteProblem,
  repetition: Repetition,
): number | null {
  if (retryAfterMs === null || retryAfterMs > RETRY_AFTER_MAX_MS || !retryable) return null;
  return code === "log_indeterminate" && repetition === "once" ? null : retryAfterMs;
}
