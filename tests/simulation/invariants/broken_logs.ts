/** Logs that cannot be: one for each invariant of the log, with what the judge says of it. */
import type { EventMeta, RecordedEvent } from "../../../events/envelope.ts";
import type { RestartPolicy } from "../../../events/specification.ts";
import { initialState, storedState } from "../../../machines/evolve.ts";
import type { Facts } from "../../../machines/facts.ts";
import type { InstanceState } from "../../../machines/lifecycle.ts";
import { Ledger, type Written } from "../../history/ledger.ts";
import { LIFECYCLE_RULES } from "../../history/lifecycle_rules.ts";
import { COMMAND_RULES } from "../../history/log_rules.ts";
import { History, INSTANCE, launch, running, SITE } from "../../support/recorded.ts";
import type { Violation } from "../run_result.ts";
import type { Surroundings } from "./evidence.ts";
import { Judge } from "./judge.ts";

/** By the name of the invariant that is to be found broken. */
export type Broken = Readonly<Record<string, () => Violation | null>>;

/** Nothing is known of any worker, and something is always disturbed. */
export const UNKNOWN_SURROUNDINGS: Surroundings = {
  heardAt: () => null,
  undisturbedSince: () => Infinity,
};

/** Events with the times that they carry. */
export function writtenAsDated(events: readonly RecordedEvent[]): Written[] {
  return events.map((event) => ({ event, writtenAt: event.at, clockAt: event.at }));
}

/** What a judge says of a log. */
export function judged(events: readonly RecordedEvent[]): Violation | null {
  return new Judge("counting", UNKNOWN_SURROUNDINGS).onEvents(writtenAsDated(events));
}

/** The next event is of the append of the one before: at the same time, for the same request. */
function together(history: History): History {
  history.at -= 10;
  return history;
}

function changed(
  { events }: History,
  index: number,
  change: Partial<RecordedEvent>,
): RecordedEvent[] {
  return events.with(index, { ...events[index]!, ...change } as RecordedEvent);
}

/** A history after a while in which nothing happens. */
function later(history: History, ms: number): History {
  history.at += ms;
  return history;
}

const cancelled = (history: History, commandId: string, reason: string, meta: EventMeta = {}) =>
  history.add("CommandCancelled", { commandId, reason }, meta);

const remove = (force: boolean, commandId: string | null, site: string | null, generation = 2) => ({
  commandId,
  generation,
  site,
  acceptWithinMs: 30_000,
  force,
  mayStillRun: null,
});

const accepted = (
  history: History,
  change: Partial<{ attempt: number; workerId: string; incarnation: string; site: string }>,
  commandId = "c1",
  kind: "Start" | "Stop" = "Start",
) =>
  history.add("CommandAccepted", {
    commandId,
    commandType: `${kind}InstanceCommand`,
    attempt: 1,
    workerId: "w1",
    incarnation: "i1",
    site: SITE,
    ...change,
  });

const scheduled = (delayMs: number, policy: Partial<RestartPolicy> = {}) =>
  History.running({ baseMs: 1_000, ...policy }).exited()
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs });

/** What one rule says of an event that the fold would have to take wrongly. */
function misfolded(
  name: string,
  before: InstanceState,
  event: RecordedEvent,
  state: InstanceState,
): Violation | null {
  const entry = { event, before, state, writtenAt: 0, clockAt: 0, lostAt: null, index: 0 };
  const found = LIFECYCLE_RULES[name]!.holds(new Ledger(), entry);
  return found === null ? null : { invariant: name, found };
}

function withFacts(state: InstanceState, facts: Partial<Facts>): InstanceState {
  return { ...state, context: { ...state.context, ...facts } };
}

export const BROKEN_ORDER: Broken = {
  positionsHaveNoGap: () => judged(History.running().events.toSpliced(1, 1)),
  versionsHaveNoGap: () => judged(changed(History.running(), 2, { version: 2 })),
  eventsNameTheirPrevious: () => judged(changed(History.running(), 2, { previous: "1-0" })),
  requestsActOnce: () => {
    const meta = { requestId: "q1" };
    return judged(
      new History().created().add("InstanceConfigured", { changes: {} }, meta)
        .add("InstanceConfigured", { changes: {} }, meta).events,
    );
  },
  keysActOnce: () => {
    const idempotency = { key: "k", digest: "d" };
    return judged(
      new History().created()
        .add("InstanceConfigured", { changes: {} }, { requestId: "q1", idempotency })
        .add("InstanceConfigured", { changes: {} }, { requestId: "q2", idempotency }).events,
    );
  },
  baselinesAreTheFold: () => {
    const state = storedState(initialState(INSTANCE));
    return judged(History.running().add("Baseline", { state }).events);
  },
};

