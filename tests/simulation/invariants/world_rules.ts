/** What must hold of the whole world, every hundred steps and at rest. Design §1, §4; the folds are kept, not made anew. */
import { isSameState } from "../../../actors/same_states.ts";
import { comparePositions } from "../../../events/envelope.ts";
import type { InstanceState } from "../../../machines/lifecycle.ts";
import { statusOf } from "../../../machines/status.ts";
import type { Entry, Ledger } from "../../history/ledger.ts";
import type { ProcessLives } from "../../history/process_lives.ts";
import type { Rules } from "../../history/rule.ts";
import type { RestingView, Surroundings, WorldView } from "./evidence.ts";
import type { Operation } from "./evidence.ts";
import { SETTLED_AFTER_MS, TIMER_LATE_MS } from "./worker_rules.ts";

/** What has been seen up to now. */
export interface Seen {
  ledger: Ledger;
  lives: ProcessLives;
  surroundings: Surroundings;
  unanswered: readonly Operation[];
  /** Facts of states that were compared before: they never change, so once is enough. */
  compared: WeakSet<object>;
  /** The log's clock has not jumped lately. */
  haveClocksAgreed: boolean;
}

/** Design §4 rule 12. */
const OFFERS_MAX = 5;

export const WORLD_RULES: Rules<[seen: Seen, view: WorldView]> = {
  statesAreTheFold: {
    sentence:
      "Every node's state of an instance is the fold of the log up to its version. Promises 2, 3, traps 2.",
    holds: ({ ledger, compared }, { nodes }) => {
      for (const { name, states } of nodes) {
        for (const state of states()) {
          if (compared.has(state.context)) continue;
          const found = differsFromFold(ledger, state);
          if (found) return `${name}: ${found}`;
          compared.add(state.context);
        }
      }
      return null;
    },
  },
  busHoldsWhatIsOpen: {
    sentence:
      "The bus holds a command if and only if the log has it, sent and not ended. Promise 4, traps 7, 12.",
    holds: ({ ledger }, { inFlight }) => {
      if (inFlight === null) return null;
      const open = new Set(ledger.openCommands().map(({ commandId }) => commandId));
      for (const id of inFlight) {
        if (!open.delete(id)) return `${id} is on the bus, and not open in the log`;
      }
      return open.size > 0
        ? `${[...open].join(", ")} is open in the log, and not on the bus`
        : null;
    },
  },
  streamsHoldEachCommandOnce: {
    sentence:
      "A stream entry stands for a command that nobody has accepted or ended, once. Promises 4, 5, traps 12.",
    holds: ({ ledger }, { waiting }) => {
      const seen = new Set<string>();
      for (const id of waiting ?? []) {
        if (seen.has(id)) return `${id} waits twice`;
        seen.add(id);
        const command = ledger.commands.get(id);
        if (!command || command.ended || command.isQueued || command.accepts.length > 0) {
          return `${id} waits on a stream, and is ${
            !command ? "not in the log" : command.ended ? "ended" : "accepted or queued"
          }`;
        }
      }
      return null;
    },
  },
  nothingIsOfferedForEver: {
    sentence: "What was offered five times and never accepted is offered no more. Rule 12.",
    holds: (_, { offeredMost }) =>
      offeredMost > OFFERS_MAX ? `a command was offered ${offeredMost} times` : null,
  },
  nothingIsOverdue: {
    sentence:
      "Nothing that is due waits for long when a leader lives and nothing is disturbed. Rule 3, traps 9.",
    holds: ({ ledger, surroundings, haveClocksAgreed }, { at, logAt }) => {
      if (!haveClocksAgreed) return null;
      const quietMs = at - surroundings.undisturbedSince(null) - SETTLED_AFTER_MS;
      if (quietMs <= TIMER_LATE_MS) return null;
      for (const { context, value } of ledger.states.values()) {
        if (value.pending === "deleted") continue;
        const waits = context.commands.filter((one) => !one.accepted);
        const dueAt = Math.min(
          context.nextStart?.at ?? Infinity,
          ...waits.map(({ commandId, acceptBy }) =>
            ledger.commands.get(commandId)?.acceptBy ?? acceptBy
          ),
        );
        const lateMs = Math.min(logAt - dueAt, quietMs);
        if (lateMs > TIMER_LATE_MS) {
          return `${context.instanceId} waits since ${lateMs} ms for what is due`;
        }
      }
      return null;
    },
  },
  incidentsAreTrue: {
    sentence:
      "A node tells of a loss only where a rollback took something, and never of a baseline that is wrong. Design §5.",
    holds: ({ ledger }, { incidents }) =>
      incidents.find((code) => code !== "HISTORY_ROLLBACK" || ledger.lost.size === 0) ?? null,
  },
  nothingIsABug: {
    sentence: "No program meets what only a fault in it can bring about. Style §5.",
    holds: (_, { bugs }) =>
      bugs.length === 0
        ? null
        : String(bugs[0] instanceof Error ? bugs[0].stack ?? bugs[0].message : bugs[0]),
  },
};

