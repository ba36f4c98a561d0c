/** The kinds of instances that the chaos run keeps: one seat each, filled anew after a delete. */
import type { JsonObject } from "../../events/json.ts";

/** A kind of instance: how it behaves, and what its restart policy is. */
export interface Seat {
  name: string;
  /** The body of its create. */
  creation: JsonObject;
  /** What a configure changes of its `serverConfiguration`; its environment when left out. */
  change?: (count: number) => JsonObject;
}

/** Quick, so that a round of under a second sees restarts; generous, so that no crash loop ends the play. */
export const eager = { baseMs: 20, capMs: 200, maxStarts: 100, windowMs: 5_000 };

/** All seats. */
export const SEATS: readonly Seat[] = [
  seat("steady", ["sleep", "1000"], { mode: "on-failure", ...eager }),
  seat("deaf", ["sh", "-c", 'trap "" TERM; exec sleep 1000'], { mode: "always", ...eager }, {
    stopGraceMs: 150,
  }),
  // It leaves by itself after 0.2 to 0.8 s: some of its runs end before they count as started.
  seat("leaver", ["sh", "-c", "exec sleep 0.$(($$ % 7 + 2))"], { mode: "always", ...eager }),
  seat("crasher", ["sh", "-c", "sleep 0.$(($$ % 5 + 3)); exit 3"], {
    mode: "on-failure",
    ...eager,
  }),
  seat("dud", ["false"], { mode: "on-failure", ...eager }),
  seat("family", ["sh", "-c", "sleep 1000 & sleep 1000 & wait"], { mode: "never" }),
];

/** A seat of an instance that is a command. `more` belongs to its configuration, `care` to its specification. */
export function seat(
  name: string,
  command: string[],
  restartPolicy: JsonObject,
  more: JsonObject = {},
  care: JsonObject = {},
): Seat {
  return {
    name,
    creation: {
      name,
      template: "command",
      serverConfiguration: { command, stopGraceMs: 2_000, ...more },
      restartPolicy,
      ...care,
    },
  };
}