export const BROKEN_COMMANDS: Broken = {
  commandsAreAskedForOnce: () =>
    judged(new History().created().startRequested().startRequested().events),
  commandsEndOnce: () => judged(History.running().started("c1").events),
  onlyWhatIsSentIsAccepted: () => judged(new History().created().accepted("c9").events),
  attemptsCountFromOne: () =>
    judged(new History().created().startRequested().accepted("c1", "Start", 2).events),
  takeoverStaysWithItsWorker: () =>
    judged(
      accepted(new History().created().startRequested().accepted(), {
        attempt: 2,
        workerId: "w2",
        incarnation: "i2",
        site: "site-2",
      }).events,
    ),
  onlyTheAcceptedAttemptEnds: () => {
    const taken = new History().created().startRequested().accepted();
    return judged(accepted(taken, { attempt: 2, incarnation: "i2" }).started().events);
  },
  answersFitTheirCommands: () =>
    judged(new History().created().startRequested().accepted().stopped("c1").events),
  successIsOfItsCommand: () =>
    judged(
      History.running().exited().startRequested("c2").accepted("c2").started("c2", "r2").events,
    ),
  acceptedIsEndedByItsWorker: () =>
    judged(cancelled(new History().created().startRequested().accepted(), "c1", "x").events),
  onlyTheNewestIsAcceptedFirst: () => {
    const history = new History().created().startRequested();
    history.add("RestartRequested", { ...launch("c2", 2), site: null });
    return judged(history.accepted("c1").events);
  },
  lateIsNotAccepted: () =>
    judged(later(new History().created().startRequested(), 30_000).accepted().events),
  nothingExpiresEarly: () =>
    judged(
      later(new History().created().startRequested(), 29_000)
        .add("CommandExpired", { commandId: "c1", reason: "NoWorker" }).events,
    ),
  poisonIsNeverAccepted: () => {
    const history = new History().created().startRequested().accepted();
    const entries = new Ledger();
    for (const one of writtenAsDated(history.events)) entries.add(entries.prepare(one));
    history.add("CommandRefused", { commandId: "c1", reason: "Poison" });
    // Whoever accepted it ends it: that is found first.
    const rule = COMMAND_RULES.poisonIsNeverAccepted!.holds(
      entries,
      entries.prepare(writtenAsDated(history.events).at(-1)!),
    );
    return rule === null ? null : { invariant: "poisonIsNeverAccepted", found: rule };
  },
};

export const BROKEN_RUNS: Broken = {
  lateTruthWins: () => {
    const { state, events } = History.running();
    const before = new History().created().startRequested().accepted().state;
    return misfolded("lateTruthWins", before, events.at(-1)!, withFacts(state, { run: null }));
  },
  endedRunsStayEnded: () => {
    const { state, events } = History.running();
    return misfolded(
      "endedRunsStayEnded",
      withFacts(state, { endedRuns: ["r1"] }),
      events[3]!,
      state,
    );
  },
  endsOfRequestsLeaveTheRun: () => {
    const before = new History().created().startRequested();
    const expired = later(before, 30_000).state;
    const event = before.add("CommandExpired", { commandId: "c1", reason: "NoWorker" }).events.at(
      -1,
    )!;
    return misfolded("endsOfRequestsLeaveTheRun", expired, event, History.running().state);
  },
  deletedIsTheEnd: () => {
    const deleted = new History().created().add("DeleteRequested", remove(false, null, null, 1));
    return judged(deleted.startRequested("c3").events);
  },
  forcedDeletesNameWhatMayRun: () =>
    judged(History.running().add("DeleteRequested", remove(true, "c2", SITE)).events),
};

export const BROKEN_MOVES: Broken = {
  movesAreOfTheStopped: () => judged(History.running().moveRequested("c2").events),
  movedIsAsNew: () => {
    const before = History.stopping().stopped().moveRequested("c3").accepted("c3", "Delete");
    const event = before.stopped("c3").events.at(-1)!;
    const moving = History.stopping().stopped().moveRequested("c3").accepted("c3", "Delete").state;
    return misfolded("movedIsAsNew", moving, event, moving);
  },
};

export const BROKEN_SITES: Broken = {
  stopsNeedNoWorkerForNothing: () =>
    judged(new History().created().startRequested().stopRequested("c2").events),
  stopsReplaceWhatNobodyTook: () =>
    judged(
      new History().created().startRequested().stopRequested(null)
        .add("InstanceConfigured", { changes: {} }).events,
    ),
  commandsGoToTheirSite: () =>
    judged(
      accepted(History.running().stopRequested(), { site: "site-2", workerId: "w2" }, "c2", "Stop")
        .events,
    ),
  oneWorkerAtAnInstance: () => {
    const history = new History().created().startRequested().accepted();
    history.add("RestartRequested", { ...launch("c2", 2), site: SITE });
    return judged(
      history.add("CommandAccepted", {
        commandId: "c2",
        commandType: "RestartInstanceCommand",
        attempt: 1,
        workerId: "w2",
        incarnation: "i2",
        site: SITE,
      }).events,
    );
  },
};

