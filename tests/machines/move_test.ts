/** Moving an instance to another platform: what is removed where it was, and what it is from then on. */
import { assert, assertEquals } from "@std/assert";
import type { WorkerRecord } from "../../events/command_bus.ts";
import type { Destination } from "../../events/specification.ts";
import type { Deciding } from "../../machines/accept.ts";
import { decide } from "../../machines/decide.ts";
import { owedTo } from "../../machines/reconcile.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { allowedRequests, statusOf } from "../../machines/status.ts";
import { ended, History, launch, running, SITE } from "../support/recorded.ts";

const given: Deciding = {
  commandId: "new",
  correlationId: "q",
  acceptWithinMs: 30_000,
  keepsAnswer: false,
};
const to: Destination = {
  platform: "docker",
  template: "image",
  configuration: { image: "busybox" },
};

function move(state: InstanceState, force = false, destination = to) {
  return decide(state, { type: "move", to: destination, force }, given);
}

function accepted(decision: ReturnType<typeof decide>) {
  assert(decision.kind === "accepted", JSON.stringify(decision));
  return decision;
}

const stopped = () => History.stopping().stopped();

function removed(history: History, commandId = "c3"): History {
  return history.accepted(commandId, "Delete").add("CommandSucceeded", {
    commandId,
    attempt: 1,
    workerId: "w1",
    response: { type: "DeleteInstanceResponse", instanceId: "instance-1", success: true },
  });
}

Deno.test("a move is one command, which removes what is left at the last run's site, as its old platform knows it", () => {
  const { commands, awaits, events } = accepted(move(stopped().state));
  assertEquals(
    commands.map(({ type, site, platform, generation }) => [type, site, platform, generation]),
    [["DeleteInstanceCommand", SITE, "process", 3]],
  );
  assertEquals([awaits, events.map(({ type }) => type)], ["new", ["MoveRequested"]]);
});

Deno.test("until the worker has removed it an instance is what it was, and it takes no start", () => {
  const { state } = stopped().moveRequested("c3", to);
  assertEquals(statusOf(state), "Stopping");
  assertEquals(state.context.specification?.platform, "process");
  assertEquals(allowedRequests(state), ["stop", "delete"]);
  assertEquals(decide(state, { type: "start" }, given).kind, "rejected");
});

Deno.test("once that is done it is as new on its platform, and its next start goes to any worker there", () => {
  const { state } = removed(stopped().moveRequested("c3", to));
  const { specification, run, revision, specificationVersion, version } = state.context;
  assertEquals([statusOf(state), run, revision], ["Created", null, 2]);
  assertEquals(
    [specification?.platform, specification?.template, specification?.configuration],
    ["docker", "image", { image: "busybox" }],
  );
  assertEquals(specificationVersion, version, "the entity tag is a new one");
  const [start] = accepted(decide(state, { type: "start" }, given)).commands;
  assertEquals([start?.platform, start?.site, start?.template], ["docker", null, "image"]);
});

Deno.test("what is not named in a move stays as it was", () => {
  const history = new History().created().moveRequested(null, { platform: "docker" });
  const { specification, revision } = history.state.context;
  assertEquals([specification?.platform, specification?.template, revision], [
    "docker",
    "command",
    1,
  ]);
});

Deno.test("an instance that never had a place is moved at once", () => {
  const decision = accepted(move(new History().created().state));
  assertEquals([decision.commands, decision.awaits], [[], null]);
});

Deno.test("a forced move waits for no worker, and is newer than all that may be left behind", () => {
  const decision = accepted(move(stopped().state, true));
  assertEquals([decision.commands, decision.awaits, decision.generation], [[], null, 3]);
});

Deno.test("a move that no worker took leaves the instance where it is", () => {
  const { state } = stopped().moveRequested("c3", to)
    .add("CommandExpired", { commandId: "c3", reason: "NoWorker" });
  const { specification, run, lastError } = state.context;
  assertEquals([statusOf(state), specification?.platform, run?.site, lastError?.code], [
    "Stopped",
    "process",
    SITE,
    "no_worker",
  ]);
});

