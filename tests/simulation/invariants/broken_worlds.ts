/** Worlds that cannot be, at work and at rest: one for each invariant of the whole. */
import { START } from "../../../events/envelope.ts";
import type { InstanceState } from "../../../machines/lifecycle.ts";
import { History, INSTANCE } from "../../support/recorded.ts";
import type { Violation } from "../run_result.ts";
import { type Broken, UNKNOWN_SURROUNDINGS, writtenAsDated } from "./broken_logs.ts";
import type { RestingView, Surroundings } from "./evidence.ts";
import { Judge } from "./judge.ts";

/** Everything is long over by then. */
const LATE = 1_000_000;
const QUIET: Surroundings = { heardAt: () => null, undisturbedSince: () => 0 };

const view = (change: Partial<RestingView> = {}): RestingView => ({
  at: LATE,
  logAt: LATE,
  nodes: [],
  inFlight: [],
  waiting: null,
  offeredMost: 0,
  incidents: [],
  bugs: [],
  log: null,
  cut: START,
  ...change,
});

const nodeOf = (...states: InstanceState[]) => [{ name: "node 1", states: () => states }];

function judgeOf(history: History, surroundings: Surroundings = UNKNOWN_SURROUNDINGS): Judge {
  const judge = new Judge("counting", surroundings);
  judge.onEvents(writtenAsDated(history.events));
  return judge;
}

/** With the process that it names. */
function running(): Judge {
  const judge = judgeOf(History.running());
  judge.onProcess({
    kind: "began",
    at: 1_035,
    runId: "r1",
    instanceId: INSTANCE,
    host: "a",
    leaseMs: null,
  });
  return judge;
}

const waiting = () => new History().created().startRequested();

export const BROKEN_WORLDS: Broken = {
  statesAreTheFold: () => {
    const { state } = History.running();
    const wrong = { ...state, context: { ...state.context, restarts: 1 } };
    return running().atIntervals(view({ nodes: nodeOf(wrong) }));
  },
  busHoldsWhatIsOpen: () => judgeOf(waiting()).atIntervals(view()),
  streamsHoldEachCommandOnce: () =>
    judgeOf(waiting()).atIntervals(view({ inFlight: ["c1"], waiting: ["c1", "c1"] })),
  nothingIsOfferedForEver: () =>
    judgeOf(waiting()).atIntervals(view({ inFlight: ["c1"], waiting: ["c1"], offeredMost: 6 })),
  incidentsAreTrue: () => running().atIntervals(view({ incidents: ["HISTORY_ROLLBACK"] })),
  nothingIsOverdue: () => judgeOf(waiting(), QUIET).atIntervals(view({ inFlight: ["c1"] })),
  nothingIsABug: () => running().atIntervals(view({ bugs: [new Error("broken")] })),
  everyAskerHears: () => {
    const judge = running();
    judge.onAsked({
      number: 1,
      session: "user-1",
      instanceId: INSTANCE,
      request: { type: "stop" },
      requestId: "op-1",
      idempotency: null,
      invokedAt: 2_000,
      returnedAt: null,
      outcome: null,
    });
    return judge.atRest(view());
  },
  everyCommandEnded: () => judgeOf(waiting()).atRest(view({ inFlight: ["c1"] })),
  nothingIsStuck: () => {
    // Its start has ended, and nobody ever said what became of the run.
    const history = new History().created().startRequested().accepted();
    history.add("CommandForgotten", { commandId: "c1", workerId: "w1" });
    const judge = judgeOf(history);
    const { states } = judge.ledger;
    const state = states.get(INSTANCE)!;
    states.set(INSTANCE, { ...state, value: { ...state.value, run: "starting" } } as InstanceState);
    return judge.atRest(view());
  },
  nothingIsOrphaned: () => judgeOf(History.running()).atRest(view()),
  desiredIsReached: () => {
    const judge = running();
    const { states } = judge.ledger;
    const state = states.get(INSTANCE)!;
    states.set(INSTANCE, { ...state, context: { ...state.context, desired: "stopped" } });
    return judge.atRest(view());
  },
  nodesAgree: () =>
    running().atRest(
      view({ nodes: nodeOf(new History().created().startRequested().accepted().state) }),
    ),
  logReadsAsItWasWritten: () =>
    running().atRest(view({ log: History.running().events.slice(0, 3) })),
};

/** The world of a running server, at rest. */
export function restingSoundly(): Violation | null {
  const { state, events } = History.running();
  return running().atRest(view({ nodes: nodeOf(state), log: events, waiting: [] }));
}
