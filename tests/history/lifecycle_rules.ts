/** What an event must and must not do to the state of its instance: runs, sites, deadlines and restarts. Design §4. */
import { canonicalJson, type JsonObject } from "../../events/json.ts";
import { isNewer, type RuntimeInfo } from "../../events/runtime_info.ts";
import { leasedPart } from "../../machines/leases.ts";
import { endsAMove, reportedRun } from "../../machines/reports.ts";
import { backOffMaxMs } from "../../machines/restart_policy.ts";
import { mayRun, statusOf } from "../../machines/status.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { isOneAppend, wasSetBack } from "./ledger.ts";
import type { LogRules } from "./log_rules.ts";

/** The run moves by reports, forward only; what ends a request leaves it alone. */
export const RUN_RULES: LogRules = {
  lateTruthWins: {
    sentence:
      "A response or a find that says that a run lives makes it the instance's run, however late, unless a newer one lives. Promise 9.",
    holds: (_, { event, before, state }) => {
      const told = reportedRun(event);
      const isNews = event.type !== "RuntimeObserved" || event.data.observation === "Found";
      if (!told || told.status !== "Running" || !isNews || isOver(before)) return null;
      if (before.context.endedRuns.includes(told.runId)) return null;
      if (event.type === "RuntimeObserved" && isBehindTheLiveOne(told, before)) return null;
      return state.value.run === "running" && state.context.run?.runId === told.runId
        ? null
        : `run ${told.runId} was reported to live, and the state is ${describe(state)}`;
    },
  },
  endedRunsStayEnded: {
    sentence:
      "A run only moves forward: a late report never revives one that has ended. Design §4.",
    holds: (_, { before, state }) => {
      const runId = state.context.run?.runId;
      return state.value.run === "running" && runId && before.context.endedRuns.includes(runId)
        ? `run ${runId} had ended, and lives again`
        : null;
    },
  },
  endsOfRequestsLeaveTheRun: {
    sentence:
      "Expiry, cancel and refusal remove the request and leave the run as it is: the status follows from it. Rule 3.",
    holds: (_, { event, before, state }) => {
      if (
        event.type !== "CommandExpired" && event.type !== "CommandCancelled" &&
        event.type !== "CommandRefused"
      ) return null;
      if (isOver(before) || isOver(state)) return null;
      if (
        state.value.run !== before.value.run ||
        state.context.run?.runId !== before.context.run?.runId
      ) return `the run went from ${describe(before)} to ${describe(state)}`;
      return state.context.commands.length === 0 && state.value.pending !== "idle"
        ? `nothing is in hand, and yet it is ${describe(state)}`
        : null;
    },
  },
  outsideReportsDecideNothing: {
    sentence:
      "What somebody outside says of a server is shown: it changes no run, no request and no wish. Rule 15.",
    holds: (_, { event, before, state }) => {
      if (event.type !== "ExternalStatusReported") return null;
      const decided = ({ value, context }: InstanceState) => {
        const { version: _v, position: _p, lastModifiedAt: _l, ...rest } = context;
        const { externalStatus: _e, statusChanges: _c, ...facts } = rest;
        return canonicalJson({ value, facts } as unknown as JsonObject);
      };
      return decided(before) === decided(state)
        ? null
        : `it was ${describe(before)}, and is ${describe(state)}`;
    },
  },
  deletedIsTheEnd: {
    sentence: "Nothing brings a deleted instance back. Design §4.",
    holds: (_, { event, before, state }) => {
      if (!isOver(before)) return null;
      if (statusOf(state) !== "Deleted") return `it was deleted, and is ${statusOf(state)}`;
      return event.type === "StartRequested" || event.type === "StartQueued" ||
          event.type === "RestartRequested"
        ? `${event.type} of a deleted instance`
        : null;
    },
  },
  forcedDeletesNameWhatMayRun: {
    sentence: "A forced delete deletes at once, and names what may still run. Rule 9.",
    holds: (_, { event, before, state }) => {
      if (event.type !== "DeleteRequested" || !event.data.force) return null;
      const info = mayRun(before) ? before.context.run?.runtimeInfo ?? null : null;
      if (info?.runId !== event.data.mayStillRun?.runId) {
        return `it names ${event.data.mayStillRun?.runId}, and ${info?.runId} may run`;
      }
      return statusOf(state) === "Deleted" ? null : `it is ${statusOf(state)} after it`;
    },
  },
};

