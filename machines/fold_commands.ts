/** The commands in hand after an event, and what the end of one leaves behind. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { Exit } from "../events/runtime_info.ts";
import { failureAtEnd } from "./command_end.ts";
import { type Facts, type LastError, limitsOf, type PendingCommand } from "./facts.ts";
import { commandOf, endedCommandId, remainingCommands, reportedRun } from "./reports.ts";

/** The commands in hand, and what the end of one leaves behind. */
export function foldCommands(before: Facts, facts: Facts, event: RecordedEvent): Partial<Facts> {
  const added = commandAdded(event, before);
  if (added) return { commands: [...facts.commands, added] };
  const command = commandOf(before, event);
  if (event.type === "CommandAccepted") {
    const { workerId, site, attempt } = event.data;
    return {
      ...(attempt > 1 && spawns(command) ? { mayComeLate: true } : {}),
      commands: before.commands.map((one) =>
        one === command
          ? { ...one, site, accepted: { workerId, site, attempt, at: event.at } }
          : one
      ),
    };
  }
  const ended: Partial<Facts> = { commands: remainingCommands(before, event) };
  if (event.type === "CommandForgotten" && spawns(command)) ended.mayComeLate = true;
  if (before.queuedStart && endedCommandId(event) === before.queuedStart.commandId) {
    ended.queuedStart = null;
    if (event.type === "CommandCancelled" && event.data.reason === "StopRequested") {
      ended.desired = "stopped";
    }
  }
  const error = errorOf(event);
  if (error) ended.lastError = error;
  if (event.type === "CommandSucceeded" && command?.kind === "delete") {
    ended.deletedAt = before.deletedAt ?? event.at;
  }
  // With another request in hand, the end of the policy's start is what that request asked for.
  const isUnasked = before.desired === "running" && before.queuedStart === null &&
    ended.commands?.length === 0 && event.type !== "CommandCancelled";
  if (command && error?.retryable && isUnasked && isJudged(facts, command, event)) {
    ended.unjudged = {
      runId: facts.run?.runId ?? command.commandId,
      exit: ownExit(event),
      ranForMs: 0,
      // Also when no worker was there to take it: it is not for the policy to say that it stays lost.
      isLost: event.type === "CommandForgotten" ||
        (event.type === "CommandExpired" && goesOnElsewhere(facts)),
    };
    ended.failure = facts.failure ?? error;
  }
  return ended;
}

function spawns(command: PendingCommand | undefined): boolean {
  return command?.kind === "start" || command?.kind === "restart";
}

/** How a server that did not get through its start ended by itself; null where it was ended, or never was. */
function ownExit(event: RecordedEvent): Exit | null {
  const exit = reportedRun(event)?.exit;
  return exit?.reason === "Exited" ? exit : null;
}

/** Whether the restart policy has a say about a start that came to nothing: its own, and one that its worker took along. */
function isJudged(facts: Facts, command: PendingCommand, event: RecordedEvent): boolean {
  if (command.cause === "restart-policy") {
    return command.kind === "start" || facts.run?.runtimeInfo?.status !== "Running";
  }
  if (event.type !== "CommandForgotten" || !goesOnElsewhere(facts)) return false;
  // While the run before a restart may live it is judged with that run's end.
  return command.kind === "start" ||
    (command.kind === "restart" && facts.run?.runtimeInfo?.status !== "Running");
}

/** The user wants it to go on elsewhere once its worker is lost. */
export function goesOnElsewhere({ specification }: Facts): boolean {
  return specification?.onWorkerLost === "reschedule";
}

function commandAdded(event: RecordedEvent, facts: Facts): PendingCommand | null {
  switch (event.type) {
    case "StartRequested":
    case "RestartRequested":
    case "StopRequested":
    case "DeleteRequested":
    case "MoveRequested": {
      const { commandId, generation, site, acceptWithinMs } = event.data;
      if (commandId === null) return null;
      return {
        commandId,
        kind: kinds[event.type],
        generation,
        site,
        requestedAt: event.at,
        acceptBy: event.at + acceptWithinMs,
        cause: "cause" in event.data ? event.data.cause ?? "user" : "user",
        launch: "configuration" in event.data
          ? {
            configuration: event.data.configuration,
            configurationRevision: event.data.configurationRevision,
            ...limitsOf(event.data.limits),
          }
          : facts.run?.launch ?? null,
        leaseMs: "leaseMs" in event.data ? event.data.leaseMs ?? null : null,
        accepted: null,
        ...(event.type === "MoveRequested" ? { to: event.data.to } : {}),
      };
    }
    default:
      return null;
  }
}

const kinds = {
  StartRequested: "start",
  RestartRequested: "restart",
  StopRequested: "stop",
  DeleteRequested: "delete",
  MoveRequested: "move",
} as const;

/** What went wrong with a command, for display; a cancelled one was replaced on request. */
export function errorOf(event: RecordedEvent): LastError | null {
  const failure = event.type === "CommandCancelled" ? null : failureAtEnd(event);
  return failure && { ...failure, at: event.at };
}
