/** What must hold of rollbacks, and of what a leader does under its token: snapshots, cuts, moves and losses. */
import { comparePositions } from "../../../events/envelope.ts";
import type { Entry, Ledger } from "../../history/ledger.ts";
import type { Rules } from "../../history/rule.ts";
import type { FencedStep, RollbackSeen } from "./evidence.ts";

export const ROLLBACK_RULES: Rules<[rollback: RollbackSeen, taken: readonly Entry[]]> = {
  durabilityIsNotOverstated: {
    sentence: "Where an acknowledgement means `disk`, nothing is ever lost. Promise 1, traps 3.",
    holds: ({ durability }, taken) =>
      durability === "disk" && taken.length > 0 ? `${taken.length} events were lost` : null,
  },
  onlyTheEndIsLost: {
    sentence: "A log that lost something lost its end, nothing in the middle. Traps 1.",
    holds: ({ lost }, taken) =>
      lost.size === taken.length
        ? null
        : `${lost.size - taken.length} events are missing in the middle`,
  },
};

export const FENCE_RULES: Rules<[step: FencedStep, ledger: Ledger]> = {
  staleFencesAreRefused: {
    sentence: "No snapshot, cut, move or loss is done under the token of a former leader. Traps 8.",
    holds: ({ kind, fence, newestFence }) =>
      fence < newestFence
        ? `a ${kind} under token ${fence}, and ${newestFence} was given out`
        : null,
  },
  oneNodeLeads: {
    sentence: "No node is given the lease while that of another one lasts. Design §3, traps 8.",
    holds: ({ kind, rivalUntil, at }) =>
      kind === "lead" && rivalUntil !== undefined && at < rivalUntil
        ? `the lease was given while another node had it for ${rivalUntil - at} ms more`
        : null,
  },
  cutsKeepWhatIsNeeded: {
    sentence:
      "A cut takes only what lies before a baseline of each instance that has events there. Design §3, traps 13.",
    holds: ({ kind, before }, ledger) => {
      if (kind !== "trim" || before === undefined) return null;
      for (const [instanceId, history] of ledger.histories) {
        if (comparePositions(history[0]!.event.position, before) >= 0) continue;
        const hasBaseline = history.some(({ event }) =>
          event.type === "Baseline" && comparePositions(event.position, before) >= 0
        );
        if (!hasBaseline) return `${instanceId} has no baseline at or after ${before}`;
      }
      return null;
    },
  },
};
