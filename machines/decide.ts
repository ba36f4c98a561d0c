/** The lifecycle's decision: what a request means in a state. Pure; the caller appends. Design §4. */
import type { CommandEnd } from "../events/event_log.ts";
import type { ExternalStatus } from "../events/external_status.ts";
import { type NewEvent, newEvent } from "../events/instance_events.ts";
import { canonicalJson } from "../events/json.ts";
import { isAlready, specificationFaults } from "../events/specification.ts";
import { accept, type Deciding } from "./accept.ts";
import { type Launch, limitsOf, type PendingCommand } from "./facts.ts";
import type { InstanceState } from "./lifecycle.ts";
import { isElsewhere, placed, wantedBy } from "./placement.ts";
import { decideMove, MOVE_IN_WORK } from "./decide_move.ts";
import { conflict, joined, rejected, unchanged } from "./request_answers.ts";
import type { Decision, InstanceRequest, Rejection } from "./requests.ts";
import { allowedRequests, mayRun, moveInHand, statusOf } from "./status.ts";

/** What `request` means in `state`. */
export function decide(state: InstanceState, request: InstanceRequest, given: Deciding): Decision {
  const { context } = state;
  if (request.type === "create") return create(state, request, given);
  if (context.specification === null) {
    return rejected({ code: "not_found", instanceId: context.instanceId });
  }
  const status = statusOf(state);
  if (status === "Deleted") return rejected(deletedRejection(state));
  if (given.ifMatch !== undefined && given.ifMatch !== context.specificationVersion) {
    return rejected({
      code: "stale_version",
      expected: given.ifMatch,
      actual: context.specificationVersion,
    });
  }
  switch (request.type) {
    case "configure":
      return decideConfigure(state, request, given);
    case "start":
      return decideStart(state, request, given);
    case "stop":
      return decideStop(state, given);
    case "restart":
      return decideRestart(state, given);
    case "delete":
      return decideDelete(state, request.force, given);
    case "move":
      return decideMove(state, request, given);
    case "reportStatus":
      return decideReport(state, request.report, given);
  }
}

/** The rejection of everything about a deleted instance. */
export function deletedRejection(state: InstanceState): Rejection {
  const { instanceId, deletedAt, deletedBy, version } = state.context;
  return {
    code: "deleted",
    instanceId,
    deletedAt: deletedAt ?? 0,
    deletedBy: deletedBy ?? "unknown",
    version,
  };
}

function create(
  state: InstanceState,
  request: InstanceRequest & { type: "create" },
  given: Deciding,
): Decision {
  const { instanceId, specification } = state.context;
  if (specification !== null) return rejected({ code: "already_exists", instanceId });
  return accept(
    state,
    [newEvent("InstanceCreated", { specification: request.specification })],
    given,
  );
}

function decideConfigure(
  state: InstanceState,
  { changes, ifDifferent }: InstanceRequest & { type: "configure" },
  given: Deciding,
): Decision {
  const specification = state.context.specification!;
  if (ifDifferent && isAlready(specification, changes)) {
    return unchanged(state, "configure", given);
  }
  if (!allowedRequests(state).includes("configure")) {
    return conflict(state, "The configuration cannot be changed now.");
  }
  const faults = specificationFaults(specification, changes);
  if (faults.length > 0) return rejected({ code: "invalid", faults });
  return accept(state, [newEvent("InstanceConfigured", { changes })], given);
}

/** Design §4 rules 13 and 15: only what is news, and nothing follows from it. */
function decideReport(state: InstanceState, report: ExternalStatus, given: Deciding): Decision {
  const { at: _at, by: _by, ...last } = state.context.externalStatus ?? {};
  return canonicalJson(report) === canonicalJson(last)
    ? unchanged(state, "reportStatus", given)
    : accept(state, [newEvent("ExternalStatusReported", report)], given);
}