function differsFromFold(ledger: Ledger, state: InstanceState): string | null {
  const { instanceId, position, version } = state.context;
  const entry = ledger.findOf(instanceId, position);
  if (!entry || entry.event.instanceId !== instanceId) {
    return `${instanceId} stands at ${position}, which is not in the log`;
  }
  if (entry.state.context === state.context) return null;
  return isSameState(entry.state, state)
    ? null
    : `version ${version} of ${instanceId} is not the fold of its events`;
}

/** A server that ends again and again is never quite at rest: what has changed so lately is still on its way. */
const PASSING_MS = 20_000;
/** A node hears of an event within this. */
const TAIL_MS = 2_000;

/** Whether nothing was written of an instance for so long. */
function isQuiet(ledger: Ledger, instanceId: string, at: number, quietMs = PASSING_MS): boolean {
  const newest = ledger.histories.get(instanceId)?.at(-1);
  return newest === undefined || at - newest.writtenAt > quietMs;
}

/** Holds once faults have stopped and the system has had time. */
export const REST_RULES: Rules<[seen: Seen, view: RestingView]> = {
  everyAskerHears: {
    sentence:
      "Every caller has an answer, or the node that it asked has ended. Promise 8, traps 16.",
    holds: ({ unanswered }) => {
      const [first] = unanswered;
      return first
        ? `#${first.number} ${first.request.type} ${first.instanceId ?? ""} has no answer`
        : null;
    },
  },
  everyCommandEnded: {
    sentence: "Every command has ended. Promise 5, traps 7, 16.",
    holds: ({ ledger }, { at }) => {
      const open = ledger.openCommands().find(({ asked }) => at - asked.writtenAt > PASSING_MS);
      return open ? `the ${open.kind} ${open.commandId} of ${open.instanceId} never ended` : null;
    },
  },
  nothingIsStuck: {
    sentence: "No instance is between two states for ever. Traps 16.",
    holds: ({ ledger }, { at, logAt }) => {
      for (const state of ledger.states.values()) {
        const { context, value } = state;
        if (value.pending === "deleted" || !isQuiet(ledger, context.instanceId, at)) continue;
        const isWaiting = context.queuedStart !== null || isOver(context.nextStart, logAt) ||
          context.commands.length > 0;
        if (isWaiting || value.run === "starting" || value.pending !== "idle") {
          return `${context.instanceId} is stuck ${statusOf(state)}`;
        }
      }
      return null;
    },
  },
  nothingIsOrphaned: {
    sentence:
      "Each process that lives is the run that the log names, and each live run has its process. Promises 6, 7, rule 9.",
    holds: ({ ledger, lives }, { at }) => {
      for (const [instanceId, own] of lives.live) {
        const state = ledger.states.get(instanceId);
        const stranger = !isCreationLost(ledger, instanceId) && isQuiet(ledger, instanceId, at) &&
          own.find(({ runId, from }) =>
            at - from > PASSING_MS && (!state || runOf(state) !== runId)
          );
        if (stranger) {
          return `${stranger.runId} of ${instanceId} lives, and the log says ${
            state ? `${statusOf(state)} ${state.context.run?.runId ?? ""}` : "nothing"
          }`;
        }
      }
      for (const state of ledger.states.values()) {
        const { instanceId } = state.context;
        const runId = runOf(state);
        if (runId === null || !isQuiet(ledger, instanceId, at)) continue;
        const life = lives.all.get(runId);
        if (!life || (life.to !== null && at - life.to > PASSING_MS)) {
          return `${instanceId} runs as ${runId}, and that process is gone`;
        }
      }
      return null;
    },
  },
  desiredIsReached: {
    sentence:
      "Every instance is as its user wanted it last, unless that very command failed or expired. Promise 10, traps 16.",
    holds: ({ ledger }, { at }) => {
      for (const state of ledger.states.values()) {
        const { desired, instanceId, failure } = state.context;
        if (!isQuiet(ledger, instanceId, at) || isWishLost(ledger, instanceId)) continue;
        const status = statusOf(state);
        const isReached = desired === "deleted"
          ? status === "Deleted"
          : desired === "stopped"
          ? status === "Stopped" || status === "Created" || status === "Deleted"
          : status === "Running" || status === "Stopped" || failure !== null;
        if (!isReached && !hasFailedLast(ledger.histories.get(instanceId) ?? [], ledger)) {
          return `${instanceId} should be ${desired} and is ${status}`;
        }
      }
      return null;
    },
  },
  nodesAgree: {
    sentence: "Every node knows every instance, and the newest of it. Promise 2, traps 16.",
    holds: ({ ledger }, { nodes, at }) => {
      for (const { name, states } of nodes) {
        let known = 0;
        for (const { context: { instanceId, version } } of states()) {
          known++;
          const newest = ledger.versionOf(instanceId);
          if (version !== newest && isQuiet(ledger, instanceId, at, TAIL_MS)) {
            return `${name} has ${instanceId} at ${version}, the log at ${newest}`;
          }
        }
        if (known !== ledger.states.size) {
          return `${name} knows ${known} instances, the log ${ledger.states.size}`;
        }
      }
      return null;
    },
  },
  logReadsAsItWasWritten: {
    sentence:
      "The log, read from its start, is what was written, but for what was cut and what rollbacks have taken. Promises 1, 2.",
    holds: ({ ledger }, { log, cut }) => {
      if (log === null) return null;
      const kept = ledger.order.filter(({ event }) => comparePositions(event.position, cut) > 0);
      if (log.length !== kept.length) {
        return `${kept.length} events were written and not cut, and ${log.length} are read`;
      }
      for (const [index, event] of log.entries()) {
        const written = kept[index]!.event;
        if (event.position !== written.position || event.type !== written.type) {
          return `${written.type} at ${written.position} is read as ${event.type} at ${event.position}`;
        }
      }
      return null;
    },
  },
};

