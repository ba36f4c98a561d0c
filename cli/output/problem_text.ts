/** What went wrong, for people: the error, its detail, its faults and what to do next; no stack and no secret. Pure. */
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { JsonObject } from "../../events/json.ts";
import { RemoteProblem } from "../../http/client/remote_problem.ts";
import { printable } from "../../tui/terminal_text.ts";
import { UsageError } from "../exit_codes.ts";
import { type Paint, plain } from "./paint.ts";

/** Where the API's hint speaks to clients of HTTP, and this command line has a command for it. */
const HINTS: Readonly<Record<string, string>> = {
  unauthorized: "Set DRAAS_TOKEN to a token of this control plane; who keeps its tokens file has " +
    "`draas token new` to make one, and `draas doctor` tells which one is sent.",
  forbidden:
    "Set DRAAS_TOKEN to a token of that role; who keeps the control plane's tokens file has " +
    "`draas token new` to make one.",
  rate_limited: "Ask again in a while, and less at once (--parallel).",
  not_found: "`draas list` shows the instances there are.",
  revision_not_found: "`draas revisions` lists those that there are.",
  version_not_found: "`draas events` shows what it has been through, with the versions in -o wide.",
  worker_not_found: "`draas workers` shows the workers there are.",
  no_worker: "`draas workers` shows the workers; start one for this platform, and ask again.",
  workers_unreachable: "`draas workers` shows the workers; one that is silent may come back.",
  workers_busy: "Ask again with a longer --timeout, or with --no-wait.",
  not_released: "Ask again with a longer --timeout, or with --no-wait.",
  stale_version: "Look at it again with `draas get`, and repeat.",
  invalid: "Correct what is named above.",
};

/** Of these nobody knows yet how they ended: the same key fetches the answer. */
const UNSETTLED = new Set([
  "outcome_unknown",
  "log_indeterminate",
  "no_answer",
  "answer_lost",
  "interrupted",
]);

/**
 * Lines with their line ends.
 * @param subject whose problem it is, as in `web (6f3a1b2c)`; empty: nobody's
 * @param again how the same mutation is called again under its key, as the beginning of a sentence
 */
export function problemText(
  error: unknown,
  { subject = "", again, paint = plain }: { subject?: string; again?: string; paint?: Paint } = {},
): string {
  const whose = subject === "" ? "" : `${printable(subject)}: `;
  const head = (text: string) => `${paint("error:", "red")} ${whose}${printable(text)}\n`;
  if (!(error instanceof OperationalError)) {
    return head(`A fault in DRaaS itself: ${reasonOf(error)}`) +
      "  Please report it, with what you did before.\n";
  }
  const lines = error instanceof RemoteProblem
    ? [`${error.title} (${error.code})`, ...detailsOf(error)]
    : [error.message, ...(error instanceof UsageError ? error.details : [])];
  const hint = hintOf(error, again);
  const [first = "", ...rest] = lines;
  return [
    head(first),
    ...rest.map((line) => `  ${printable(line)}\n`),
    ...(hint === "" ? [] : [`  ${paint("hint:", "bold")} ${printable(hint)}\n`]),
  ].join("");
}

/** A problem as programs read it, in a result. */
export function problemItem(error: OperationalError): JsonObject {
  return {
    code: error.code,
    ...(error instanceof RemoteProblem ? { status: error.status, title: error.title } : {}),
    detail: error.message,
    retryable: error.retryable,
    hint: error.hint,
    ...(error instanceof RemoteProblem && error.faults.length > 0
      ? { faults: error.faults.map(({ path, message }) => ({ path, message })) }
      : {}),
    ...(error instanceof RemoteProblem && typeof error.members.traceId === "string"
      ? { traceId: error.members.traceId }
      : {}),
  };
}

function detailsOf(problem: RemoteProblem): string[] {
  const { faults, members } = problem;
  if (faults.length > 0) return faults.map(({ path, message }) => `${path}: ${message}`);
  const trace = problem.code === "internal_error" ? [`trace id ${String(members.traceId)}`] : [];
  return [problem.message, ...trace];
}

function hintOf(error: OperationalError, again: string | undefined): string {
  if (again !== undefined && UNSETTLED.has(error.code)) {
    return `${again} tells how it ended, and does nothing twice.`;
  }
  return HINTS[error.code] ?? error.hint;
}
