/** What a run of the simulation came to. */

export interface RunResult {
  /** Null when every invariant held. */
  violation: Violation | null;
  /** What happened, a line each, with the virtual time first. */
  story: readonly string[];
  /** The digest of everything that happened: two runs of one plan give the same. */
  digest: string;
  /** How many requests were asked, faults struck, events written. */
  requests: number;
  faults: number;
  events: number;
  /** What was reached: `status × event`, `fault`, `status × fault` and named rare states. */
  coverage: ReadonlySet<string>;
}

/** An invariant that did not hold: its name, and what was found. */
export interface Violation {
  invariant: string;
  found: string;
}