/** As a find comes late of what a log that was set back no longer knows. Design §4 rule 7. */
function isBehindTheLiveOne(found: RuntimeInfo, { value, context }: InstanceState): boolean {
  const live = value.run === "running" ? context.run?.runtimeInfo : undefined;
  return live?.status === "Running" && live.runId !== found.runId && !isNewer(found, live);
}

/** A move leaves nothing behind that may live. */
export const MOVE_RULES: LogRules = {
  movesAreOfTheStopped: {
    sentence:
      "Only what does not run is moved: by a command for the site of its last run, or at once where it has none or nobody is to be waited for. Design §1 promise 6.",
    holds: (_, { event, before }) => {
      if (event.type !== "MoveRequested") return null;
      if (mayRun(before) || before.context.commands.length > 0) {
        return `it is moved while ${describe(before)}`;
      }
      const site = event.data.force ? null : before.context.run?.site ?? null;
      return event.data.site === site ? null : `it goes to ${event.data.site}, not to ${site}`;
    },
  },
  movedIsAsNew: {
    sentence:
      "Where an instance goes changes when its move is done, and then nothing is known to run. Design §2.",
    holds: (_, { event, before, state }) => {
      const was = before.context.specification;
      const is = state.context.specification;
      if (event.type === "MoveRequested" && event.data.commandId !== null) {
        return was === is ? null : "it has moved before its last place was cleared";
      }
      const to = event.type === "MoveRequested"
        ? event.data.to
        : endsAMove(before.context, event) && event.type === "CommandSucceeded"
        ? before.context.commands.find((one) => one.commandId === event.data.commandId)?.to
        : undefined;
      if (!to) return null;
      if (canonicalJson({ ...was, ...to }) !== canonicalJson(is)) return "it is not as was asked";
      return state.value.run === "none" && state.context.run === null
        ? null
        : `it has moved, and is ${describe(state)}`;
    },
  },
};

/** What is written with a stop, and where commands go. */
export const SITE_RULES: LogRules = {
  stopsNeedNoWorkerForNothing: {
    sentence:
      "A stop or delete is a command exactly where something may run or be in work, and goes there. Rules 4, 5.",
    holds: (_, { event, before }) => {
      if (event.type !== "StopRequested" && event.type !== "DeleteRequested") return null;
      const site = siteInWork(before) ??
        (event.type === "DeleteRequested" ? before.context.run?.site ?? null : null);
      const { commandId } = event.data;
      if ((commandId === null) !== (site === null)) {
        return `it has ${commandId ?? "no command"}, and what may run is at ${site ?? "no site"}`;
      }
      return event.data.site === site ? null : `it goes to ${event.data.site}, not to ${site}`;
    },
  },
  stopsReplaceWhatNobodyTook: {
    sentence:
      "The append of a stop or delete also cancels every command that nobody has accepted. Rule 4.",
    holds: (ledger, entry) => {
      const last = ledger.histories.get(entry.event.instanceId)?.at(-1);
      if (!last || isOneAppend(last, entry)) return null;
      const { event, before } = last;
      const isReplaced = (event.type === "StopRequested" || event.type === "DeleteRequested") &&
        before.context.commands.some((one) => !one.accepted);
      return isReplaced
        ? `${event.type} at ${event.position} left a command that nobody took`
        : null;
    },
  },
  commandsGoToTheirSite: {
    sentence: "What is about a server goes to the site that has it. Rule 5.",
    holds: (ledger, { event, before }) => {
      if (event.type === "RestartRequested") {
        const site = before.context.run?.site ?? null;
        return event.data.site === site ? null : `it goes to ${event.data.site}, not to ${site}`;
      }
      if (event.type !== "CommandAccepted") return null;
      const command = ledger.commands.get(event.data.commandId);
      return command && command.kind !== "start" && command.site !== event.data.site
        ? `${command.commandId} for ${command.site} was accepted at ${event.data.site}`
        : null;
    },
  },
  oneWorkerAtAnInstance: {
    sentence:
      "A start is not accepted while another worker has a command of the instance in work. Design §4.",
    holds: (ledger, { event, before }) => {
      if (event.type !== "CommandAccepted" || event.data.attempt > 1) return null;
      const kind = ledger.commands.get(event.data.commandId)?.kind;
      if (kind === "stop" || kind === "delete" || kind === "move") return null;
      const rival = before.context.commands.find((one) =>
        one.accepted && one.accepted.workerId !== event.data.workerId
      );
      return rival
        ? `${event.data.commandId} was accepted while ${rival.accepted?.workerId} works on ${rival.commandId}`
        : null;
    },
  },
};

