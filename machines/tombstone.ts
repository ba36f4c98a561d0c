/** What is kept of a deleted instance: who it was and when it went; all the rest is in its history. Design §4. */
import type { Facts } from "./facts.ts";
import type { InstanceState } from "./lifecycle.ts";

/** Deleted, and no command is in hand that would need what is known of it. */
export function isBuried(value: InstanceState["value"], facts: Facts): boolean {
  return value.pending === "deleted" && facts.commands.length === 0;
}

/**
 * The facts of a deleted instance without their large parts: a deleted instance stays in the table and in every
 * snapshot, so that its id is never given again and whoever asks is told that it was deleted.
 */
export function tombstoneOf(facts: Facts): Facts {
  const { specification } = facts;
  return {
    ...facts,
    specification: specification &&
      // Its labels stay: who follows the events of those with a label is to hear of its end too.
      { ...specification, description: "", configuration: {} },
    run: null,
    health: null,
    progress: null,
    lastFailure: null,
    queuedStart: null,
    endedRuns: [],
    failure: null,
    lastError: null,
    unjudged: null,
    nextStart: null,
    recentStarts: [],
    externalStatus: null,
    statusChanges: [],
  };
}
