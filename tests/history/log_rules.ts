/** What must hold of each event when it is added to the log: order, requests and keys, and the lives of commands. */
import { comparePositions } from "../../events/envelope.ts";
import { endedCommandId } from "../../machines/reports.ts";
import { storedState } from "../../machines/evolve.ts";
import { canonicalJson } from "../../events/json.ts";
import {
  type CommandStory,
  type Entry,
  isOneAppend,
  type Ledger,
  requestIdOf,
  wasSetBack,
} from "./ledger.ts";
import type { Rules } from "./rule.ts";

/** Asked before the event is in the ledger. */
export type LogRules = Rules<[ledger: Ledger, entry: Entry]>;

/** The order of the log, and one effect for one request. */
export const ORDER_RULES: LogRules = {
  positionsHaveNoGap: {
    sentence: "Positions only grow, and where they count, none is missing. Promise 2.",
    holds: (ledger, { event: { position } }) => {
      if (comparePositions(position, ledger.position) <= 0) {
        return `the log goes back: after ${ledger.position} comes ${position}`;
      }
      if (ledger.form === "stream") return null;
      return Number.parseInt(position) === Number.parseInt(ledger.position) + 1
        ? null
        : `the log has a gap: after ${ledger.position} comes ${position}`;
    },
  },
  versionsHaveNoGap: {
    sentence: "An instance's versions are 1, 2, 3 … with no gap and no fork. Promise 2, traps 1.",
    holds: (_, { before, event: { version } }) =>
      version === before.context.version + 1
        ? null
        : `version ${version} follows version ${before.context.version}`,
  },
  eventsNameTheirPrevious: {
    sentence: "Each event names the instance's event before it, so no history forks. Traps 1.",
    holds: (_, { before, event }) => {
      const previous = before.context.version === 0 ? null : before.context.position;
      return event.previous === previous
        ? null
        : `it names ${event.previous} as the event before, which is ${previous}`;
    },
  },
  requestsActOnce: {
    sentence: "One request has at most one effect, in one append. Promise 8, traps 4.",
    holds: (ledger, entry) => {
      const id = requestIdOf(entry.event);
      const effect = id === null ? undefined : ledger.effects.get(id)?.entries;
      return effect && !isOneAppend(effect.at(-1)!, entry)
        ? `the request ${id} had its effect before, at ${effect[0]!.event.position}`
        : null;
    },
  },
  keysActOnce: {
    sentence: "One idempotency key has at most one effect. Rule 11, traps 4.",
    holds: (ledger, { event: { meta } }) => {
      const first = meta.idempotency && ledger.keys.get(meta.idempotency.key)?.event.meta;
      return first && first.requestId !== meta.requestId
        ? `the idempotency key of ${
          first.correlationId ?? first.requestId
        } had a second effect, by ${meta.correlationId ?? meta.requestId}`
        : null;
    },
  },
  baselinesAreTheFold: {
    sentence: "A baseline is what the events before it fold to. Promise 2.",
    holds: (_, { before, event }) =>
      event.type === "Baseline" &&
        canonicalJson(event.data.state) !== canonicalJson(storedState(before))
        ? "the baseline is not the fold of what it replaces"
        : null,
  },
};