/** What the leader writes by itself. */
export const POLICY_RULES: LogRules = {
  timersFireOnceAndNotEarly: {
    sentence:
      "A start or restart by the policy pays one delay that is over by the log's clock, or moves one lost run. Promise 4, traps 9, 10.",
    holds: (ledger, { event, before, clockAt }) => {
      if (event.type !== "StartRequested" && event.type !== "RestartRequested") return null;
      if (event.data.cause !== "restart-policy") return null;
      const { nextStart, unjudged } = before.context;
      if (nextStart) {
        return clockAt < nextStart.at && !wasSetBack(ledger, event.instanceId, clockAt)
          ? `it came ${nextStart.at - clockAt} ms early`
          : null;
      }
      return unjudged?.isLost && before.context.specification?.onWorkerLost === "reschedule"
        ? null
        : "no delay had been drawn for it, or it was cancelled or paid before";
    },
  },
  restartsFollowThePolicy: {
    sentence:
      "A restart is scheduled once for an end that nobody asked for or a server that is unhealthy, within the policy's longest delay. Design §4.",
    holds: (_, { event, before }) => {
      if (event.type !== "RestartScheduled" && event.type !== "RestartAbandoned") return null;
      const { unjudged, specification, health } = before.context;
      const isAiling = mayRun(before) && health?.cause === "liveness" &&
        health.runId === event.data.runId && before.context.nextStart === null;
      if ((unjudged?.runId !== event.data.runId && !isAiling) || !specification) {
        return `the end of ${event.data.runId} was judged before, or never told`;
      }
      if (event.type === "RestartAbandoned") return null;
      const delayMaxMs = backOffMaxMs(specification.restartPolicy, event.data.attempt);
      return event.data.delayMs <= delayMaxMs
        ? null
        : `a delay of ${event.data.delayMs} ms is more than ${delayMaxMs} ms`;
    },
  },
  queuedStartsWaitForTheirStop: {
    sentence:
      "A start that waits is sent only when nothing runs or is in hand any more. Design §4.",
    holds: (_, { event, before }) => {
      if (event.type !== "StartRequested" || event.data.cause !== "queue") return null;
      if (before.context.queuedStart?.commandId !== event.data.commandId) {
        return `no start of ${event.data.commandId} waited`;
      }
      return mayRun(before) || before.context.commands.length > 0
        ? `it was sent while ${describe(before)}`
        : null;
    },
  },
  onlyLeasedInstancesAreLost: {
    sentence:
      "The leader gives up only what its user lets go on elsewhere, and what lives under a lease. Rule 8.",
    holds: (ledger, entry) => {
      const { event, before } = entry;
      if (event.meta.requestedBy !== "leader" || !isLoss(event.type, event.data)) return null;
      // The leader goes by what it had folded a moment before, and one step may end several commands, then the run.
      const history = ledger.histories.get(event.instanceId) ?? [];
      const wasLeased = history.some((earlier) =>
        earlier.writtenAt >= entry.writtenAt - FOLDED_WITHIN_MS && leasedPart(earlier.before)
      );
      return wasLeased || leasedPart(before) ? null : `it was given up while ${describe(before)}`;
    },
  },
  reportsDoNotRepeat: {
    sentence:
      "Only changes are events: the same report of one run is not written again and again. Rule 13.",
    holds: (ledger, { event }) => {
      if (event.type !== "RuntimeObserved") return null;
      const { observation, runtimeInfo } = event.data;
      let same = 0;
      for (const { event: earlier } of ledger.histories.get(event.instanceId) ?? []) {
        if (
          earlier.type === "RuntimeObserved" && earlier.data.observation === observation &&
          earlier.data.runtimeInfo.runId === runtimeInfo.runId
        ) same++;
      }
      return same >= SAME_REPORTS_MAX
        ? `${observation} of ${runtimeInfo.runId} for the ${same + 1}th time`
        : null;
    },
  },
};

