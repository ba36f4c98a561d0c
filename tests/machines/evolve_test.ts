/** Every (status, event) pair, and the rules of run and pending. Design §4. */
import { assertEquals } from "@std/assert";
import { storedState } from "../../machines/evolve.ts";
import { statusOf } from "../../machines/status.ts";
import { ended, History, launch, running, SITE } from "../support/recorded.ts";

const deleteRequested = (commandId: string | null, force = false) => (history: History) =>
  history.add("DeleteRequested", {
    commandId,
    generation: history.state.context.generation + 1,
    site: commandId === null ? null : SITE,
    acceptWithinMs: 1_000,
    force,
    mayStillRun: null,
  });

const moveRequested = (commandId: string | null) => (history: History) =>
  history.moveRequested(commandId);

/** The way to each status; the command in hand is `c2` where there is one, `c1` for a start. */
const ways: Record<string, () => History> = {
  Created: () => new History().created(),
  Starting: () => new History().created().startRequested(),
  "Starting (accepted)": () => new History().created().startRequested().accepted(),
  Running: () => History.running(),
  Restarting: () =>
    History.running().add("RestartRequested", { ...launch("c2", 2), site: SITE }).accepted(
      "c2",
      "Restart",
    ),
  Stopping: () => History.stopping(),
  Stopped: () => History.stopping().stopped(),
  Moving: () => History.running().exited("r1", 0).moveRequested("c2").accepted("c2", "Delete"),
  Failed: () => History.running().exited(),
  Deleting: () => deleteRequested("c2")(History.running()).accepted("c2", "Delete"),
  Deleted: () => deleteRequested(null)(new History().created()),
};

const succeeded =
  (type: "Start" | "Stop" | "Restart" | "Delete", commandId: string) => (history: History) =>
    history.add("CommandSucceeded", {
      commandId,
      attempt: 1,
      workerId: "w1",
      response: {
        type: `${type}InstanceResponse`,
        instanceId: "instance-1",
        success: true,
        ...(type === "Start" || type === "Restart"
          ? { runtimeInfo: { ...running("r2", history.at), generation: 9 } }
          : { runtimeInfo: ended("r1", history.at) }),
      },
    });

const events: Record<string, (history: History) => History> = {
  InstanceConfigured: (history) => history.add("InstanceConfigured", { changes: { name: "two" } }),
  StartRequested: (history) => history.startRequested("c9"),
  StartQueued: (history) => history.add("StartQueued", launch("c9", 9)),
  "StopRequested (no worker)": (history) => history.stopRequested(null),
  "StopRequested (worker)": (history) => history.stopRequested("c9"),
  RestartRequested: (history) =>
    history.add("RestartRequested", { ...launch("c9", 9), site: SITE }),
  "DeleteRequested (no worker)": deleteRequested(null),
  "DeleteRequested (worker)": deleteRequested("c9"),
  "DeleteRequested (forced)": deleteRequested("c9", true),
  "MoveRequested (no worker)": moveRequested(null),
  "MoveRequested (worker)": moveRequested("c9"),
  RequestAnswered: (history) =>
    history.add("RequestAnswered", { request: "start", commandId: null }),
  "CommandAccepted c1": (history) => history.accepted("c1"),
  "CommandSucceeded start c1": succeeded("Start", "c1"),
  "CommandSucceeded stop c2": succeeded("Stop", "c2"),
  "CommandSucceeded restart c2": succeeded("Restart", "c2"),
  "CommandSucceeded delete c2": succeeded("Delete", "c2"),
  "CommandFailed start c1": (history) => history.failed("c1"),
  "CommandFailed stop c2, still alive": (history) => history.failed("c2", "Stop", running("r1")),
  "CommandExpired c1": (history) =>
    history.add("CommandExpired", { commandId: "c1", reason: "NoWorker" }),
  "CommandExpired c2": (history) =>
    history.add("CommandExpired", { commandId: "c2", reason: "NoWorker" }),
  "CommandCancelled c1": (history) =>
    history.add("CommandCancelled", { commandId: "c1", reason: "x" }),
  "CommandRefused c1": (history) =>
    history.add("CommandRefused", { commandId: "c1", reason: "Poison" }),
  "CommandForgotten c1": (history) =>
    history.add("CommandForgotten", { commandId: "c1", workerId: "w1" }),
  "RuntimeObserved Exited r1 (1)": (history) => history.exited("r1", 1),
  "RuntimeObserved Exited r1 (0)": (history) => history.exited("r1", 0),
  "RuntimeObserved Lost r1": (history) =>
    history.add("RuntimeObserved", {
      instanceId: "instance-1",
      observation: "Lost",
      workerId: "w1",
      runtimeInfo: running("r1"),
    }),
  "RuntimeObserved Found r7": (history) =>
    history.add("RuntimeObserved", {
      instanceId: "instance-1",
      observation: "Found",
      workerId: "w1",
      runtimeInfo: running("r7"),
    }),
  "RuntimeObserved Exited r0 (a stranger)": (history) => history.exited("r0", 1),
  "HealthObserved unhealthy r1": (history) => history.health("unhealthy"),
  "HealthObserved starting": (history) =>
    history.health("starting", { start: { step: "settling", since: 1 } }),
  "ExternalStatusReported Stopped": (history) => history.reported("Stopped"),
  RestartScheduled: (history) =>
    history.add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 50 }),
  RestartAbandoned: (history) =>
    history.add("RestartAbandoned", { runId: "r1", reason: "CrashLoop", starts: 9 }),
  Baseline: (history) => history.add("Baseline", { state: storedState(history.state) }),
};

