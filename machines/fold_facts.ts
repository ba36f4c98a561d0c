/** The facts after an event: the context half of the lifecycle machine. Total: every event in every state. */
import type { RecordedEvent } from "../events/envelope.ts";
import { changed, type Destination, type SpecificationChanges } from "../events/specification.ts";
import { type Facts, type LastError, limitsOf } from "./facts.ts";
import { foldCommands } from "./fold_commands.ts";
import { foldHealth } from "./fold_health.ts";
import { foldRun } from "./fold_run.ts";
import { commandOf, endsAMove, reportedRun } from "./reports.ts";

/** More than any policy counts. */
const RECENT_STARTS_MAX = 100;

/** The facts after `event`. What the run's report says is taken up first, then what the request or policy changes. */
export function foldFacts(before: Facts, event: RecordedEvent): Facts {
  const facts = {
    ...before,
    version: event.version,
    position: event.position,
    lastModifiedAt: event.at,
    // A log that lost its end knows less than the hosts: what comes next must be newer than what runs there.
    generation: Math.max(before.generation, reportedRun(event)?.generation ?? 0),
    ...foldRun(before, event),
  };
  const folded = {
    ...facts,
    ...foldRequest(facts, event),
    ...foldCommands(before, facts, event),
    ...foldMove(before, facts, event),
  };
  return foldHealth(before, folded, event);
}

function foldRequest(facts: Facts, event: RecordedEvent): Partial<Facts> {
  switch (event.type) {
    case "InstanceCreated":
      return {
        specification: event.data.specification,
        revision: 1,
        specificationVersion: event.version,
        createdAt: event.at,
      };
    case "InstanceConfigured":
      return configured(facts, event.data.changes, event.version);
    case "StartRequested":
      return {
        ...wants(facts, event, "running"),
        nextStart: null,
        unjudged: null,
        queuedStart: facts.queuedStart?.commandId === event.data.commandId
          ? null
          : facts.queuedStart,
        ...counted(facts, event.data.cause, event.at, event.data.isRetry),
      };
    case "StartQueued":
      return {
        desired: "running",
        stoppedAsOf: null,
        queuedStart: {
          commandId: event.data.commandId,
          requestedAt: event.at,
          expiresAt: event.at + event.data.acceptWithinMs,
          launch: {
            configuration: event.data.configuration,
            configurationRevision: event.data.configurationRevision,
            ...limitsOf(event.data.limits),
          },
        },
      };
    case "RestartRequested":
      return {
        ...wants(facts, event, "running"),
        nextStart: null,
        unjudged: null,
        ...counted(facts, event.data.cause ?? "user", event.at),
      };
    case "StopRequested":
      return {
        ...wants(facts, event, "stopped"),
        stoppedAsOf: event.data.commandId === null ? event.at : null,
        nextStart: null,
        unjudged: null,
        failure: event.data.commandId === null ? null : facts.failure,
      };
    case "DeleteRequested":
      return {
        ...wants(facts, event, "deleted"),
        nextStart: null,
        unjudged: null,
        deletedAt: event.data.force || event.data.commandId === null ? event.at : null,
        deletedBy: askerOf(event),
      };
    case "ExternalStatusReported":
      return {
        externalStatus: { ...event.data, at: event.at, by: askerOf(event) },
      };
    default:
      return foldRestarts(facts, event);
  }
}

function askerOf({ meta }: RecordedEvent): string {
  return meta.requestedBy ?? "unknown";
}

/** What a move takes back at once, and where the instance is from its end on. */
function foldMove(before: Facts, facts: Facts, event: RecordedEvent): Partial<Facts> {
  if (event.type === "MoveRequested") {
    const isDone = event.data.commandId === null;
    return {
      ...wants(facts, event, "stopped"),
      stoppedAsOf: isDone ? event.at : null,
      nextStart: null,
      unjudged: null,
      ...(isDone ? moved(facts, event.data.to, event.version) : {}),
    };
  }
  const to = endsAMove(before, event) ? commandOf(before, event)?.to : undefined;
  return to ? moved(facts, to, event.version) : {};
}

/** The policy's tries: its own add up, a user's begins the count anew, unless it came in the place of a planned one. */
function counted(
  { restarts, recentStarts }: Facts,
  cause: "user" | "restart-policy" | "queue",
  at: number,
  isRetry = false,
): Partial<Facts> {
  if (isRetry) return {};
  if (cause !== "restart-policy") return { attempts: 0, recentStarts: [] };
  return {
    restarts: restarts + 1,
    recentStarts: [...recentStarts, at].slice(-RECENT_STARTS_MAX),
  };
}

/** What the restart policy has decided. */
function foldRestarts(facts: Facts, event: RecordedEvent): Partial<Facts> {
  switch (event.type) {
    case "RestartScheduled":
      return {
        unjudged: null,
        attempts: event.data.attempt + 1,
        nextStart: {
          at: event.at + event.data.delayMs,
          attempt: event.data.attempt,
          runId: event.data.runId,
        },
      };
    case "RestartAbandoned": {
      const failure: LastError = {
        code: "crash_loop",
        message:
          `Started ${event.data.starts} times within the policy's window, and it ended each time.`,
        retryable: true,
        at: event.at,
      };
      // One that lives on, unhealthy as it is, has not ended.
      return {
        unjudged: null,
        nextStart: null,
        lastError: failure,
        ...(facts.run?.runtimeInfo?.status === "Running" ? {} : { failure }),
      };
    }
    default:
      return {};
  }
}

function configured(
  facts: Facts,
  changes: SpecificationChanges | Destination,
  version: number,
): Partial<Facts> {
  return {
    specification: facts.specification && changed(facts.specification, changes),
    revision: facts.revision + (changes.configuration ? 1 : 0),
    specificationVersion: version,
  };
}

/** It is as new where it goes; that its runs before have ended is still known. */
function moved(facts: Facts, to: Destination, version: number): Partial<Facts> {
  return { ...configured(facts, to, version), run: null, failure: null, mayComeLate: false };
}

function wants(facts: Facts, event: RecordedEvent, desired: Facts["desired"]): Partial<Facts> {
  const generation = "generation" in event.data ? event.data.generation : facts.generation;
  return {
    desired,
    stoppedAsOf: null,
    generation,
    specificationVersion: facts.desired === desired ? facts.specificationVersion : event.version,
  };
}