/** What a leader acts on is folded up to the log's end, or was so this recently. */
const FOLDED_WITHIN_MS = 2_000;

/** Each repetition needs a lost answer or a new life of the worker. */
const SAME_REPORTS_MAX = 20;

/** Whether an event takes a command or a run from a worker that is given up. */
function isLoss(type: string, data: object): boolean {
  return type === "CommandForgotten" ||
    (type === "RuntimeObserved" && "observation" in data && data.observation === "Lost");
}

function isOver(state: InstanceState): boolean {
  return state.value.pending === "deleted";
}

function describe(state: InstanceState): string {
  const { run, commands } = state.context;
  const inHand = commands.map(({ kind, commandId }) => `${kind} ${commandId}`).join(", ");
  return `${statusOf(state)} (run ${run?.runId ?? "none"} ${state.value.run}; in hand: ${
    inHand || "nothing"
  })`;
}

/** Where something may live or be in work. */
function siteInWork(state: InstanceState): string | null {
  const accepted = state.context.commands.findLast((one) => one.accepted)?.accepted;
  return accepted?.site ?? (mayRun(state) ? state.context.run?.site ?? null : null);
}

/** What is said of how servers are. */
export const HEALTH_RULES: LogRules = {
  healthReportsAreApart: {
    sentence:
      "Of three words of a worker about one instance's health the first and the last are 1 s apart: two that were held up may come together. Rule 13.",
    holds: (ledger, { event, writtenAt }) => {
      if (event.type !== "HealthObserved") return null;
      const earlier = (ledger.histories.get(event.instanceId) ?? []).filter(({ event: one }) =>
        one.type === "HealthObserved" && one.data.workerId === event.data.workerId &&
        // An answer that was lost is asked for again at once, and the fact written twice.
        canonicalJson(one.data) !== canonicalJson(event.data)
      );
      const first = earlier.at(-2);
      return first && writtenAt - first.writtenAt < REPORTS_APART_MS
        ? `it came ${writtenAt - first.writtenAt} ms after the last but one`
        : null;
    },
  },
  lateHealthChangesNothing: {
    sentence:
      "What is said of another run than the present one changes nothing but the version. Design §4.",
    holds: (_, { event, before, state }) => {
      if (event.type !== "HealthObserved" || event.data.health === "starting") return null;
      if (event.data.runId === before.context.run?.runId && mayRun(before)) return null;
      const seen = ({ context: { health, nextStart, lastError, unjudged } }: InstanceState) =>
        canonicalJson([health, nextStart, lastError, unjudged]);
      return seen(before) === seen(state) ? null : `it was taken for true: ${describe(state)}`;
    },
  },
  healthIsOfTheLiveRun: {
    sentence: "What is known of a server's health is about the run that lives. Design §4.",
    holds: (_, { state }) => {
      const { health, run } = state.context;
      return health === null || (state.value.run === "running" && run?.runId === health.runId)
        ? null
        : `${health.runId} is ${health.status}, and ${describe(state)}`;
    },
  },
};

/** Less than a second by what a timer may be early. */
const REPORTS_APART_MS = 990;

/** What a log can show of the promises and rules, asked of each event before it is taken up. */
export const LIFECYCLE_RULES: LogRules = {
  ...RUN_RULES,
  ...MOVE_RULES,
  ...SITE_RULES,
  ...POLICY_RULES,
  ...HEALTH_RULES,
};
