/** When a server that ended by itself is started again: pure arithmetic over the policy and the recorded history. */
import type { RestartPolicy } from "../events/specification.ts";
import type { Unjudged } from "./facts.ts";

/** What the policy says of an end that nobody asked for. */
export type Verdict =
  | { kind: "leave" }
  /** Start again after a delay drawn from [0, `delayMaxMs`). */
  | { kind: "restart"; attempt: number; delayMaxMs: number }
  /** Too many starts within the window. */
  | { kind: "crash-loop"; starts: number };

/**
 * The policy's judgement. `attempts` counts its tries since the last steady run, `recentStarts` are their times;
 * `at` is when the run ended or was found unhealthy, epoch milliseconds.
 */
export function judge(
  policy: RestartPolicy,
  ended: Unjudged,
  attempts: number,
  recentStarts: readonly number[],
  at: number,
): Verdict {
  if (!startsAgain(policy, ended)) return { kind: "leave" };
  const starts = recentStarts.filter((time) => time > at - policy.windowMs).length;
  if (starts >= policy.maxStarts) return { kind: "crash-loop", starts };
  const attempt = ended.ranForMs >= policy.resetAfterMs && ended.ranForMs > 0 ? 0 : attempts;
  return { kind: "restart", attempt, delayMaxMs: backOffMaxMs(policy, attempt) };
}

/** A rule for the very exit code comes first, then the mode. */
function startsAgain({ mode, exitCodes }: RestartPolicy, { exit }: Unjudged): boolean {
  const code = exit?.code ?? null;
  const rule = code === null ? undefined : exitCodes?.[code];
  if (rule !== undefined) return rule === "always";
  return mode === "always" || (mode === "on-failure" && code !== 0);
}

/** Beyond this many tries the delay grows no more; larger powers would leave the finite numbers. */
const ATTEMPTS_COUNTED = 100;

/** The longest delay before try `attempt`: it grows by the factor and never passes the cap. */
export function backOffMaxMs(policy: RestartPolicy, attempt: number): number {
  return Math.min(
    policy.capMs,
    policy.baseMs * policy.factor ** Math.min(attempt, ATTEMPTS_COUNTED),
  );
}
