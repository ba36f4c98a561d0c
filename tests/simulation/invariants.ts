/**
 * What must hold, as named functions with one sentence each. Some are checked at every step, the others on the
 * whole log and at the end, when faults have stopped and the system has had time. Design §1, §4.
 */
import { comparePositions, type RecordedEvent } from "../../events/envelope.ts";
import { evolve, initialState, storedState } from "../../machines/evolve.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { endedCommandId } from "../../machines/reports.ts";
import { statusOf } from "../../machines/status.ts";
import type { ClientRecord } from "./client_records.ts";
import type { ModelHost } from "./host_model.ts";

/** What the invariants look at. */
export interface Evidence {
  log: RecordedEvent[];
  records: readonly ClientRecord[];
  host: Pick<ModelHost, "live">;
  /** The node's own fold. */
  states: InstanceState[];
  inFlight: string[];
  bugs: readonly unknown[];
}

/** Null when it holds, else what was found. */
export type Invariant = (evidence: Evidence) => string | null;

/** At most one live process for an instance, at every moment. Promise 6. */
export function neverTwo(host: Pick<ModelHost, "live">): string | null {
  const seen = new Set<string>();
  for (const { instanceId } of host.live()) {
    if (seen.has(instanceId)) return `two live processes of ${instanceId}`;
    seen.add(instanceId);
  }
  return null;
}

/** Holds of the log at any time. */
export const ALWAYS: Record<string, Invariant> = {
  /** Each instance's versions are 1, 2, 3 … with the position of the one before. */
  versionsHaveNoGap: ({ log }) => {
    const last = new Map<string, RecordedEvent>();
    for (const event of log) {
      const before = last.get(event.instanceId);
      if (event.version !== (before?.version ?? 0) + 1) {
        return `${event.instanceId} jumps to version ${event.version}`;
      }
      if (event.previous !== (before?.position ?? null)) {
        return `${event.position} names ${event.previous} as its previous`;
      }
      last.set(event.instanceId, event);
    }
    return null;
  },
  /** Positions and times never go back. */
  logIsInOrder: ({ log }) => {
    for (let i = 1; i < log.length; i++) {
      if (comparePositions(log[i - 1]!.position, log[i]!.position) >= 0) {
        return `${log[i]!.position} is out of order`;
      }
      if (log[i - 1]!.at > log[i]!.at) return `the time goes back at ${log[i]!.position}`;
    }
    return null;
  },
  /** The node's state of every instance is the fold of the log. Promise 2. */
  stateIsTheFold: ({ log, states }) => {
    const folded = new Map<string, InstanceState>();
    for (const event of log) {
      folded.set(
        event.instanceId,
        evolve(folded.get(event.instanceId) ?? initialState(event.instanceId), event),
      );
    }
    for (const state of states) {
      const expected = folded.get(state.context.instanceId);
      if (
        !expected || JSON.stringify(storedState(expected)) !== JSON.stringify(storedState(state))
      ) {
        return `${state.context.instanceId} is not the fold of its events`;
      }
    }
    return folded.size > states.length ? "an instance of the log is missing in the node" : null;
  },
  /** What a user was told is in the log, where it was said to be. Promise 1. */
  acknowledgedIsInTheLog: ({ log, records }) => {
    const at = new Map(log.map((event) => [event.position, event]));
    for (const { number, told } of records) {
      if (told?.kind !== "fact") continue;
      const event = at.get(told.position);
      if (event?.instanceId !== told.instanceId || event.type !== told.eventType) {
        return `#${number} was told ${told.eventType} at ${told.position}, which is not there`;
      }
    }
    return null;
  },
  /** A command ends at most once, and nobody accepts it after its end. Promises 4, 5. */
  commandsEndOnce: ({ log }) => {
    const ended = new Set<string>();
    for (const event of log) {
      const id = endedCommandId(event);
      if (event.type === "CommandAccepted" && ended.has(event.data.commandId)) {
        return `${event.data.commandId} was accepted after its end`;
      }
      if (id === null) continue;
      if (ended.has(id)) return `${id} ended twice`;
      ended.add(id);
    }
    return null;
  },
  /** Only an accepted command succeeds or fails, in its last attempt. Rule 2. */
  onlyTheAcceptedAttemptEnds: ({ log }) => {
    const attempts = new Map<string, number>();
    for (const event of log) {
      if (event.type === "CommandAccepted") {
        if (event.data.attempt !== (attempts.get(event.data.commandId) ?? 0) + 1) {
          return `${event.data.commandId} skipped an attempt`;
        }
        attempts.set(event.data.commandId, event.data.attempt);
      }
      if (event.type !== "CommandSucceeded" && event.type !== "CommandFailed") continue;
      if (attempts.get(event.data.commandId) !== event.data.attempt) {
        return `${event.data.commandId} was ended by attempt ${event.data.attempt}, not by the one that had it`;
      }
    }
    return null;
  },
  /** The leader and the nodes end only what nobody has accepted, but for a forced delete. Rules 2, 4, 9. */
  acceptedIsEndedByItsWorker: ({ log }) => {
    const accepted = new Set<string>();
    const forced = new Set<string>();
    for (const event of log) {
      if (event.type === "CommandAccepted") accepted.add(event.data.commandId);
      if (event.type === "DeleteRequested" && event.data.force) forced.add(event.instanceId);
      if (event.type !== "CommandExpired" && event.type !== "CommandCancelled") continue;
      if (accepted.has(event.data.commandId) && !forced.has(event.instanceId)) {
        return `${event.data.commandId} was taken from its worker`;
      }
    }
    return null;
  },
  /** The first accept of a command is of the newest generation. Rule 7. */
  onlyTheNewestIsAcceptedFirst: ({ log }) => {
    const newest = new Map<string, number>();
    const generations = new Map<string, number>();
    for (const event of log) {
      if ("generation" in event.data && event.type !== "StartQueued") {
        newest.set(event.instanceId, event.data.generation);
        if (event.data.commandId !== null) {
          generations.set(event.data.commandId, event.data.generation);
        }
      }
      if (event.type !== "CommandAccepted" || event.data.attempt > 1) continue;
      const { commandId } = event.data;
      if (generations.get(commandId) !== newest.get(event.instanceId)) {
        return `${commandId} was old when it was first accepted`;
      }
    }
    return null;
  },
  /** One key, one effect: its events stand together in one instance. Rule 11. */
  keysActOnce: ({ log }) => {
    const seen = new Map<string, RecordedEvent>();
    for (const event of log) {
      const key = event.meta.idempotency?.key;
      if (!key) continue;
      const before = seen.get(key);
      const isSameBatch = before?.instanceId === event.instanceId &&
        before.version + 1 === event.version &&
        before.meta.requestId === event.meta.requestId;
      if (before && !isSameBatch) {
        return `the key ${key} acted twice, at ${before.position} and ${event.position}`;
      }
      seen.set(key, event);
    }
    return null;
  },
  /** Nothing is called poison where no worker ever refuses: not by a full disk either. Rule 12. */
  nothingIsPoison: ({ log }) => {
    const poisoned = log.find((event) =>
      event.type === "CommandRefused" && event.data.reason === "Poison"
    );
    return poisoned ? `poison at ${poisoned.position}` : null;
  },
  /** A fault of ours is never swallowed. */
  nothingIsABug: ({ bugs }) =>
    bugs.length > 0 ? `a bug: ${bugs[0] instanceof Error ? bugs[0].stack : String(bugs[0])}` : null,
};