/** One life of a command: asked for, accepted in order, ended once by whom it belongs to. */
export const COMMAND_RULES: LogRules = {
  commandsAreAskedForOnce: {
    sentence:
      "A command is asked for once; a start that waited for a stop is then sent. Promise 4.",
    holds: (ledger, { event }) => {
      if (!("generation" in event.data) || event.data.commandId === null) return null;
      const { commandId } = event.data;
      const known = ledger.commands.get(commandId);
      const isReleased = event.type === "StartRequested" && known?.isQueued && !known.ended;
      return known && !isReleased ? `the command ${commandId} was asked for before` : null;
    },
  },
  commandsEndOnce: {
    sentence: "A command that somebody asked for ends exactly once. Promise 5, traps 7.",
    holds: (ledger, { event }) => {
      const id = endedCommandId(event);
      if (id === null) return null;
      const command = ledger.commands.get(id);
      if (!command) return `it ends the command ${id}, which nobody has asked for`;
      return command.ended
        ? `the command ${id} ended before, at ${command.ended.event.position}`
        : null;
    },
  },
  onlyWhatIsSentIsAccepted: {
    sentence: "Only a command that was sent and has not ended is accepted. Promises 4, 5.",
    holds: (ledger, { event }) => {
      if (event.type !== "CommandAccepted") return null;
      const { commandId } = event.data;
      const command = ledger.commands.get(commandId);
      if (!command || command.isQueued) return `nobody has sent the command ${commandId}`;
      return command.ended
        ? `the command ${commandId} had ended at ${command.ended.event.position}`
        : null;
    },
  },
  attemptsCountFromOne: {
    sentence: "Attempts at a command are counted from 1, none left out or given twice. Rule 7.",
    holds: (ledger, { event }) => {
      if (event.type !== "CommandAccepted") return null;
      const { commandId, attempt } = event.data;
      const expected = (ledger.commands.get(commandId)?.accepts.length ?? 0) + 1;
      return attempt === expected
        ? null
        : `attempt ${attempt} of ${commandId} should be ${expected}`;
    },
  },
  takeoverStaysWithItsWorker: {
    sentence:
      "An accepted command is taken over only by a new incarnation of its worker, at its site. Rules 2, 7.",
    holds: (ledger, { event }) => {
      if (event.type !== "CommandAccepted") return null;
      const { commandId, workerId, incarnation, site } = event.data;
      const last = ledger.commands.get(commandId)?.accepts.at(-1)?.event.data;
      if (!last) return null;
      if (last.workerId !== workerId || last.site !== site) {
        return `${commandId} went from ${last.workerId} at ${last.site} to ${workerId} at ${site}`;
      }
      return last.incarnation === incarnation
        ? `${commandId} was accepted twice by ${incarnation}`
        : null;
    },
  },
  onlyTheAcceptedAttemptEnds: {
    sentence:
      "Only the worker that accepted a command succeeds or fails at it, by its last attempt. Rule 2.",
    holds: (ledger, { event }) => {
      if (event.type !== "CommandSucceeded" && event.type !== "CommandFailed") return null;
      const { commandId, attempt, workerId } = event.data;
      const command = ledger.commands.get(commandId);
      const last = command?.accepts.at(-1)?.event.data;
      return !command || (last?.attempt === attempt && last.workerId === workerId)
        ? null
        : `${commandId} was ended by attempt ${attempt} of ${workerId}, which was not its last`;
    },
  },
  answersFitTheirCommands: {
    sentence: "A response is of the kind of its command. Promise 9.",
    holds: (ledger, { event }) => {
      if (event.type !== "CommandSucceeded" && event.type !== "CommandFailed") return null;
      const command = ledger.commands.get(event.data.commandId);
      const { type } = event.data.response;
      // What a move asks of its worker is a delete.
      return !command ||
          type.toLowerCase().startsWith(command.kind === "move" ? "delete" : command.kind)
        ? null
        : `the ${command.kind} ${command.commandId} was answered by a ${type}`;
    },
  },
  successIsOfItsCommand: {
    sentence:
      "A start or restart that succeeded tells of a run of its own generation, but for one that was taken over old. Rules 6, 7.",
    holds: (ledger, { event }) => {
      if (event.type !== "CommandSucceeded") return null;
      const command = ledger.commands.get(event.data.commandId);
      const run = event.data.response.runtimeInfo;
      if (!run || (command?.kind !== "start" && command?.kind !== "restart")) return null;
      return run.generation === command.generation || isSettled(command)
        ? null
        : `${command.commandId} of generation ${command.generation} tells of a run of ${run.generation}`;
    },
  },
  acceptedIsEndedByItsWorker: {
    sentence:
      "Nodes and the leader end only what nobody has accepted, but for a forced delete, or a worker given up. Rules 2, 9.",
    holds: (ledger, entry) => {
      const { event } = entry;
      if (
        event.type !== "CommandExpired" && event.type !== "CommandCancelled" &&
        event.type !== "CommandRefused"
      ) return null;
      const command = ledger.commands.get(event.data.commandId);
      if (!command || command.accepts.length === 0 || isPartOfForcedDelete(ledger, entry)) {
        return null;
      }
      return `${command.commandId} was taken from its worker by ${event.type}`;
    },
  },
  onlyTheNewestIsAcceptedFirst: {
    sentence:
      "The first accept of a command is of the instance's newest generation, but for a delete, which nothing replaces. Rule 7.",
    holds: (ledger, { before, event }) => {
      if (event.type !== "CommandAccepted" || event.data.attempt > 1) return null;
      const command = ledger.commands.get(event.data.commandId);
      if (command?.kind === "delete") return null;
      return command && command.generation < before.context.generation
        ? `${command.commandId} of generation ${command.generation} was accepted, though ${before.context.generation} was there`
        : null;
    },
  },
  lateIsNotAccepted: {
    sentence: "A command is not accepted after its time is over, by the log's clock. Rules 1, 3.",
    holds: (ledger, { event, clockAt }) => {
      if (event.type !== "CommandAccepted" || event.data.attempt > 1) return null;
      const command = ledger.commands.get(event.data.commandId);
      return command && clockAt >= command.acceptBy
        ? `${command.commandId} was accepted ${clockAt - command.acceptBy} ms after its time`
        : null;
    },
  },
  nothingExpiresEarly: {
    sentence: "Nothing expires before its time is over, by the log's clock. Rules 1, 3, traps 9.",
    holds: (ledger, { event, clockAt }) => {
      if (event.type !== "CommandExpired") return null;
      const command = ledger.commands.get(event.data.commandId);
      return command && clockAt < command.acceptBy && !wasSetBack(ledger, event.instanceId, clockAt)
        ? `${command.commandId} expired ${command.acceptBy - clockAt} ms before its time`
        : null;
    },
  },
  poisonIsNeverAccepted: {
    sentence: "Only what nobody could accept is poison. Rule 12.",
    holds: (ledger, { event }) =>
      event.type === "CommandRefused" && event.data.reason === "Poison" &&
        (ledger.commands.get(event.data.commandId)?.accepts.length ?? 0) > 0
        ? `${event.data.commandId} is called poison, and was accepted`
        : null,
  },
};

function isPartOfForcedDelete(ledger: Ledger, entry: Entry): boolean {
  const history = ledger.histories.get(entry.event.instanceId) ?? [];
  let later = entry;
  for (let index = history.length - 1; index >= 0; index--) {
    const earlier = history[index]!;
    if (!isOneAppend(earlier, later)) return false;
    if (earlier.event.type === "DeleteRequested") return earlier.event.data.force;
    later = earlier;
  }
  return false;
}

/** Its last accept was a take-over when a newer request had come: it only looks. */
function isSettled({ accepts, generation }: CommandStory): boolean {
  const last = accepts.at(-1);
  return last !== undefined && last.event.data.attempt > 1 &&
    last.before.context.generation > generation;
}
