/** What a chaos run has done, counted: kills by place, requests by answer; and its table. */
import type { Answered } from "../history/history_checker.ts";
import { KILL_POINTS, type KillPoint } from "./kill_points.ts";

/** The counts so far. */
export interface Tally {
  rounds: number;
  seconds: number;
  kills: Record<KillPoint, number>;
  /** Kills during a recovery, before it was checked. */
  inRecovery: number;
  requests: number;
  acknowledged: number;
  refused: number;
  indeterminate: number;
  repetitions: number;
  /** Of one instance by a user who knows some of it. */
  reads: number;
  events: number;
  looks: number;
  /** From the opening of the data folder to the first answer, of all lives that came to it. */
  recoveryMs: number;
  recoveries: number;
}

/** Nothing is done yet. */
export function emptyTally(): Tally {
  return {
    rounds: 0,
    seconds: 0,
    kills: Object.fromEntries(KILL_POINTS.map((point) => [point, 0])) as Record<KillPoint, number>,
    inRecovery: 0,
    requests: 0,
    acknowledged: 0,
    refused: 0,
    indeterminate: 0,
    repetitions: 0,
    reads: 0,
    events: 0,
    looks: 0,
    recoveryMs: 0,
    recoveries: 0,
  };
}

/** Counts requests by how they were answered. */
export function countAnswers(tally: Tally, asked: readonly { answer: Answered | null }[]): void {
  tally.requests += asked.length;
  for (const { answer } of asked) {
    if (answer === null) tally.indeterminate++;
    else if (answer.status < 300) tally.acknowledged++;
    else tally.refused++;
  }
}

/** The counts as lines of a name and a number. */
export function tableOf(tally: Tally, violations: number): string {
  const perRound = tally.seconds * 1_000 / Math.max(1, tally.rounds);
  const perRecovery = tally.recoveryMs / Math.max(1, tally.recoveries);
  const rows: [string, string][] = [
    ["rounds", `${tally.rounds} in ${tally.seconds.toFixed(1)} s, ${perRound.toFixed(0)} ms each`],
    ...KILL_POINTS.map((point): [string, string] => [`  ${point}`, String(tally.kills[point])]),
    ["  of these in a recovery", String(tally.inRecovery)],
    ["recovery", `${perRecovery.toFixed(0)} ms on average`],
    ["requests", String(tally.requests)],
    ["  acknowledged", String(tally.acknowledged)],
    ["  refused or failed", String(tally.refused)],
    ["  indeterminate", String(tally.indeterminate)],
    ["  repeated under their key", String(tally.repetitions)],
    ["reads", String(tally.reads)],
    ["events in the log", String(tally.events)],
    ["looks for two live runs", String(tally.looks)],
    ["violations", String(violations)],
  ];
  return rows.map(([name, value]) => `${name.padEnd(28)}${value}`).join("\n");
}
