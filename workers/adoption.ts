/** What a worker that begins does about what it finds: report the ended, end the unknown, keep the rest. Design §4. */
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Standing } from "../events/worker_channel.ts";

/** What to do about one run that was found. */
export type Finding =
  /** It lives and the log knows it. */
  | { kind: "keep" }
  /** It lives and the log has given it up: nobody would ever stop it. */
  | { kind: "end" }
  /** It lives and is newer than all that the log knows: the log was lost, or an older copy of it was put back. */
  | { kind: "stranger" }
  /** It ended while nobody watched, and the log takes it for live. */
  | { kind: "report" }
  /** It ended and the log knows. */
  | { kind: "done" };

/** Judges one found run against what the log holds of its instance; `standing` is undefined for an unknown one. */
export function judgeFinding(found: RuntimeInfo, standing: Standing | undefined): Finding {
  const isKnown = standing?.runId === found.runId;
  if (found.status === "Running") {
    if (isKnown) return { kind: "keep" };
    return { kind: !standing || standing.generation < found.generation ? "stranger" : "end" };
  }
  return { kind: isKnown ? "report" : "done" };
}
