/** The facts after an event: the context half of the lifecycle machine. Total: every event in every state. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { SpecificationChanges } from "../events/specification.ts";
import type { Facts, LastError, PendingCommand, Run } from "./facts.ts";
import {
  beginsRun,
  commandOf,
  endedCommandId,
  remainingCommands,
  reportedRun,
  reportsEndedRun,
  reportsLiveRun,
} from "./reports.ts";

/** How many ended runs are remembered: more than can be reported late at once (start, restart, adoption). */
const ENDED_RUNS_MAX = 8;
const RECENT_STARTS_MAX = 100;

/** The facts after `event`. What the run's report says is taken up first, then what the request or policy changes. */
export function foldFacts(before: Facts, event: RecordedEvent): Facts {
  const facts = {
    ...before,
    version: event.version,
    position: event.position,
    lastModifiedAt: event.at,
    ...foldRun(before, event),
  };
  return { ...facts, ...foldRequest(facts, event), ...foldCommands(before, facts, event) };
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
        ...(event.data.cause === "restart-policy"
          ? {
            restarts: facts.restarts + 1,
            recentStarts: [...facts.recentStarts, event.at].slice(-RECENT_STARTS_MAX),
          }
          : { attempts: 0, recentStarts: [] }),
      };
    case "StartQueued":
      return {
        desired: "running",
        queuedStart: {
          commandId: event.data.commandId,
          requestedAt: event.at,
          expiresAt: event.at + event.data.acceptWithinMs,
          launch: {
            configuration: event.data.configuration,
            configurationRevision: event.data.configurationRevision,
          },
        },
      };
    case "RestartRequested":
      return {
        ...wants(facts, event, "running"),
        nextStart: null,
        unjudged: null,
        attempts: 0,
        recentStarts: [],
      };
    case "StopRequested":
      return {
        ...wants(facts, event, "stopped"),
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
        deletedBy: event.meta.requestedBy ?? "unknown",
      };
    default:
      return foldRestarts(event);
  }
}

/** What the restart policy has decided. */
function foldRestarts(event: RecordedEvent): Partial<Facts> {
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
        code: "CrashLoop",
        message:
          `Started ${event.data.starts} times within the policy's window, and it ended each time.`,
        retryable: true,
        at: event.at,
      };
      return { unjudged: null, nextStart: null, failure, lastError: failure };
    }
    default:
      return {};
  }
}

function configured(
  facts: Facts,
  changes: SpecificationChanges,
  version: number,
): Partial<Facts> {
  const given = Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  );
  return {
    specification: facts.specification && { ...facts.specification, ...given },
    revision: facts.revision + (changes.configuration ? 1 : 0),
    specificationVersion: version,
  };
}

function wants(facts: Facts, event: RecordedEvent, desired: Facts["desired"]): Partial<Facts> {
  const generation = "generation" in event.data ? event.data.generation : facts.generation;
  return {
    desired,
    generation,
    specificationVersion: facts.desired === desired ? facts.specificationVersion : event.version,
  };
}

/** The commands in hand, and what the end of one leaves behind. */
function foldCommands(before: Facts, facts: Facts, event: RecordedEvent): Partial<Facts> {
  const added = commandAdded(event, before);
  if (added) return { commands: [...facts.commands, added] };
  const command = commandOf(before, event);
  if (event.type === "CommandAccepted") {
    const { workerId, site, attempt } = event.data;
    return {
      commands: before.commands.map((one) =>
        one === command
          ? { ...one, site, accepted: { workerId, site, attempt, at: event.at } }
          : one
      ),
    };
  }
  const ended: Partial<Facts> = { commands: remainingCommands(before, event) };
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
  if (
    command?.kind === "start" && command.cause === "restart-policy" && error?.retryable && isUnasked
  ) {
    ended.unjudged = { runId: facts.run?.runId ?? command.commandId, exit: null, ranForMs: 0 };
    ended.failure = facts.failure ?? error;
  }
  return ended;
}

