/** What starts come to on every platform, in the same words. Pure. */
import { OperationalError } from "../events/errors.ts";
import { type HealthReport, REASON_CHARACTERS_MAX, type StartStep } from "../events/health.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Failure, StartOutcome, StartSpec } from "./platform.ts";

export const STALE: Failure = {
  code: "stale_generation",
  message: "A newer command, or a newer attempt at this one, has overtaken this one.",
  retryable: false,
};

export const ABORTED: Failure = {
  code: "aborted",
  message: "The start was cancelled.",
  retryable: true,
};

/** The same start would fail again. */
export function final(code: string, message: string): Failure {
  return { code, message, retryable: false };
}

export function failed(failure: Failure, runtimeInfo: RuntimeInfo | null = null): StartOutcome {
  return { kind: "failed", failure, runtimeInfo };
}

/** Where a start is: a step with the time at which it began. */
export function startReport(
  { instanceId, runId, fence }: StartSpec,
  step: StartStep,
  since: number,
  reason: string | null,
): HealthReport {
  return {
    instanceId,
    runId,
    runGeneration: fence.generation,
    health: "starting",
    start: { step, since },
    ...(reason === null ? {} : { reason: reason.slice(0, REASON_CHARACTERS_MAX) }),
  };
}

/** What the runtime did wrong goes to who asked; what we did wrong is thrown on. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof OperationalError)) throw error;
  const { code, message, hint, retryable } = error;
  return { code, message: `${message.replace(/\.$/, "")}. ${hint}`, retryable };
}
