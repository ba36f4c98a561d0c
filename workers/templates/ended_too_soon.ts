/** What it means that a container ended before it counted as started, on every platform in the same words. Pure. */
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { StartOutcome } from "../platform.ts";
import { failed } from "../start_outcomes.ts";
import type { ContainerPlan } from "./image.ts";
import { knownFailureIn } from "./known_failure.ts";

/** What is known of the ends of a kind of server. */
export type KnownEnds = Pick<ContainerPlan, "knownFailures" | "finalExitCodes">;

/** Of its output, in the failure's message. */
const MESSAGE_LINES_MAX = 10;
const MESSAGE_CHARACTERS_MAX = 1_500;

/** It ended by itself before it counted as started; what that means is looked for among what is known of its kind. */
export function endedTooSoon(
  info: RuntimeInfo,
  { knownFailures, finalExitCodes }: KnownEnds,
): StartOutcome {
  const { exit, logTail = "" } = info;
  const lines = logTail.split("\n").slice(-MESSAGE_LINES_MAX).join("\n");
  const output = lines === "" ? "" : ` Its last output:\n${lines.slice(-MESSAGE_CHARACTERS_MAX)}`;
  const { code, message, retryable } = knownFailureIn(logTail, knownFailures) ?? {
    code: "exited_at_once",
    message: `The server ${exit?.message ?? "ended"}, before it counted as started.`,
    retryable: !finalExitCodes.includes(exit?.code ?? -1),
  };
  return failed({ code, message: `${message}${output}`, retryable }, info);
}