function commandAdded(event: RecordedEvent, facts: Facts): PendingCommand | null {
  switch (event.type) {
    case "StartRequested":
    case "RestartRequested":
    case "StopRequested":
    case "DeleteRequested": {
      const { commandId, generation, site, acceptWithinMs } = event.data;
      if (commandId === null) return null;
      return {
        commandId,
        kind: kinds[event.type],
        generation,
        site,
        requestedAt: event.at,
        acceptBy: event.at + acceptWithinMs,
        cause: event.type === "StartRequested" ? event.data.cause : "user",
        launch: "configuration" in event.data
          ? {
            configuration: event.data.configuration,
            configurationRevision: event.data.configurationRevision,
          }
          : facts.run?.launch ?? null,
        accepted: null,
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
} as const;

function errorOf(event: RecordedEvent): LastError | null {
  const { at } = event;
  switch (event.type) {
    case "CommandFailed": {
      const { errorCode, errorMessage, retryable } = event.data.response;
      return {
        code: errorCode ?? "failed",
        message: errorMessage ?? "The worker gave no reason.",
        retryable: retryable ?? true,
        at,
      };
    }
    case "CommandExpired":
      return { code: event.data.reason, message: EXPIRED[event.data.reason], retryable: true, at };
    case "CommandRefused":
      return {
        code: event.data.reason,
        message: REFUSED[event.data.reason],
        retryable: event.data.reason !== "Poison",
        at,
      };
    case "CommandForgotten":
      return {
        code: "Forgotten",
        message: `The worker ${event.data.workerId} was given up; what it did is not known.`,
        retryable: true,
        at,
      };
    default:
      return null;
  }
}

const EXPIRED = {
  NoWorker: "No worker took the command in time: none is running for this platform and site.",
  WorkersBusy: "No worker took the command in time: all were busy.",
  WorkersUnreachable:
    "No worker took the command in time: those that could have not been heard of.",
  NotReleased: "The stop that this start waited for did not end in time.",
} as const;

const REFUSED = {
  StaleGeneration: "A newer request has replaced this one.",
  Poison: "The command was delivered five times and never accepted.",
} as const;

/** What is known of the run after an event. */
function foldRun(facts: Facts, event: RecordedEvent): Partial<Facts> {
  if (beginsRun(facts, event) && event.type === "CommandAccepted") {
    const run: Run = {
      runId: null,
      site: event.data.site,
      workerId: event.data.workerId,
      since: event.at,
      launch: commandOf(facts, event)?.launch ?? null,
      runtimeInfo: null,
    };
    // A taken-over restart of the same start must not hide a run that is known to live.
    return facts.run && isLive(facts.run) ? {} : { run, failure: null };
  }
  if (reportsLiveRun(facts, event)) return liveRun(facts, event, reportedRun(event)!);
  if (reportsEndedRun(facts, event)) return endedRun(facts, event);
  return {};
}

function isLive(run: Run): boolean {
  return run.runtimeInfo?.status === "Running";
}

function liveRun(facts: Facts, event: RecordedEvent, info: RuntimeInfo): Partial<Facts> {
  const launch = commandOf(facts, event)?.launch ?? facts.run?.launch ?? null;
  const replaced = facts.run?.runId && facts.run.runId !== info.runId ? [facts.run.runId] : [];
  return {
    run: {
      runId: info.runId,
      site: info.site,
      workerId: "workerId" in event.data ? event.data.workerId : facts.run?.workerId ?? "",
      since: event.at,
      launch,
      runtimeInfo: info,
    },
    failure: null,
    unjudged: null,
    endedRuns: [...replaced, ...facts.endedRuns].slice(0, ENDED_RUNS_MAX),
  };
}

function endedRun(facts: Facts, event: RecordedEvent): Partial<Facts> {
  const info = reportedRun(event) ?? facts.run?.runtimeInfo ?? null;
  const runId = info?.runId ?? facts.run?.runId ?? null;
  const run: Run | null = facts.run && {
    ...facts.run,
    runId,
    since: event.at,
    runtimeInfo: info && { ...info, status: "Stopped", stoppedAt: info.stoppedAt ?? event.at },
  };
  const endedRuns = runId === null || facts.endedRuns.includes(runId)
    ? facts.endedRuns
    : [runId, ...facts.endedRuns].slice(0, ENDED_RUNS_MAX);
  const failure = failureOf(facts, event, info);
  return {
    run,
    endedRuns,
    failure,
    lastError: failure ?? facts.lastError,
    ...judgement(facts, event, info),
  };
}

/** Why an ended run counts as failed; null for one that ended as asked or with exit code 0. */
function failureOf(facts: Facts, event: RecordedEvent, info: RuntimeInfo | null): LastError | null {
  if (event.type === "CommandFailed" || event.type === "CommandForgotten") return errorOf(event);
  if (event.type !== "RuntimeObserved") return null;
  if (facts.desired !== "running") return null;
  const exit = info?.exit;
  if (event.data.observation === "Exited" && exit?.code === 0) return null;
  return {
    code: event.data.observation === "Lost" ? "Lost" : exit?.reason ?? "Exited",
    message: exit?.message ?? "The server is gone, and nobody can say how it ended.",
    retryable: true,
    at: event.at,
  };
}

/** An end that nobody asked for waits for the restart policy's judgement. */
function judgement(facts: Facts, event: RecordedEvent, info: RuntimeInfo | null): Partial<Facts> {
  const isUnasked = event.type === "RuntimeObserved" && facts.desired === "running" &&
    facts.commands.length === 0;
  if (!isUnasked || !info) return {};
  return {
    unjudged: {
      runId: info.runId,
      exit: info.exit ?? null,
      ranForMs: Math.max(0, (info.stoppedAt ?? event.at) - info.startedAt),
    },
  };
}