/** A delay that is drawn by a clock which has jumped since may be long. */
function isOver(nextStart: { at: number } | null, logAt: number): boolean {
  return nextStart !== null && nextStart.at <= logAt;
}

function runOf(state: InstanceState): string | null {
  return statusOf(state) === "Running" ? state.context.run?.runId ?? null : null;
}

/** A rollback has taken the whole instance: nobody can take its server up, so it is left alone and told of. */
function isCreationLost(ledger: Ledger, instanceId: string): boolean {
  return !ledger.states.has(instanceId) &&
    [...ledger.lost.values()].flat().some(({ event }) => event.instanceId === instanceId);
}

/** A rollback has taken what a user asked for last; what runs because of it was found, and is taken up as it is. */
function isWishLost(ledger: Ledger, instanceId: string): boolean {
  const history = ledger.histories.get(instanceId) ?? [];
  const asked = history.findLast(({ event }) => "generation" in event.data);
  return [...ledger.lost.values()].flat().some(({ event, writtenAt }) =>
    event.instanceId === instanceId && "generation" in event.data &&
    writtenAt > (asked?.writtenAt ?? -Infinity)
  );
}

/** What a user asked for last is not to be had: its command did not succeed. */
function hasFailedLast(history: readonly Entry[], ledger: Ledger): boolean {
  const last = history.findLast(({ event }) => "generation" in event.data)?.event;
  if (!last || !("generation" in last.data) || last.data.commandId === null) return false;
  const ended = ledger.commands.get(last.data.commandId)?.ended;
  return ended !== null && ended !== undefined && ended.event.type !== "CommandSucceeded";
}