export const BROKEN_POLICY: Broken = {
  timersFireOnceAndNotEarly: () =>
    judged(scheduled(1_000).startRequested("c2", "restart-policy").events),
  restartsFollowThePolicy: () => judged(scheduled(1_001).events),
  queuedStartsWaitForTheirStop: () =>
    judged(
      History.stopping().add("StartQueued", launch("c3", 3)).startRequested("c3", "queue").events,
    ),
  onlyLeasedInstancesAreLost: () =>
    judged(
      later(History.running(), 60_000).add("RuntimeObserved", {
        instanceId: INSTANCE,
        observation: "Lost",
        workerId: "w1",
        runtimeInfo: running("r1"),
      }, { requestedBy: "leader" }).events,
    ),
  reportsDoNotRepeat: () => {
    const history = History.running();
    for (let times = 0; times <= 20; times++) history.exited();
    return judged(history.events);
  },
};

export const BROKEN_HEALTH: Broken = {
  healthReportsAreApart: () =>
    judged(
      History.running().health("healthy").health("unhealthy").health("starting").events,
    ),
  outsideReportsDecideNothing: () => {
    const before = History.running();
    const [told] = History.running().reported("Stopped").events.slice(-1);
    return misfolded(
      "outsideReportsDecideNothing",
      before.state,
      told!,
      History.running().exited("r1", 0).state,
    );
  },
  lateHealthChangesNothing: () => {
    const before = History.running();
    const [told] = History.running().health("unhealthy", { runId: "r0" }).events.slice(-1);
    return misfolded(
      "lateHealthChangesNothing",
      before.state,
      told!,
      History.running().health("unhealthy").state,
    );
  },
  healthIsOfTheLiveRun: () => {
    const healthy = History.running().health("healthy");
    const before = healthy.state;
    const event = healthy.exited().events.at(-1)!;
    const { state } = healthy;
    const { health } = before.context;
    return misfolded("healthIsOfTheLiveRun", before, event, {
      ...state,
      context: { ...state.context, health },
    });
  },
};

/** Histories in which everything is as it should be. */
export const SOUND: Readonly<Record<string, () => readonly RecordedEvent[]>> = {
  "a report from outside": () => History.running().reported("Error").stopRequested().events,
  "a start and a stop": () => History.stopping().stopped().events,
  "a start that waited for a stop": () =>
    History.stopping().add("StartQueued", launch("c3", 3)).stopped()
      .startRequested("c3", "queue").accepted("c3").events,
  "a stop before the accept": () => {
    const meta = { requestId: "q2" };
    const history = new History().created().startRequested();
    history.add("StopRequested", {
      commandId: null,
      generation: 2,
      site: null,
      acceptWithinMs: 30_000,
    }, meta);
    return cancelled(together(history), "c1", "StopRequested", meta).events;
  },
  "a forced delete of what a worker has in hand": () => {
    const meta = { requestId: "q2" };
    const history = new History().created().startRequested().accepted();
    history.add("DeleteRequested", remove(true, "c2", SITE), meta);
    return cancelled(together(history), "c1", "DeleteRequested", meta).accepted("c2", "Delete")
      .events;
  },
  "a restart by the policy when its delay is over": () =>
    later(scheduled(1_000), 1_000).startRequested("c2", "restart-policy").events,
  "a restart by the policy of a server that is unhealthy": () =>
    later(
      History.running().health("unhealthy")
        .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 100, cause: "Unhealthy" }),
      100,
    ).add("RestartRequested", { ...launch("c2", 2), site: SITE, cause: "restart-policy" }).events,
  "a command that expires when its time is over": () =>
    later(new History().created().startRequested(), 30_000)
      .add("CommandExpired", { commandId: "c1", reason: "NoWorker" }).events,
  "a take-over by the worker's next incarnation": () => {
    const history = accepted(new History().created().startRequested().accepted(), {
      attempt: 2,
      incarnation: "i2",
    });
    return history.add("CommandSucceeded", {
      commandId: "c1",
      attempt: 2,
      workerId: "w1",
      response: {
        type: "StartInstanceResponse",
        instanceId: INSTANCE,
        success: true,
        runtimeInfo: running("r1"),
      },
    }).events;
  },
};
