/** What a worker that begins does about the live servers it finds: keep the known, end the given up, tell of the rest. */
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Standing } from "../events/worker_channel.ts";

/**
 * What to do about one live run that was found.
 * `keep`: the log knows it. `end`: the log has given it up, so nobody would ever stop it. `stranger`: it is newer than
 * all that the log knows: the log was lost, or an older copy of it was put back, so it is left alone.
 */
export type Finding = "keep" | "end" | "stranger";

/** Judges a live run against what the log holds of its instance; `standing` is undefined for an unknown one. */
export function judgeLive(found: RuntimeInfo, standing: Standing | undefined): Finding {
  if (standing?.runId === found.runId) return "keep";
  return !standing || standing.generation < found.generation ? "stranger" : "end";
}
