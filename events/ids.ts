/** The only way to new ids and to chance: ports, so that a seed can repeat a whole run. */

/** Makes ids that never repeat. */
export interface Ids {
  /** A new id for `kind`; only letters, digits and `-`, at most 64 characters. */
  next(kind: "instance" | "command" | "request" | "run" | "reply" | "incarnation"): string;
}

/** Chance, for jitter. */
export interface Randomness {
  /** A number in [0, 1). */
  fraction(): number;
}

/** What an id may look like; checked wherever one comes in from outside (paths, keys, labels are made of it). */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
