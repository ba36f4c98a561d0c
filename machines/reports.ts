/** Readings of an event against the facts so far: whose command it ends, and what it says of the run. */
import type { RecordedEvent } from "../events/envelope.ts";
import { isNewer, type RuntimeInfo } from "../events/runtime_info.ts";
import type { Facts, PendingCommand } from "./facts.ts";

/** The command that an event ends, by its id; null for events that end none. Design §1, promise 4. */
export function endedCommandId(event: RecordedEvent): string | null {
  switch (event.type) {
    case "CommandSucceeded":
    case "CommandFailed":
    case "CommandExpired":
    case "CommandCancelled":
    case "CommandRefused":
    case "CommandForgotten":
      return event.data.commandId;
    default:
      return null;
  }
}

/** The pending command that an event ends or accepts. */
export function commandOf(facts: Facts, event: RecordedEvent): PendingCommand | undefined {
  const id = event.type === "CommandAccepted" ? event.data.commandId : endedCommandId(event);
  return id === null ? undefined : facts.commands.find((command) => command.commandId === id);
}

/** The pending commands that are left after an event. */
export function remainingCommands(facts: Facts, event: RecordedEvent): PendingCommand[] {
  const id = endedCommandId(event);
  return id === null
    ? facts.commands
    : facts.commands.filter((command) => command.commandId !== id);
}

/** The run that an event reports on; null when it reports on none. */
export function reportedRun(event: RecordedEvent): RuntimeInfo | null {
  switch (event.type) {
    case "CommandSucceeded":
    case "CommandFailed":
      return event.data.response.runtimeInfo ?? null;
    case "RuntimeObserved":
      return event.data.runtimeInfo;
    default:
      return null;
  }
}

/**
 * It says that a run lives which has not ended yet: a late report never revives one, and one that is found takes the
 * place of a live one only when it is newer. Design §4.
 */
export function reportsLiveRun(facts: Facts, event: RecordedEvent): boolean {
  const run = reportedRun(event);
  if (run?.status !== "Running" || facts.endedRuns.includes(run.runId)) return false;
  if (event.type !== "RuntimeObserved") return true;
  const known = facts.run?.runtimeInfo;
  return event.data.observation === "Found" &&
    (known?.status !== "Running" || isNewer(run, known));
}

/** A move is done. Not where a run was found elsewhere meanwhile: that is what the instance is from then on. */
export function endsAMove(facts: Facts, event: RecordedEvent): boolean {
  const command = commandOf(facts, event);
  return event.type === "CommandSucceeded" && command?.kind === "move" &&
    !livesElsewhere(facts, command);
}

function livesElsewhere({ run }: Facts, { site }: PendingCommand): boolean {
  return run?.runtimeInfo?.status === "Running" && run.site !== site;
}

/** It says that the present run is over, or that nothing runs. */
export function reportsEndedRun(facts: Facts, event: RecordedEvent): boolean {
  const present = facts.run?.runId ?? null;
  const run = reportedRun(event);
  if (event.type === "RuntimeObserved") {
    return event.data.observation !== "Found" && run !== null && run.runId === present &&
      !facts.endedRuns.includes(run.runId);
  }
  if (event.type === "CommandSucceeded" || event.type === "CommandFailed") {
    if (run?.status === "Running") return false;
    if (run !== null) return present === null || run.runId === present || isNewRun(facts, run);
    const { type } = event.data.response;
    if (event.type === "CommandSucceeded") {
      const command = commandOf(facts, event);
      if (command?.kind === "move" && livesElsewhere(facts, command)) return false;
      return type === "StopInstanceResponse" || type === "DeleteInstanceResponse";
    }
    return facts.run !== null && present === null;
  }
  return event.type === "CommandForgotten" && present === null &&
    commandOf(facts, event)?.kind === "start";
}

/** An accept of a start begins a run: from here on something may live at that site. */
export function beginsRun(facts: Facts, event: RecordedEvent): boolean {
  return event.type === "CommandAccepted" && commandOf(facts, event)?.kind === "start";
}

function isNewRun(facts: Facts, run: RuntimeInfo): boolean {
  return !facts.endedRuns.includes(run.runId) &&
    run.generation >= (facts.run?.runtimeInfo?.generation ?? 0);
}
