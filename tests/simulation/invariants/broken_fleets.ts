/** Processes, workers, rollbacks and cuts that cannot be: one for each invariant about them. */
import { specificationSchema } from "../../../events/specification.ts";
import { History, INSTANCE, launch, running, SITE } from "../../support/recorded.ts";
import type { Violation } from "../run_result.ts";
import { type Broken, UNKNOWN_SURROUNDINGS, writtenAsDated } from "./broken_logs.ts";
import type { ProcessChange, Registration, SpawnOrder, Surroundings } from "./evidence.ts";
import { Judge } from "./judge.ts";

const LEASE_MS = 6_000;

/** Of an instance that goes on elsewhere when its worker is lost: created, asked for, accepted, running as `r1`. */
function leased(workerLabels: Record<string, string> = {}): History {
  const history = new History().add("InstanceCreated", {
    specification: specificationSchema.parse({
      name: "one",
      template: "command",
      configuration: { command: ["/bin/true"] },
      onWorkerLost: "reschedule",
      leaseMs: LEASE_MS,
      workerLabels,
    }),
  });
  history.add("StartRequested", {
    ...launch("c1", 1),
    site: null,
    cause: "user",
    leaseMs: LEASE_MS,
  });
  return history.accepted().add("CommandSucceeded", {
    commandId: "c1",
    attempt: 1,
    workerId: "w1",
    response: {
      type: "StartInstanceResponse",
      instanceId: INSTANCE,
      success: true,
      runtimeInfo: { ...running("r1"), leaseMs: LEASE_MS },
    },
  });
}

function lostAt(history: History, at: number): History {
  history.at = at - 10;
  return history.add("RuntimeObserved", {
    instanceId: INSTANCE,
    observation: "Lost",
    workerId: "w1",
    runtimeInfo: running("r1"),
  }, { requestedBy: "leader" });
}

/** Lost at 10 s, and accepted by another worker at a later time. */
function replacedAt(at: number): History {
  const history = lostAt(leased(), 10_000);
  history.add("StartRequested", {
    ...launch("c2", 2),
    site: null,
    cause: "restart-policy",
    leaseMs: LEASE_MS,
  });
  history.at = at - 10;
  return history.add("CommandAccepted", {
    commandId: "c2",
    commandType: "StartInstanceCommand",
    attempt: 1,
    workerId: "w2",
    incarnation: "i2",
    site: "site-2",
  });
}

/** The worker was last heard at 1 s, and nothing else ever went wrong. */
const heardAtOne: Surroundings = { heardAt: () => 1_000, undisturbedSince: () => -Infinity };

const judgeOf = (history: History, surroundings: Surroundings = UNKNOWN_SURROUNDINGS) => {
  const judge = new Judge("counting", surroundings);
  return { judge, found: judge.onEvents(writtenAsDated(history.events)) };
};

const registered = (incarnation: string, labels = {}): Registration => ({
  at: 0,
  workerId: "w1",
  incarnation,
  host: "a",
  site: SITE,
  labels,
});

const order = (change: Partial<SpawnOrder> = {}): SpawnOrder => ({
  at: 2_000,
  instanceId: INSTANCE,
  runId: "r1",
  host: "a",
  workerId: "w1",
  generation: 1,
  attempt: 1,
  deadline: 12_000,
  leaseMs: null,
  ...change,
});

const began = (
  runId: string,
  at: number,
  host: string,
  leaseMs: number | null = null,
): ProcessChange => ({ kind: "began", at, runId, instanceId: INSTANCE, host, leaseMs });

/** The first fault in changes of what lives. */
function lived(...changes: ProcessChange[]): Violation | null {
  const { judge } = judgeOf(new History());
  for (const change of changes) {
    const found = judge.onProcess(change);
    if (found) return found;
  }
  return judge.atIntervals({
    at: Infinity,
    logAt: 0,
    nodes: [],
    inFlight: [],
    waiting: null,
    offeredMost: 0,
    incidents: [],
    bugs: [],
  });
}

const startAccepted = () => new History().created().startRequested().accepted();

export const BROKEN_PROCESSES: Broken = {
  neverTwo: () => lived(began("r1", 1, "a"), began("r2", 2, "b")),
  leasesAreKept: () => {
    const { judge } = judgeOf(new History(), { ...heardAtOne });
    judge.onSpawn(order({ leaseMs: LEASE_MS }));
    judge.onProcess(began("r1", 2_000, "a", LEASE_MS));
    return judge.atIntervals({
      at: 1_000 + LEASE_MS + 2_501,
      logAt: 0,
      nodes: [],
      inFlight: [],
      waiting: null,
      offeredMost: 0,
      incidents: [],
      bugs: [],
    });
  },
  everySpawnHasItsCommand: () => judgeOf(new History().created()).judge.onSpawn(order()),
  expiredNeverRuns: () => {
    const history = new History().created().startRequested();
    history.at += 30_000;
    history.add("CommandExpired", { commandId: "c1", reason: "NoWorker" });
    return judgeOf(history).judge.onSpawn(order());
  },
  spawnsAreInTime: () => judgeOf(startAccepted()).judge.onSpawn(order({ at: 12_001 })),
  spawnsAreInOrder: () => {
    const { judge } = judgeOf(startAccepted());
    judge.onSpawn(order());
    return judge.onSpawn(order({ runId: "r2" }));
  },
  settledSpawnsNothing: () => {
    const history = startAccepted().stopRequested();
    history.add("CommandAccepted", {
      commandId: "c1",
      commandType: "StartInstanceCommand",
      attempt: 2,
      workerId: "w1",
      incarnation: "i2",
      site: SITE,
    });
    return judgeOf(history).judge.onSpawn(order({ attempt: 2 }));
  },
  durabilityIsNotOverstated: () =>
    judgeOf(startAccepted()).judge.onRollback({
      at: 5_000,
      lost: new Set(["3-0"]),
      durability: "disk",
    }),
  onlyTheEndIsLost: () =>
    judgeOf(startAccepted()).judge.onRollback({
      at: 5_000,
      lost: new Set(["2-0"]),
      durability: "process",
    }),
  staleFencesAreRefused: () =>
    judgeOf(startAccepted()).judge.onFenced({
      kind: "snapshot",
      at: 5_000,
      fence: 1,
      newestFence: 2,
    }),
  oneNodeLeads: () =>
    judgeOf(startAccepted()).judge.onFenced({
      kind: "lead",
      at: 5_000,
      fence: 2,
      newestFence: 2,
      rivalUntil: 5_001,
    }),
  cutsKeepWhatIsNeeded: () =>
    judgeOf(startAccepted()).judge.onFenced({
      kind: "trim",
      at: 5_000,
      fence: 2,
      newestFence: 2,
      before: "3-0",
    }),
};