Deno.test("while a worker is at a move nothing but a delete is taken: a start would have the old configuration", () => {
  const { state } = stopped().moveRequested("c3", to).accepted("c3", "Delete");
  assertEquals(allowedRequests(state), ["delete"]);
  for (const type of ["stop", "start"] as const) {
    assertEquals(decide(state, { type }, given).kind, "rejected", type);
  }
  const { commands } = accepted(decide(state, { type: "delete", force: false }, given));
  assertEquals(commands.map(({ type, site }) => [type, site]), [["DeleteInstanceCommand", SITE]]);
});

Deno.test("a move and a delete in work each end once, and it is deleted", () => {
  const history = stopped().moveRequested("c3", to).accepted("c3", "Delete");
  history.add("DeleteRequested", {
    commandId: "c4",
    generation: 4,
    site: SITE,
    acceptWithinMs: 1_000,
    force: false,
    mayStillRun: null,
  });
  assertEquals(statusOf(removed(history).state), "Deleting");
  assertEquals(statusOf(removed(history, "c4").state), "Deleted");
});

Deno.test("a move whose worker was given up has not been done, and may be asked for again by force", () => {
  const { state } = stopped().moveRequested("c3", to).accepted("c3", "Delete")
    .add("CommandForgotten", { commandId: "c3", workerId: "w1" });
  assertEquals([statusOf(state), state.context.specification?.platform], ["Stopped", "process"]);
  assertEquals(accepted(move(state, true)).commands, []);
});

Deno.test("a move that fails leaves a failed instance stopped where it is: it is not started again by itself", () => {
  const failed = History.running().exited()
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 50 })
    .moveRequested("c3", to).accepted("c3", "Delete").failed("c3", "Delete", ended("r1", 2_000));
  assertEquals(statusOf(failed.state), "Stopped");
  assertEquals(owedTo(failed.state), []);
  assertEquals(failed.state.context.lastError?.message, "no");
});

Deno.test("a move that does not fit what the instance is by now is refused with every fault", () => {
  const history = new History().created();
  const decision = move(history.state, false, { platform: "docker", onWorkerLost: "reschedule" });
  assert(decision.kind === "rejected" && decision.rejection.code === "invalid");
  assertEquals(decision.rejection.faults.map(({ path }) => path), ["template", "onWorkerLost"]);
  const unfit = decide(removed(stopped().moveRequested("c3", to)).state, {
    type: "configure",
    changes: { configuration: { command: ["true"] }, onWorkerLost: "reschedule" },
  }, given);
  assert(unfit.kind === "rejected" && unfit.rejection.code === "invalid");
  assert(unfit.rejection.faults.some(({ path }) => path === "configuration.image"));
});

Deno.test("after a start that was taken over or given up, a move waits for what may come late; else it does not", () => {
  const late = (history: History) => accepted(move(history.state)).commands[0]?.mayComeLate;
  assertEquals(late(stopped()), undefined);
  const takenOver = new History().created().startRequested().accepted().accepted("c1", "Start", 2)
    .failed();
  assertEquals(late(takenOver), true);
  const givenUp = new History().created().startRequested().accepted()
    .add("CommandForgotten", { commandId: "c1", workerId: "w1" });
  assertEquals(late(givenUp), true);
  const after = removed(takenOver.moveRequested("c3", { platform: "kubernetes" }));
  assertEquals(after.state.context.mayComeLate, false, "there nothing of it ever was");
});

