/** How well a server is, by the probes so far: pure. */
import { type ComponentProblem, REASON_CHARACTERS_MAX } from "../events/health.ts";

/** What is known of one run. */
export interface HealthState {
  /** Null until enough probes have said the same. */
  health: "healthy" | "unhealthy" | null;
  cause: "liveness" | "components" | null;
  /** What the last probes found wrong; null for a healthy one. */
  reason: string | null;
  components: readonly ComponentProblem[];
  passesInARow: number;
  failuresInARow: number;
}

/** One probe. */
export type ProbeResult =
  | { problem: string }
  | { problem: null; components: readonly ComponentProblem[] };

/** So many in a row change what is known. */
export interface Thresholds {
  failures: number;
  successes: number;
}

/** Nothing is known yet. */
export const UNPROBED: Readonly<HealthState> = {
  health: null,
  cause: null,
  reason: null,
  components: [],
  passesInARow: 0,
  failuresInARow: 0,
};

/** What is known after one more probe. */
export function judgeHealth(
  before: HealthState,
  result: ProbeResult,
  { failures, successes }: Thresholds,
): HealthState {
  if (result.problem !== null) {
    const failed = {
      ...before,
      passesInARow: 0,
      failuresInARow: Math.min(before.failuresInARow + 1, failures),
    };
    if (failed.failuresInARow < failures) return failed;
    const { problem: reason } = result;
    return { ...failed, health: "unhealthy", cause: "liveness", reason, components: [] };
  }
  const passed = {
    ...before,
    failuresInARow: 0,
    passesInARow: Math.min(before.passesInARow + 1, successes),
  };
  if (passed.passesInARow < successes) return passed;
  const { components } = result;
  return components.length === 0
    ? { ...passed, health: "healthy", cause: null, reason: null, components }
    : {
      ...passed,
      health: "unhealthy",
      cause: "components",
      reason: components.map(described).join("; ").slice(0, REASON_CHARACTERS_MAX),
      components,
    };
}

function described({ kind, name, status, reason }: ComponentProblem): string {
  return `${kind} ${name} is in ${status}${reason === undefined ? "" : `: ${reason}`}`;
}
