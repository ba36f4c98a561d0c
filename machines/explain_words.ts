/** What an event says of an instance, in a sentence: for `why`. Pure. Design §6. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import { failureAtEnd } from "./command_end.ts";

/** Who asked, as a person says it. */
export function whoAsked({ meta: { requestedBy } }: RecordedEvent): string {
  switch (requestedBy) {
    case undefined:
      return "Somebody";
    case "anonymous":
      return "An anonymous caller";
    case "leader":
      return "The control plane";
    case "exit":
      return "DRaaS, when it was told to end,";
    default:
      return requestedBy;
  }
}

/** The sentence about a request: who asked for what. Null for events that are none. */
export function requestText(event: RecordedEvent): string | null {
  const who = whoAsked(event);
  switch (event.type) {
    case "InstanceCreated":
      return `${who} created it.`;
    case "StartRequested":
      return startText(event, who);
    case "StartQueued":
      return `${who} asked to start it once it is stopped.`;
    case "StopRequested":
      return `${who} asked to stop it${atOnce(event.data.commandId)}.`;
    case "RestartRequested":
      return event.data.cause === undefined
        ? `${who} asked to restart it.`
        : "The restart policy restarts it.";
    case "DeleteRequested":
      return `${who} asked to delete it${
        event.data.force ? ", without waiting for a worker" : atOnce(event.data.commandId)
      }.`;
    case "MoveRequested":
      return `${who} asked to move it to the platform ${event.data.to.platform}${
        event.data.force ? ", without waiting for a worker" : atOnce(event.data.commandId)
      }.`;
    default:
      return null;
  }
}

function startText({ data }: RecordedEvent & { type: "StartRequested" }, who: string): string {
  switch (data.cause) {
    case "user":
      return `${who} asked to start it${data.isRetry ? " before the planned restart" : ""}.`;
    case "restart-policy":
      return "The restart policy starts it again.";
    case "queue":
      return "The stop was over, and the start that waited for it began.";
  }
}

function atOnce(commandId: string | null): string {
  return commandId === null ? "; nothing was known to run, so it was done at once" : "";
}

/** Where a request's command was sent. Null where none was. */
export function commandText(event: RecordedEvent): string | null {
  switch (event.type) {
    case "StartRequested": {
      const { placement, site } = event.data;
      if (placement?.workerId) {
        return `A start was sent to worker ${placement.workerId}: ${placement.reason}.`;
      }
      if (placement) return `A start waits for a worker: ${withoutStop(placement.reason)}.`;
      return site === null
        ? "A start was sent to whichever worker of the platform takes it first."
        : `A start was sent to the site ${site}.`;
    }
    case "RestartRequested":
      return `A restart was sent to the site ${event.data.site ?? "of its last run"}.`;
    case "StopRequested":
      return sentTo("stop", event.data);
    case "DeleteRequested":
      return sentTo("delete", event.data);
    case "MoveRequested":
      return sentTo("delete of what is left", event.data);
    default:
      return null;
  }
}

function sentTo(
  what: string,
  { commandId, site }: { commandId: string | null; site: string | null },
): string | null {
  return commandId === null ? null : `A ${what} was sent to the site ${site ?? "of its last run"}.`;
}

/** What a worker, or time, made of a command. Null for events that end none. */
export function endText(event: RecordedEvent): string | null {
  if (event.type === "CommandSucceeded") return successText(event);
  const failure = failureAtEnd(event);
  if (failure === null) return null;
  const message = withoutStop(failure.message);
  switch (event.type) {
    case "CommandFailed":
      return `Worker ${event.data.workerId} answered that it failed (${failure.code}): ${message}.`;
    case "CommandExpired":
      return `The command's time was over: ${message}.`;
    case "CommandCancelled":
      return `The command was called off: ${message}.`;
    case "CommandRefused":
      return `The command was refused: ${message}.`;
    default:
      return `The command was given up: ${message}.`;
  }
}

function successText(event: RecordedEvent & { type: "CommandSucceeded" }): string {
  const { workerId, response } = event.data;
  const run = response.runtimeInfo;
  switch (response.type) {
    case "StartInstanceResponse":
    case "RestartInstanceResponse":
      return `Worker ${workerId} answered: it runs${run ? placeText(run) : ""}.`;
    case "StopInstanceResponse":
      return `Worker ${workerId} answered: it is stopped${run ? exitText(run) : ""}.`;
    case "DeleteInstanceResponse":
      return `Worker ${workerId} answered: it is removed.`;
  }
}

/** What a worker told unasked. Null for everything else. */
export function reportText(event: RecordedEvent): string | null {
  if (event.type === "HealthObserved") {
    const { workerId, health, reason } = event.data;
    return `Worker ${workerId} reported that it is ${health}${
      reason ? `: ${withoutStop(reason)}` : ""
    }.`;
  }
  if (event.type !== "RuntimeObserved") return null;
  const { workerId, observation, runtimeInfo } = event.data;
  switch (observation) {
    case "Exited":
      return `Worker ${workerId} reported that the server has ended${exitText(runtimeInfo)}.`;
    case "Lost":
      return `Worker ${workerId} reported that the server is gone${exitText(runtimeInfo)}.`;
    case "Found":
      return `Worker ${workerId} found that it runs${placeText(runtimeInfo)}.`;
  }
}

/** What the restart policy decided. Null for everything else. */
export function policyText(event: RecordedEvent): string | null {
  switch (event.type) {
    case "RestartScheduled": {
      const { attempt, delayMs, cause } = event.data;
      const why = cause === undefined ? "" : ", since it is unhealthy";
      return `The restart policy planned try ${attempt + 1} in ${delayMs} ms${why}.`;
    }
    case "RestartAbandoned":
      return `The restart policy gave it up after ${event.data.starts} starts within its window.`;
    default:
      return null;
  }
}

function placeText({ processId, containerId, podName }: RuntimeInfo): string {
  if (podName !== undefined) return ` as pod ${podName}`;
  if (containerId !== undefined) return ` as container ${containerId.slice(0, 12)}`;
  return processId === undefined ? "" : ` as process ${processId}`;
}

function exitText({ exit }: RuntimeInfo): string {
  return exit ? `: ${withoutStop(exit.message)}` : "";
}

/** Workers end their sentences as they like. */
export function withoutStop(text: string): string {
  return text.replace(/[.\s]+$/, "");
}

/** The last time that can be written as ISO 8601, epoch milliseconds. */
const TIME_MAX = 8.64e15;

/** A time in a sentence. */
export function timeText(at: number): string {
  return Math.abs(at) <= TIME_MAX ? new Date(at).toISOString() : "a time that never comes";
}
