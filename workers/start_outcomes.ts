/** What starts come to on every platform, in the same words. Pure. */
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Failure, StartOutcome } from "./platform.ts";

/** Of the output of a server that failed to start, in the failure's message. */
const MESSAGE_LINES_MAX = 10;
const MESSAGE_CHARACTERS_MAX = 1_500;

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

/** It ended by itself before it counted as started. */
export function endedTooSoon(info: RuntimeInfo): StartOutcome {
  const lines = (info.logTail ?? "").split("\n").slice(-MESSAGE_LINES_MAX).join("\n");
  const output = lines === "" ? "" : ` Its last output:\n${lines.slice(-MESSAGE_CHARACTERS_MAX)}`;
  return failed({
    code: "exited_at_once",
    message: `The server ${info.exit?.message ?? "ended"}, before it counted as started.${output}`,
    retryable: true,
  }, info);
}
