/** What a worker that begins does about the live servers it finds: keep the known, end the given up, tell of the rest. */
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Standing } from "../events/worker_channel.ts";

/**
 * What to do about one live run that was found.
 * `keep`: the log knows it, or may come to know it from the command that is open: another worker of this site may have
 * just started it. `end`: the log has given it up, so nobody would ever stop it. The others are newer than all
 * that the log knows: it was lost, or an older copy of it was put back. `report`: the log knows the instance and no live
 * run of it, so this is what runs; or the run that it takes for live has begun later, by those who no longer knew of
 * this one, which is then ended. `stranger`: it does not know the instance, or takes an older run for live, which may
 * be a memory of it only; it is left alone.
 */
export type Finding = "keep" | "end" | "report" | "stranger";

/** Judges a live run against what the log holds of its instance; `standing` is undefined for an unknown one. */
export function judgeLive(found: RuntimeInfo, standing: Standing | undefined): Finding {
  if (!standing) return "stranger";
  if (standing.runId === found.runId) return "keep";
  const isPresent = standing.generation === found.generation;
  // Whoever has the command in work answers for it; once that has ended, the next comparison judges.
  if (isPresent && standing.hasOpenCommand) return "keep";
  if (standing.generation >= found.generation) return "end";
  if (standing.runId === null) return "report";
  return (standing.startedAt ?? -Infinity) > found.startedAt ? "end" : "stranger";
}
