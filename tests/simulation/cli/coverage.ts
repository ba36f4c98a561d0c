/** What of the states, events and faults was reached by all runs together, and what should have been. */
import { eventSchemas } from "../../../events/instance_events.ts";
import { STATUSES } from "../../../machines/requests.ts";
import { FAULT_KINDS } from "../plan.ts";
import { RARE_STATES } from "../must_reach.ts";
import { wrappedNames } from "./wrapped_names.ts";

/** Between the two names of a pair, as runs report it: `Running × node-killed`. */
export const PAIR = " × ";

/** Fewer seeds prove nothing by what they do not reach. */
export const SEEDS_FOR_ALL = 200;

export interface Coverage {
  statusEvents: Share;
  statusFaults: Share;
  faults: Share;
  rareStates: Share;
  /** In the order of `mustReach`. */
  neverReached: readonly string[];
}

export interface Share {
  reached: number;
  of: number;
}

/** Counts what is in `reached`; a name counts by itself or as the second of a pair. */
export function coverageOf(reached: ReadonlySet<string>, mustReach: readonly string[]): Coverage {
  const events = Object.keys(eventSchemas);
  const kinds: readonly string[] = FAULT_KINDS;
  const pairs = [...reached].filter((name) => name.includes(PAIR));
  const seconds = new Set(pairs.map(secondOf));
  const isReached = (name: string) => reached.has(name) || seconds.has(name);
  const share = (names: readonly string[]) => ({
    reached: names.filter(isReached).length,
    of: names.length,
  });
  const pairShare = (names: readonly string[]) => ({
    reached: pairs.filter((pair) => names.includes(secondOf(pair))).length,
    of: STATUSES.length * names.length,
  });
  return {
    statusEvents: pairShare(events),
    statusFaults: pairShare(kinds),
    faults: share(kinds),
    rareStates: share(Object.keys(RARE_STATES)),
    neverReached: mustReach.filter((name) => !isReached(name)),
  };
}

/** The lines about it, for people. */
export function coverageLines(coverage: Coverage, seeds: number): string[] {
  const share = ({ reached, of }: Share) => `${reached} of ${of}`;
  const { statusEvents, statusFaults, faults, rareStates, neverReached } = coverage;
  return [
    `reached   ${share(statusEvents)} status × event, ${share(statusFaults)} status × fault, ` +
    `${share(faults)} faults, ${share(rareStates)} rare states`,
    ...missedLines(neverReached, seeds),
  ];
}

function missedLines(names: readonly string[], seeds: number): string[] {
  if (names.length === 0) return [];
  if (seeds >= SEEDS_FOR_ALL) return [`NEVER     ${wrappedNames(names, 10)}`];
  return [
    `not yet   ${names.length} of what ${SEEDS_FOR_ALL} seeds must reach (--json lists them)`,
  ];
}

function secondOf(pair: string): string {
  return pair.slice(pair.indexOf(PAIR) + PAIR.length);
}