Deno.test("what was found to live elsewhere while a worker was at a move is not forgotten: the instance has not moved", () => {
  const { state } = removed(
    stopped().moveRequested("c3", to).add("RuntimeObserved", {
      instanceId: "instance-1",
      observation: "Found",
      workerId: "w2",
      runtimeInfo: { ...running("r9"), generation: 9, site: "site-2" },
    }),
  );
  assertEquals([statusOf(state), state.context.run?.runId], ["Running", "r9"]);
  assertEquals(state.context.specification?.platform, "process");
});

Deno.test("after a stop and a move that were done at once, what is found to have run before is stopped", () => {
  const history = new History().created().stopRequested(null).moveRequested(null, to);
  const before = history.state.context.lastModifiedAt;
  const { state } = history.add("RuntimeObserved", {
    instanceId: "instance-1",
    observation: "Found",
    workerId: "w1",
    ageMs: 1_000,
    runtimeInfo: { ...running("r9"), generation: 9, startedAt: before - 500 },
  });
  assertEquals(owedTo(state).map(({ kind }) => kind), ["stop"]);
});

Deno.test("what runs at the place that it has left is neither restarted nor started there", () => {
  const found = removed(stopped().moveRequested("c3", to)).add("RuntimeObserved", {
    instanceId: "instance-1",
    observation: "Found",
    workerId: "w1",
    runtimeInfo: { ...running("r9"), generation: 9 },
  });
  const worker = { workerId: "w1", site: SITE, platform: "process", labels: {} } as WorkerRecord;
  const there = { ...given, fleet: { workers: [worker], at: 0 } };
  assertEquals(decide(found.state, { type: "restart" }, there).kind, "rejected");
  const [start] = accepted(decide(found.exited("r9").state, { type: "start" }, there)).commands;
  assertEquals([start?.platform, start?.site], ["docker", null]);
});

Deno.test("a stop takes back a move that nobody has accepted", () => {
  const { state } = stopped().moveRequested("c3", to);
  const decision = accepted(decide(state, { type: "stop" }, given));
  assertEquals(decision.events.map(({ type }) => type), ["StopRequested", "CommandCancelled"]);
  assertEquals(decision.ends.map(({ commandId }) => commandId), ["c3"]);
});

Deno.test("a move asked for twice is one; another one beside it is a conflict", () => {
  const { state } = stopped().moveRequested("c3", to);
  assertEquals(move(state), { kind: "joined", commandId: "c3" });
  assertEquals(move(state, false, { platform: "kubernetes" }).kind, "rejected");
  assertEquals(move(state, true).kind, "rejected");
});

Deno.test("a move to where it is already changes nothing, also while it runs", () => {
  assertEquals(move(History.running().state, false, { platform: "process" }).kind, "unchanged");
});

Deno.test("what runs is not moved, nor what is about to be started", () => {
  assertEquals(move(History.running().state).kind, "rejected");
  const waiting = History.stopping().add("StartQueued", launch("queued", 3)).stopped().state;
  assertEquals(statusOf(waiting), "Stopped");
  assertEquals(move(waiting).kind, "rejected");
});

Deno.test("a move takes back the restart that the policy had planned", () => {
  const failed = History.running().exited()
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 50 });
  const { state } = failed.moveRequested("c3", to);
  assertEquals(owedTo(state).map(({ kind }) => kind), ["expire"]);
  assertEquals(statusOf(removed(failed).state), "Created");
});

Deno.test("what is found of an instance after a move is stopped by its own platform's worker", () => {
  const { state } = removed(stopped().moveRequested("c3", to)).add("RuntimeObserved", {
    instanceId: "instance-1",
    observation: "Found",
    workerId: "w1",
    runtimeInfo: { ...running("r9"), generation: 9 },
  });
  const worker = { workerId: "w1", site: SITE, platform: "process" } as WorkerRecord;
  const decision = decide(state, { type: "stop" }, {
    ...given,
    fleet: { workers: [worker], at: 0 },
  });
  const [stop] = accepted(decision).commands;
  assertEquals([statusOf(state), stop?.site, stop?.platform], ["Running", SITE, "process"]);
});