function decideStart(
  state: InstanceState,
  request: InstanceRequest & { type: "start" },
  given: Deciding,
): Decision {
  const { context } = state;
  const launch = launchOf(state, request);
  const status = statusOf(state);
  switch (status) {
    case "Running":
      return !request.configuration || sameConfiguration(launch, context.run?.launch)
        ? unchanged(state, "start", given)
        : conflict(
          state,
          "It runs with another configuration. To change that, PATCH serverConfiguration and restart it; or stop it, and start it with this body.",
        );
    case "Starting": {
      const command = context.commands.findLast((one) => one.kind === "start");
      if (!command) {
        return conflict(
          state,
          "A start whose command is gone is still to be settled; stop it first.",
        );
      }
      return !request.configuration || sameConfiguration(launch, command.launch)
        ? joined(state, "start", command.commandId, given)
        : conflict(
          state,
          "It is being started with another configuration; stop it, or restart it once it runs.",
        );
    }
    case "Stopping": {
      if (moveInHand(state)) {
        return conflict(state, "It is being moved; start it once that is done.");
      }
      const queued = context.queuedStart;
      if (!queued) {
        return accept(state, [newEvent("StartQueued", launching(state, launch, given))], given);
      }
      return sameConfiguration(launch, queued.launch)
        ? joined(state, "start", queued.commandId, given)
        : conflict(state, "Another start already waits for the stop.");
    }
    case "Failed": {
      const isRetry = context.nextStart !== null && !request.configuration;
      return accept(state, [startRequested(state, launch, given, "user", isRetry)], given);
    }
    case "Created":
    case "Stopped":
      return accept(state, [startRequested(state, launch, given, "user")], given);
    default:
      return conflict(state, `It cannot be started while ${status}.`);
  }
}

/** The event of a start, for users, for the policy and for a start that waited; placed by what is known of the workers. */
export function startRequested(
  state: InstanceState,
  launch: Launch,
  given: Deciding,
  cause: PendingCommand["cause"],
  isRetry = false,
): NewEvent {
  return newEvent("StartRequested", {
    ...launching(state, launch, given),
    ...leaseOf(state),
    ...placed(wantedBy(state), given.fleet),
    cause,
    ...(isRetry ? { isRetry } : {}),
  });
}

/** The event of a restart of what runs, where it runs: for users, and for the policy. */
export function restartRequested(
  state: InstanceState,
  launch: Launch,
  given: Deciding,
  cause?: "restart-policy",
): NewEvent {
  return newEvent("RestartRequested", {
    ...launching(state, launch, given),
    ...leaseOf(state),
    site: state.context.run?.site ?? null,
    ...(cause ? { cause } : {}),
  });
}

function decideStop(state: InstanceState, given: Deciding): Decision {
  const { context } = state;
  const status = statusOf(state);
  if (status === "Created" || status === "Stopped") return unchanged(state, "stop", given);
  if (status === "Stopping") {
    if (moveInHand(state)?.accepted) return conflict(state, MOVE_IN_WORK);
    const stop = context.commands.findLast((one) => one.kind === "stop");
    const queued = context.queuedStart;
    if (queued) {
      const events = [cancelled(queued.commandId, "StopRequested")];
      const awaits = stop?.commandId ?? null;
      // Names the stop that is waited for, so that a repetition under the same key waits for it too.
      if (awaits && given.keepsAnswer) {
        events.push(newEvent("RequestAnswered", { request: "stop", commandId: awaits }));
      }
      return { ...accept(state, events, given), awaits };
    }
    if (stop) return joined(state, "stop", stop.commandId, given);
  }
  if (status === "Deleting") return conflict(state, "It is being deleted.");
  const { ends, events } = cancelUnaccepted(state, "StopRequested", 1);
  return accept(
    state,
    [
      stopRequested(state, siteInWork(state), given),
      ...events,
    ],
    given,
    ends,
  );
}

/** @param site where something may run; null: nowhere, so that it is done at once */
export function stopRequested(
  { context }: InstanceState,
  site: string | null,
  given: Deciding,
): NewEvent {
  return newEvent("StopRequested", {
    commandId: site === null ? null : given.commandId,
    generation: context.generation + 1,
    site,
    acceptWithinMs: given.acceptWithinMs,
  });
}

