/** Where starts go, what may go on elsewhere, and what becomes of an instance whose worker is lost. Design §4 rules 5, 8. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { WorkerRecord } from "../../events/command_bus.ts";
import { UNPLACED_SITE } from "../../events/commands.ts";
import { decide } from "../../machines/decide.ts";
import { leasedPart } from "../../machines/leases.ts";
import { type Fleet, isHeard, placed, type Wanted, whyNoWorker } from "../../machines/placement.ts";
import { owedTo, react, type Reacting } from "../../machines/reconcile.ts";
import { statusOf } from "../../machines/status.ts";
import { ended, History, INSTANCE, launch, running, SITE } from "../support/recorded.ts";

const NOW = 100_000;
const given: Reacting = {
  commandId: "new",
  correlationId: "q",
  acceptWithinMs: 600_000,
  keepsAnswer: false,
  fraction: 0.5,
  expiryReason: "NoWorker",
};

function worker(workerId: string, more: Partial<WorkerRecord> = {}): WorkerRecord {
  return {
    workerId,
    platform: "process",
    site: `site-of-${workerId}`,
    incarnation: "i",
    machineId: "m",
    slots: 4,
    busy: 0,
    version: "v",
    labels: {},
    registeredAt: 0,
    lastHeartbeatAt: NOW - 500,
    draining: false,
    lost: false,
    ...more,
  };
}

function fleet(...workers: WorkerRecord[]): Fleet {
  return { workers, at: NOW };
}

function wanted(more: Partial<Wanted> = {}): Wanted {
  return { platform: "process", labels: {}, stickySite: null, ...more };
}

const zoneA = { labels: { zone: "a" } };

Deno.test("a start without labels that was nowhere before may be taken by anyone, without a word", () => {
  assertEquals(placed(wanted(), fleet(worker("w1"))), { site: null });
});

Deno.test("a start goes to where its last run was, if a worker there takes it", () => {
  const { site, placement } = placed(
    wanted({ stickySite: "site-of-w2" }),
    fleet(worker("w1"), worker("w2", { busy: 4 })),
  );
  assertEquals([site, placement], ["site-of-w2", {
    site: "site-of-w2",
    workerId: "w2",
    reason: "its last run was there",
  }]);
});

Deno.test("of the workers with all labels the least loaded gets it, then the first by id", () => {
  const many = fleet(
    worker("w4", { ...zoneA, busy: 1 }),
    worker("w3", { ...zoneA, busy: 1, slots: 8 }),
    worker("w2", { ...zoneA, busy: 1, slots: 8 }),
    worker("w1"),
  );
  const { placement } = placed(wanted(zoneA), many);
  assertEquals(placement, {
    site: "site-of-w2",
    workerId: "w2",
    reason: "the least loaded (1 of 8 slots) of 3 workers with the label zone=a",
  });
});

Deno.test("a start leaves its place when nobody takes starts there, and says so", () => {
  for (const state of [{ lastHeartbeatAt: 0 }, { draining: true }, { lost: true }]) {
    const { placement } = placed(
      wanted({ stickySite: "site-of-w1" }),
      fleet(worker("w1", state), worker("w2")),
    );
    assertEquals(placement?.workerId, "w2");
    assert(placement?.reason.endsWith("none takes starts where its last run was"));
  }
});

Deno.test("when no worker may take it, it waits at its place if that may do, else at no place", () => {
  const silent = worker("w1", { ...zoneA, lastHeartbeatAt: 0 });
  const sticky = { stickySite: silent.site };
  assertEquals(placed(wanted({ ...zoneA, ...sticky }), fleet(silent)).site, silent.site);
  assertEquals(placed(wanted(sticky), fleet()).site, silent.site);
  const other = { labels: { zone: "b" }, ...sticky };
  const { site, placement } = placed(wanted(other), fleet(silent));
  assertEquals([site, placement?.reason], [
    UNPLACED_SITE,
    "No worker for the platform process has the label zone=b.",
  ]);
  assertEquals(placed(wanted({ labels: { zone: "b" } }), undefined).site, UNPLACED_SITE);
});

Deno.test("why no worker may have it names the labels that nobody has", () => {
  const two = [worker("w1", { labels: { zone: "a" } }), worker("w2", { labels: { disk: "ssd" } })];
  const why = (labels: Record<string, string>, workers = two) =>
    whyNoWorker(wanted({ labels }), workers);
  assertEquals(
    why({}, []),
    "No worker for the platform process is running; there is no worker at all.",
  );
  const others = [..."abcdefg"].map((workerId) => worker(workerId, { platform: "docker" }));
  assertEquals(
    why({}, [...others, worker("k", { platform: "kubernetes" })]),
    "No worker for the platform process is running; there are workers for docker " +
      "(a, b, c, d, e and 2 more) and kubernetes (k).",
  );
  assertEquals(
    why({ zone: "b", gpu: "x" }),
    "No worker for the platform process has the labels zone=b, gpu=x.",
  );
  assertEquals(
    why({ zone: "a", disk: "ssd" }),
    "No worker for the platform process has all of the labels zone=a, disk=ssd.",
  );
  assertEquals(
    why({ zone: "a" }),
    "The workers for the platform process with the label zone=a are silent or draining.",
  );
});

Deno.test("a placed start is always at a live worker with its labels and platform, or at its old or no place", () => {
  const labels = fc.dictionary(fc.constantFrom("zone", "disk"), fc.constantFrom("a", "b"));
  const workers = fc.array(fc.record({
    id: fc.nat(5),
    labels,
    busy: fc.nat(4),
    silentMs: fc.constantFrom(0, 4_999, 5_001),
    draining: fc.boolean(),
    lost: fc.boolean(),
    platform: fc.constantFrom("process", "docker"),
  }));
  fc.assert(fc.property(workers, labels, fc.option(fc.nat(5)), (drawn, labels, sticky) => {
    const all = drawn.map(({ id, silentMs, ...more }) =>
      worker(`w${id}`, { ...more, lastHeartbeatAt: NOW - silentMs })
    );
    const stickySite = sticky === null ? null : `site-of-w${sticky}`;
    const { site, placement } = placed(wanted({ labels, stickySite }), fleet(...all));
    const chosen = all.find((one) =>
      one.site === site && isHeard(one, NOW) && !one.draining && one.platform === "process" &&
      Object.entries(labels).every(([name, value]) => one.labels[name] === value)
    );
    if (placement?.workerId) assert(chosen, "the chosen one may have it");
    else {
      const isOfDocker = all.find((one) => one.site === stickySite)?.platform === "docker";
      assert(site === (isOfDocker ? null : stickySite) || site === UNPLACED_SITE);
    }
  }));
});

Deno.test("a start of a user is placed, its reason is in the event and its site in the command", () => {
  const history = new History().add("InstanceCreated", specified({ workerLabels: zoneA.labels }));
  const decision = decide(history.state, { type: "start" }, {
    ...given,
    fleet: fleet(worker("w1"), worker("w2", zoneA)),
  });
  assert(decision.kind === "accepted");
  const [event] = decision.events;
  assert(event?.type === "StartRequested");
  assertEquals([event.data.site, event.data.placement?.workerId, decision.commands[0]?.site], [
    "site-of-w2",
    "w2",
    "site-of-w2",
  ]);
});

Deno.test("starts and restarts carry the lease of an instance that may go on elsewhere, and no others", () => {
  const starts = [undefined, { onWorkerLost: "reschedule", leaseMs: 9_000 }].map((more) => {
    const history = new History().add("InstanceCreated", specified(more));
    const start = decide(history.state, { type: "start" }, given);
    history.startRequested().accepted().started();
    const restart = decide(history.state, { type: "restart" }, given);
    return [start, restart].map((one) => one.kind === "accepted" && one.commands[0]?.leaseMs);
  });
  assertEquals(starts, [[undefined, undefined], [9_000, 9_000]]);
});

Deno.test("a live run with a lease may go on elsewhere; one without never, whatever is wanted since", () => {
  assertEquals(leasedPart(rescheduling().state), { workerIds: ["w1"], leaseMs: 9_000 });
  assertEquals(leasedPart(rescheduling(null).state), null);
  assertEquals(leasedPart(History.running().state), null);
  const changed = rescheduling().add("InstanceConfigured", { changes: { onWorkerLost: "wait" } });
  assertEquals(leasedPart(changed.state), null);
  assertEquals(leasedPart(rescheduling().exited().state), null);
});

Deno.test("a start in work may have spawned: it counts with its own lease, and holds what has none", () => {
  const starting = (leaseMs?: number) => {
    const history = new History().add("InstanceCreated", specified(RESCHEDULE));
    const lease = leaseMs === undefined ? {} : { leaseMs };
    history.add("StartRequested", { ...launch("c1", 1), ...lease, site: null, cause: "user" });
    return history;
  };
  assertEquals(leasedPart(starting(9_000).state), null, "nobody has it yet");
  assertEquals(leasedPart(starting(9_000).accepted().state), {
    workerIds: ["w1"],
    leaseMs: 9_000,
  });
  assertEquals(leasedPart(starting().accepted().state), null);
  const restarting = rescheduling()
    .add("RestartRequested", { ...launch("c2", 2), leaseMs: 12_000, site: SITE })
    .accepted("c2", "Restart");
  assertEquals(leasedPart(restarting.state)?.leaseMs, 12_000, "the longer of the two");
});

Deno.test("a lost run that may go on elsewhere is started at once, whatever the restart policy", () => {
  const history = rescheduling(9_000, { restartPolicy: { mode: "never" } }).add("RuntimeObserved", {
    instanceId: INSTANCE,
    observation: "Lost",
    workerId: "w1",
    runtimeInfo: running("r1"),
  });
  assertEquals(statusOf(history.state), "Failed");
  const [owed] = owedTo(history.state);
  assertEquals(owed, { kind: "judge", dueAt: 0 });
  const lost = worker("w1", { site: SITE, lost: true });
  const decision = react(history.state, owed!, { ...given, fleet: fleet(lost, worker("w2")) });
  const [event] = decision!.events;
  assert(event?.type === "StartRequested");
  assertEquals([event.data.cause, event.data.site], ["restart-policy", "site-of-w2"]);
});

Deno.test("a server that its host ended for its lease goes on at once; other ends are the policy's", () => {
  const exit = (reason: "LeaseLapsed" | "Exited") =>
    rescheduling().add("RuntimeObserved", {
      instanceId: INSTANCE,
      observation: "Exited",
      workerId: "w1",
      runtimeInfo: {
        ...ended("r1", 2_000, 143),
        exit: { code: null, signal: "SIGTERM", reason, message: "ended" },
      },
    }).state;
  const reactions = [exit("LeaseLapsed"), exit("Exited")].map((state) =>
    react(state, owedTo(state)[0]!, given)!.events[0]!.type
  );
  assertEquals(reactions, ["StartRequested", "RestartScheduled"]);
});

Deno.test("a start or restart that its worker took along is asked for anew; a stop is not", () => {
  const forgotten = (history: History, commandId: string) =>
    owedTo(history.add("CommandForgotten", { commandId, workerId: "w1" }).state)
      .map(({ kind }) => kind);
  const starting = () =>
    new History().add("InstanceCreated", specified(RESCHEDULE)).startRequested().accepted();
  assertEquals(forgotten(starting(), "c1"), ["judge"]);
  const restart = { ...launch("c2", 2), leaseMs: 9_000, site: SITE };
  assertEquals(
    forgotten(rescheduling().add("RestartRequested", restart).exited("r1"), "c2"),
    ["judge"],
  );
  assertEquals(
    forgotten(rescheduling().add("RestartRequested", restart), "c2"),
    [],
    "the run before it may still live",
  );
  assertEquals(forgotten(rescheduling().stopRequested(), "c2"), []);
  assertEquals(forgotten(starting().stopRequested().accepted("c2", "Stop"), "c1"), []);
  const waiting = new History().created().startRequested().accepted();
  assertEquals(forgotten(waiting, "c1"), [], "one that waits for its host is left to its user");
});

Deno.test("a lost server that no worker was there to take is asked for again, whatever the restart policy", () => {
  const history = rescheduling(9_000, { restartPolicy: { mode: "never" } }).add("RuntimeObserved", {
    instanceId: INSTANCE,
    observation: "Lost",
    workerId: "w1",
    runtimeInfo: running("r1"),
  }).startRequested("c2", "restart-policy").add("CommandExpired", {
    commandId: "c2",
    reason: "WorkersUnreachable",
  });
  const [owed] = owedTo(history.state);
  assertEquals(react(history.state, owed!, given)!.events[0]!.type, "StartRequested");
});

Deno.test("a report of a higher generation raises the instance's, a lower one does not", () => {
  const found = (generation: number) =>
    History.running().add("RuntimeObserved", {
      instanceId: INSTANCE,
      observation: "Found",
      workerId: "w1",
      runtimeInfo: { ...running("r9"), generation },
    }).state.context.generation;
  assertEquals([found(8), found(0)], [8, 1]);
});

Deno.test("an expiry that knows what is missing says it", () => {
  const history = new History().created().startRequested();
  const [owed] = owedTo(history.state);
  const decision = react(history.state, owed!, { ...given, expiryDetail: "Nobody has zone=b." });
  assertEquals(decision!.events[0]!.data, {
    commandId: "c1",
    reason: "NoWorker",
    detail: "Nobody has zone=b.",
  });
  history.add("CommandExpired", {
    commandId: "c1",
    reason: "NoWorker",
    detail: "Nobody has zone=b.",
  });
  assertEquals(history.state.context.lastError?.message, "Nobody has zone=b.");
});

const RESCHEDULE = { onWorkerLost: "reschedule", leaseMs: 9_000 } as const;

function specified(more: Record<string, unknown> = {}) {
  const created = new History().created().events[0]!;
  assert(created.type === "InstanceCreated");
  return { specification: { ...created.data.specification, ...more } } as typeof created.data;
}

/** Running, and wanted to go on elsewhere. */
function rescheduling(
  leaseMs: number | null = 9_000,
  more: Record<string, unknown> = {},
): History {
  const policy = History.running(more.restartPolicy as Record<string, unknown>).state.context
    .specification!.restartPolicy;
  const history = new History().add(
    "InstanceCreated",
    specified({ ...RESCHEDULE, restartPolicy: policy }),
  ).startRequested().accepted();
  return history.add("CommandSucceeded", {
    commandId: "c1",
    attempt: 1,
    workerId: "w1",
    response: {
      type: "StartInstanceResponse",
      instanceId: INSTANCE,
      success: true,
      runtimeInfo: { ...running("r1"), ...(leaseMs === null ? {} : { leaseMs }) },
    },
  });
}