export const BROKEN_WORKERS: Broken = {
  supersededIncarnationsAreRefused: () => {
    const judge = new Judge("counting", UNKNOWN_SURROUNDINGS);
    judge.onRegistered(registered("i1"));
    judge.onRegistered(registered("i2"));
    return judge.onEvents(writtenAsDated(startAccepted().events));
  },
  startsGoWhereTheirLabelsAre: () => {
    const judge = new Judge("counting", UNKNOWN_SURROUNDINGS);
    judge.onRegistered(registered("i1", { zone: "b" }));
    return judge.onEvents(writtenAsDated(leased({ zone: "a" }).events));
  },
  nobodyIsLostWithinTheLease: () => judgeOf(lostAt(leased(), 6_900), heardAtOne).found,
  nobodyIsLostAfterADisturbance: () => {
    const judge = new Judge("counting", UNKNOWN_SURROUNDINGS);
    judge.onDisturbance({ kind: "redis-back", at: 5_000 });
    return judge.onEvents(writtenAsDated(lostAt(leased(), 10_900).events));
  },
  lostRunsAreReplacedInTime: () => judgeOf(replacedAt(12_001), heardAtOne).found,
  timersFireSoon: () => {
    const history = History.running().exited()
      .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 100 });
    history.at += 3_000;
    return judgeOf(history.startRequested("c2", "restart-policy"), heardAtOne).found;
  },
};

/** Each gives what is wrong with a sound fleet: nothing. */
export const SOUND_WORLDS: Readonly<Record<string, () => (Violation | null)[]>> = {
  "one process after the other": () => [
    lived(began("r1", 1, "a"), { kind: "ended", at: 2, runId: "r1" }, began("r2", 2, "b")),
  ],
  "a second process while the first one's host stands still, which ends it when it thaws": () => [
    lived(
      began("r1", 1, "a", LEASE_MS),
      { kind: "host-froze", at: 2, host: "a" },
      began("r2", 20_000, "b", LEASE_MS),
      { kind: "host-thawed", at: 30_000, host: "a" },
      { kind: "ended", at: 31_400, runId: "r1" },
      { kind: "ended", at: 31_500, runId: "r2" },
    ),
  ],
  "a loss after the lease, and its replacement in time": () => [
    judgeOf(replacedAt(11_500), heardAtOne).found,
  ],
  "a spawn in time of what was accepted": () => [judgeOf(startAccepted()).judge.onSpawn(order())],
  "a generation that is given again after a rollback, on the same host": () => {
    const { judge } = judgeOf(startAccepted());
    const again = startAccepted().events.slice(1);
    return [
      judge.onSpawn(order()),
      judge.onProcess(began("r1", 2_001, "a")),
      judge.onRollback({ at: 5_000, lost: new Set(["2-0", "3-0"]), durability: "process" }),
      judge.onEvents(writtenAsDated(again)),
      judge.onSpawn(order({ runId: "r2", at: 6_000 })),
      judge.onProcess(began("r2", 6_001, "b")),
    ];
  },
  "a lease that is given when that of another node is over": () => [
    judgeOf(startAccepted()).judge.onFenced({
      kind: "lead",
      at: 5_000,
      fence: 2,
      newestFence: 2,
      rivalUntil: 5_000,
    }),
  ],
  "a cut before a baseline": () => {
    const history = startAccepted();
    history.add("Baseline", { state: JSON.parse(JSON.stringify(stored(history))) });
    return [
      judgeOf(history).judge.onFenced({
        kind: "trim",
        at: 5,
        fence: 2,
        newestFence: 2,
        before: "4-0",
      }),
      judgeOf(history).found,
    ];
  },
};

function stored({ state: { value, context } }: History) {
  return { value, context };
}

/** A process that a thawed host does not end is a second one. */
export const OVERSTAYED = (): Violation | null =>
  lived(
    began("r1", 1, "a", LEASE_MS),
    { kind: "host-froze", at: 2, host: "a" },
    began("r2", 20_000, "b", LEASE_MS),
    { kind: "host-thawed", at: 30_000, host: "a" },
    { kind: "ended", at: 31_501, runId: "r1" },
  );