/** The status after the event, where it differs from the status before. */
const changes: Record<string, Record<string, string>> = {
  Created: {
    "StartRequested": "Starting",
    "StopRequested (worker)": "Stopping",
    "RestartRequested": "Restarting",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded start c1": "Running",
    "CommandSucceeded stop c2": "Stopped",
    "CommandSucceeded restart c2": "Running",
    "CommandSucceeded delete c2": "Stopped",
    "CommandFailed stop c2, still alive": "Running",
    "RuntimeObserved Found r7": "Running",
    "RestartScheduled": "Failed",
    "RestartAbandoned": "Failed",
    "MoveRequested (worker)": "Stopping",
  },
  Starting: {
    "StopRequested (no worker)": "Created",
    "StopRequested (worker)": "Stopping",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded start c1": "Running",
    "CommandFailed start c1": "Created",
    "CommandExpired c1": "Created",
    "CommandCancelled c1": "Created",
    "CommandRefused c1": "Created",
    "CommandForgotten c1": "Failed",
  },
  "Starting (accepted)": {
    "StopRequested (worker)": "Stopping",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded start c1": "Running",
    "CommandFailed start c1": "Failed",
    "CommandForgotten c1": "Failed",
  },
  Running: {
    "StartRequested": "Starting",
    "StopRequested (worker)": "Stopping",
    "RestartRequested": "Restarting",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded stop c2": "Stopped",
    "CommandSucceeded delete c2": "Stopped",
    "RuntimeObserved Exited r1 (1)": "Failed",
    "RuntimeObserved Exited r1 (0)": "Stopped",
    "RuntimeObserved Lost r1": "Failed",
    "MoveRequested (no worker)": "Created",
    "MoveRequested (worker)": "Stopping",
  },
  Restarting: {
    "StopRequested (no worker)": "Running",
    "StopRequested (worker)": "Stopping",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded stop c2": "Stopped",
    "CommandSucceeded restart c2": "Running",
    "CommandSucceeded delete c2": "Stopped",
    "CommandFailed stop c2, still alive": "Running",
    "CommandExpired c2": "Running",
  },
  Stopping: {
    "StartRequested": "Starting",
    "StopRequested (no worker)": "Running",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded stop c2": "Stopped",
    "CommandSucceeded restart c2": "Running",
    "CommandSucceeded delete c2": "Stopped",
    "CommandFailed stop c2, still alive": "Running",
    "CommandExpired c2": "Running",
  },
  Stopped: {
    "StartRequested": "Starting",
    "StopRequested (worker)": "Stopping",
    "RestartRequested": "Restarting",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded start c1": "Running",
    "CommandSucceeded restart c2": "Running",
    "RuntimeObserved Found r7": "Running",
    "RestartScheduled": "Failed",
    "RestartAbandoned": "Failed",
    "MoveRequested (no worker)": "Created",
    "MoveRequested (worker)": "Stopping",
  },
  Moving: {
    "StopRequested (no worker)": "Stopped",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded stop c2": "Created",
    "CommandSucceeded restart c2": "Created",
    "CommandSucceeded delete c2": "Created",
    "CommandFailed stop c2, still alive": "Stopped",
    "CommandExpired c2": "Stopped",
  },
  Failed: {
    "StartRequested": "Starting",
    "StopRequested (no worker)": "Stopped",
    "StopRequested (worker)": "Stopping",
    "RestartRequested": "Restarting",
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (worker)": "Deleting",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded start c1": "Running",
    "CommandSucceeded stop c2": "Stopped",
    "CommandSucceeded restart c2": "Running",
    "CommandSucceeded delete c2": "Stopped",
    "RuntimeObserved Found r7": "Running",
    "MoveRequested (no worker)": "Created",
    "MoveRequested (worker)": "Stopping",
  },
  Deleting: {
    "DeleteRequested (no worker)": "Deleted",
    "DeleteRequested (forced)": "Deleted",
    "CommandSucceeded stop c2": "Deleted",
    "CommandSucceeded restart c2": "Deleted",
    "CommandSucceeded delete c2": "Deleted",
    "CommandFailed stop c2, still alive": "Running",
    "CommandExpired c2": "Running",
  },
  Deleted: {},
};

