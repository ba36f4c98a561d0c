/** What is asked of each read: that it is the fold of the log, and no older than what its reader knew. */
import { comparePositions } from "../../events/envelope.ts";
import { statusOf } from "../../machines/status.ts";
import type { Ledger } from "./ledger.ts";
import type { Read } from "./operations.ts";
import type { Rules } from "./rule.ts";

/** Asked of each read. */
export const READ_RULES: Rules<[ledger: Ledger, read: Read, seen: number]> = {
  readsTellTheFold: {
    sentence:
      "What is read is the fold of the log at the version that it names. Promise 2, traps 2.",
    holds: (ledger, { position, version, status, instanceId }) => {
      // A node that has not heard of a rollback yet reads what was lost, also where the position was given once more.
      const expected = ledger.allOf(instanceId, position)
        .filter(({ event }) => event.version === version)
        .map(({ state }) => statusOf(state));
      if (expected.length === 0) {
        return `version ${version} at ${position} of ${instanceId} is not in the log`;
      }
      return expected.includes(status)
        ? null
        : `version ${version} is ${expected.join(" or ")}, and was read as ${status}`;
    },
  },
  sessionsNeverGoBack: {
    sentence:
      "A session that demands what it knows reads nothing older than what it had read or been told. Traps 14.",
    holds: (ledger, { position, version, instanceId, atLeast }, seen) =>
      atLeast !== null && version < seen && ledger.findOf(instanceId, position)?.lostAt === null
        ? `it read version ${version} of ${instanceId}, and knew ${seen}`
        : null,
  },
  readsReachWhatTheyDemand: {
    sentence: "A read that demands a position shows all that was written up to it. Design §6.",
    holds: (ledger, { atLeast, instanceId, version }) => {
      if (atLeast === null) return null;
      const missed = ledger.histories.get(instanceId)?.[version]?.event.position;
      return missed !== undefined && comparePositions(missed, atLeast) <= 0 &&
          ledger.find(atLeast)?.lostAt === null
        ? `version ${version} was read, and ${missed} is not after ${atLeast}`
        : null;
    },
  },
};
