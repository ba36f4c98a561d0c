/** What a chaos run on Redis has done, counted; and its table. */
import type { Asked } from "../../history/history_checker.ts";
import type { FleetSize } from "./chaos_fleet.ts";
import { FAULT_KINDS, type FaultKind, IMPOSSIBLE, KILLS } from "./faults.ts";

/** The counts so far. */
export interface RedisTally {
  size: FleetSize;
  rounds: number;
  seconds: number;
  faults: Record<FaultKind, number>;
  requests: number;
  /** By status, and by code where there is one. */
  answers: Map<string, number>;
  repetitions: number;
  reads: number;
  events: number;
  looks: number;
  /** Instances' folders that are there after all were deleted: at sites that had them before they moved. */
  foldersLeft: number;
  /** From the end of the last fault of a round to the fleet at rest, summed up and the longest. */
  restMs: number;
  restMsMax: number;
}

/** Counts requests by how they were answered. */
export function countAnswers(tally: RedisTally, asked: readonly Asked[]): void {
  tally.requests += asked.length;
  for (const { answer } of asked) {
    const kind = answer === null
      ? "no answer"
      : `${answer.status}${answer.code === null ? "" : ` ${answer.code}`}`;
    tally.answers.set(kind, (tally.answers.get(kind) ?? 0) + 1);
  }
}

/** How many programs were killed; servers do not count. */
export function killsOf({ faults }: RedisTally): number {
  return KILLS.reduce((sum, kind) => sum + faults[kind], 0);
}

/** The counts as lines of a name and a number. */
export function tableOf(tally: RedisTally, violations: number): string {
  const { size, rounds, seconds } = tally;
  const rest = tally.restMs / Math.max(1, rounds);
  const perSecond = (count: number) => (count / Math.max(1, seconds)).toFixed(1);
  const rows: [string, string][] = [
    ["fleet", `${size.nodes} nodes, ${size.workers} workers, one Redis`],
    ["rounds", `${rounds} in ${seconds.toFixed(1)} s`],
    ["faults", String(FAULT_KINDS.reduce((sum, kind) => sum + tally.faults[kind], 0))],
    ...FAULT_KINDS.map((kind): [string, string] => [`  ${kind}`, faultsOf(tally, kind)]),
    ["programs killed among them", String(killsOf(tally))],
    ["requests", `${tally.requests} (${perSecond(tally.requests)}/s)`],
    ...[...tally.answers].sort(([, a], [, b]) => b - a)
      .map(([kind, count]): [string, string] => [`  ${kind}`, String(count)]),
    ["repeated under their key", String(tally.repetitions)],
    ["reads", String(tally.reads)],
    ["events in the log", `${tally.events} (${perSecond(tally.events)}/s)`],
    ["looks for two live runs", String(tally.looks)],
    ["folders at former sites", String(tally.foldersLeft)],
    ["to rest after the faults", `${rest.toFixed(0)} ms on average, ${tally.restMsMax} at most`],
    ["violations", String(violations)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(30)}${value}`).join("\n");
}

function faultsOf(tally: RedisTally, kind: FaultKind): string {
  return IMPOSSIBLE.includes(kind)
    ? "not done: this user may not mount a small disk here"
    : String(tally.faults[kind]);
}