for (const [status, way] of Object.entries(ways)) {
  for (const [name, add] of Object.entries(events)) {
    const expected = changes[status]?.[name] ?? statusOf(way().state);
    Deno.test(`${name} on ${status}: ${expected}`, () =>
      assertEquals(statusOf(add(way()).state), expected));
  }
}

Deno.test("an accepted start begins a run whose site is known before its process is", () => {
  const { run } = new History().created().startRequested().accepted().state.context;
  assertEquals([run?.site, run?.runId], [SITE, null]);
});

Deno.test("a late report never revives a run that has ended", () => {
  const history = History.running().exited("r1", 1);
  const found = history.add("RuntimeObserved", {
    instanceId: "instance-1",
    observation: "Found",
    workerId: "w1",
    runtimeInfo: running("r1"),
  });
  assertEquals(statusOf(found.state), "Failed");
});

Deno.test("of two runs told to live, the one that is newer by generation and by start is kept", () => {
  const found = (runId: string, generation: number, startedAt: number) =>
    History.running().add("RuntimeObserved", {
      instanceId: "instance-1",
      observation: "Found",
      workerId: "w1",
      runtimeInfo: { ...running(runId), generation, startedAt },
    }).state.context;
  const { generation, startedAt } = History.running().state.context.run!.runtimeInfo!;
  assertEquals(found("r7", generation, startedAt + 1).run?.runId, "r1");
  assertEquals(found("r7", generation + 3, startedAt - 1).run?.runId, "r1");
  const { run, endedRuns } = found("r7", generation + 3, startedAt + 1);
  assertEquals([run?.runId, endedRuns], ["r7", ["r1"]]);
});

Deno.test("a second report of the same exit changes nothing but the version", () => {
  const history = History.running().exited("r1", 1);
  const before = history.state.context;
  const { context } = history.exited("r1", 0).state;
  assertEquals([context.failure, context.run], [before.failure, before.run]);
});

Deno.test("an accepted start's response counts although a stop came between", () => {
  const history = new History().created().startRequested().accepted().stopRequested("c2");
  assertEquals(statusOf(history.started("c1", "r1").state), "Stopping");
  assertEquals(history.state.context.run?.runId, "r1");
  assertEquals(statusOf(history.stopped("c2", "r1").state), "Stopped");
});

Deno.test("an expired stop leaves the status to what the run says", () => {
  const history = History.running().stopRequested("c2")
    .add("CommandExpired", { commandId: "c2", reason: "NoWorker" });
  assertEquals(statusOf(history.state), "Running");
  assertEquals(history.state.context.lastError?.code, "no_worker");
});

Deno.test("a start body's override is what an automatic restart uses, the next user's start the configured one", () => {
  const history = new History().created().add("StartRequested", {
    ...launch("c1", 1),
    configuration: { command: ["/bin/sleep", "9"] },
    configurationRevision: null,
    site: null,
    cause: "user",
  }).accepted().started();
  assertEquals(history.state.context.run?.launch, {
    configuration: { command: ["/bin/sleep", "9"] },
    configurationRevision: null,
  });
});

Deno.test("drift: a configuration changed while running leaves the run's revision behind", () => {
  const { context } = History.running()
    .add("InstanceConfigured", { changes: { configuration: { command: ["/bin/false"] } } }).state;
  assertEquals([context.revision, context.run?.launch?.configurationRevision], [2, 1]);
});

Deno.test("a forced delete is final at once, and its command still ends", () => {
  const history = deleteRequested("c9", true)(History.running());
  assertEquals(statusOf(history.state), "Deleted");
  assertEquals(history.state.context.commands.length, 1);
  history.add("CommandExpired", { commandId: "c9", reason: "NoWorker" });
  assertEquals([statusOf(history.state), history.state.context.commands.length], ["Deleted", 0]);
});

Deno.test("a baseline holds the whole state: the fold goes on from it as if nothing was cut", () => {
  const history = History.running();
  const whole = storedState(history.state);
  history.add("Baseline", { state: whole });
  const { version, position, ...rest } = history.state.context;
  const { version: _v, position: _p, ...before } = History.running().state.context;
  assertEquals(rest, before);
  assertEquals([version, position], [5, "5-0"]);
  assertEquals(statusOf(history.stopRequested("c2").state), "Stopping");
});

Deno.test("a request that joins a start which waits for a stop does not end it", () => {
  const history = History.stopping().add("StartQueued", launch("queued", 3))
    .add("RequestAnswered", { request: "start", commandId: "queued" });
  assertEquals(history.state.context.queuedStart?.commandId, "queued");
});