/** Holds once faults have stopped and the system has had time. */
export const AT_REST: Record<string, Invariant> = {
  /** Nothing waits for ever: no request in hand, no command on the bus. */
  nothingIsStuck: ({ states, inFlight }) => {
    if (inFlight.length > 0) return `the bus still has ${inFlight.join(", ")}`;
    const stuck = states.filter((state) => statusOf(state) !== "Deleted").find((state) =>
      state.context.commands.length > 0 || state.context.queuedStart ||
      state.value.run === "starting"
    );
    return stuck ? `${stuck.context.instanceId} is stuck ${statusOf(stuck)}` : null;
  },
  /** Each live process is the run that the log names, and each Running instance has its process. Promise 7. */
  nothingIsOrphaned: ({ states, host }) => {
    for (const process of host.live()) {
      const state = states.find((one) => one.context.instanceId === process.instanceId);
      if (!state || statusOf(state) !== "Running" || state.context.run?.runId !== process.runId) {
        return `${process.runId} of ${process.instanceId} lives, but the log says ${
          state ? `${statusOf(state)} ${state.context.run?.runId}` : "nothing"
        }`;
      }
    }
    for (const state of states) {
      if (statusOf(state) !== "Running") continue;
      const [live] = host.live(state.context.instanceId);
      if (live?.runId !== state.context.run?.runId) {
        return `${state.context.instanceId} is Running, but its process is gone`;
      }
    }
    return null;
  },
  /** What a user wanted last is so, unless that very command expired or failed. Promise 10. */
  desiredIsReached: ({ states, log }) => {
    const excused = instancesWhoseLastCommandFailed(log);
    for (const state of states) {
      const { desired, instanceId, failure } = state.context;
      const status = statusOf(state);
      const isReached = desired === "deleted"
        ? status === "Deleted"
        : desired === "stopped"
        ? status === "Stopped" || status === "Created" || status === "Deleted"
        : status === "Running" || status === "Stopped" || failure !== null;
      if (!isReached && !excused.has(instanceId)) {
        return `${instanceId} should be ${desired} and is ${status}`;
      }
    }
    return null;
  },
  /** Every command has ended. Promise 5. */
  everyCommandEnded: ({ log }) => {
    const open = new Set<string>();
    for (const event of log) {
      const ended = endedCommandId(event);
      if (ended !== null) open.delete(ended);
      else if ("generation" in event.data && event.data.commandId !== null) {
        open.add(event.data.commandId);
      }
    }
    return open.size > 0 ? `${[...open].join(", ")} never ended` : null;
  },
};

/** Those whose newest command did not succeed: what a user asked for last is then not to be had. */
export function instancesWhoseLastCommandFailed(log: readonly RecordedEvent[]): Set<string> {
  const last = new Map<string, string>();
  const failed = new Set<string>();
  for (const event of log) {
    const ended = endedCommandId(event);
    if (ended === null && "generation" in event.data && event.data.commandId !== null) {
      last.set(event.instanceId, event.data.commandId);
    }
    if (
      ended !== null && event.type !== "CommandSucceeded" && last.get(event.instanceId) === ended
    ) {
      failed.add(event.instanceId);
    } else if (event.type.endsWith("Requested")) failed.delete(event.instanceId);
  }
  return failed;
}

/** The first invariant of `named` that does not hold, by its name and what was found. */
export function firstBroken(named: Record<string, Invariant>, evidence: Evidence): string | null {
  for (const [name, invariant] of Object.entries(named)) {
    const found = invariant(evidence);
    if (found) return `${name}: ${found}`;
  }
  return null;
}