function decideRestart(state: InstanceState, given: Deciding): Decision {
  if (!allowedRequests(state).includes("restart")) {
    return conflict(state, `It cannot be restarted while ${statusOf(state)}.`);
  }
  const launch = launchOf(state, { type: "start" });
  if (!mayRun(state)) return accept(state, [startRequested(state, launch, given, "user")], given);
  if (isElsewhere(state, given.fleet)) {
    return conflict(state, "It runs on another platform than it is to; stop it, then start it.");
  }
  return accept(state, [restartRequested(state, launch, given)], given);
}

/** Nobody waits for a forced delete: its command may wait for its worker, however short the asker's time. */
const FORCED_DELETE_WITHIN_MS = 24 * 60 * 60 * 1_000;

function decideDelete(state: InstanceState, force: boolean, given: Deciding): Decision {
  const { context } = state;
  const deleting = context.commands.findLast((one) => one.kind === "delete");
  if (deleting && !force) return joined(state, "delete", deleting.commandId, given);
  const site = siteInWork(state) ?? context.run?.site ?? null;
  const { ends, events } = cancelUnaccepted(state, "DeleteRequested", 1, force);
  return accept(
    state,
    [
      newEvent("DeleteRequested", {
        commandId: site === null ? null : given.commandId,
        generation: context.generation + 1,
        site,
        acceptWithinMs: force
          ? Math.max(given.acceptWithinMs, FORCED_DELETE_WITHIN_MS)
          : given.acceptWithinMs,
        force,
        mayStillRun: force && mayRun(state) ? context.run?.runtimeInfo ?? null : null,
      }),
      ...events,
    ],
    given,
    ends,
  );
}

/** Where something may live or be in work: what a stop must be sent to. Null: no worker is needed. Design §4 rule 4. */
function siteInWork(state: InstanceState): string | null {
  const accepted = state.context.commands.findLast((one) => one.accepted)?.accepted;
  return accepted?.site ?? (mayRun(state) ? state.context.run?.site ?? null : null);
}

/** Ends what nobody has accepted (with `all`, also what somebody has), and a start that waits. */
function cancelUnaccepted(
  state: InstanceState,
  reason: string,
  firstIndex: number,
  all = false,
): { ends: CommandEnd[]; events: NewEvent[] } {
  const doomed = state.context.commands.filter((one) => all || !one.accepted);
  const events = doomed.map((one) => cancelled(one.commandId, reason));
  const ends = doomed.map((one, index): CommandEnd => ({
    commandId: one.commandId,
    eventIndex: firstIndex + index,
    condition: all ? "always" : "unaccepted",
  }));
  const queued = state.context.queuedStart;
  if (queued) events.push(cancelled(queued.commandId, reason));
  return { ends, events };
}

function cancelled(commandId: string, reason: string): NewEvent {
  return newEvent("CommandCancelled", { commandId, reason });
}

function launchOf(state: InstanceState, request: InstanceRequest & { type: "start" }): Launch {
  const { specification, revision } = state.context;
  const { configuration } = request;
  return {
    configuration: configuration ?? specification?.configuration ?? {},
    configurationRevision: configuration ? null : revision,
    ...limitsOf(specification?.limits),
  };
}

function launching(state: InstanceState, launch: Launch, given: Deciding) {
  return {
    ...launch,
    commandId: given.commandId,
    generation: state.context.generation + 1,
    acceptWithinMs: given.acceptWithinMs,
  };
}

function leaseOf({ context: { specification } }: InstanceState): { leaseMs?: number } {
  return specification?.platform === "process" && specification.onWorkerLost === "reschedule"
    ? { leaseMs: specification.leaseMs }
    : {};
}

function sameConfiguration(a: Launch, b: Launch | null | undefined): boolean {
  return canonicalJson(a.configuration) === canonicalJson(b?.configuration);
}
