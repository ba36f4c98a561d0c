/** An instance as the API shows it, for every kind of state. */
import { assertEquals, assertObjectMatch } from "@std/assert";
import type { HealthReport } from "../../events/health.ts";
import { type EventData, type NewEvent, newEvent } from "../../events/instance_events.ts";
import type { Capsule, RuntimeInfo } from "../../events/runtime_info.ts";
import { failureView } from "../../http/health_view.ts";
import { instanceView } from "../../http/instance_view.ts";
import { stateAfter } from "./support/scripted_system.ts";

const run: RuntimeInfo = {
  instanceId: "i-1",
  status: "Running",
  runId: "r-1",
  generation: 1,
  site: "site-1",
  startedAt: 1_700_000_000_500,
  processId: "12345",
  port: 8080,
  runtimeMetadata: { standIn: "true" },
};
const configuration = { host: "127.0.0.1", port: 8080 };

const startRequested = (configurationRevision: number | null = 1) =>
  newEvent("StartRequested", {
    commandId: "c-1",
    generation: 1,
    configuration,
    configurationRevision,
    acceptWithinMs: 30_000,
    site: null,
    cause: "user",
  });
const accepted = newEvent("CommandAccepted", {
  commandId: "c-1",
  commandType: "StartInstanceCommand",
  attempt: 1,
  workerId: "worker-1",
  incarnation: "n-1",
  site: "site-1",
});
const started = newEvent("CommandSucceeded", {
  commandId: "c-1",
  attempt: 1,
  workerId: "worker-1",
  response: {
    type: "StartInstanceResponse",
    instanceId: "i-1",
    success: true,
    runtimeInfo: run,
  },
});
const configured = newEvent("InstanceConfigured", {
  changes: { configuration: { ...configuration, port: 9090 } },
});
const stopRequested = newEvent("StopRequested", {
  commandId: "c-2",
  generation: 2,
  site: "site-1",
  acceptWithinMs: 30_000,
});
const stopped = newEvent("CommandSucceeded", {
  commandId: "c-2",
  attempt: 1,
  workerId: "worker-1",
  response: {
    type: "StopInstanceResponse",
    instanceId: "i-1",
    success: true,
    runtimeInfo: { ...run, status: "Stopped", stoppedAt: 1_700_000_009_000 },
  },
});
const exited = newEvent("RuntimeObserved", {
  instanceId: "i-1",
  observation: "Exited",
  workerId: "worker-1",
  runtimeInfo: {
    ...run,
    status: "Stopped",
    stoppedAt: 1_700_000_009_000,
    exit: { code: 3, signal: null, reason: "Exited", message: "Exit code 3." },
  },
});
const scheduled = newEvent("RestartScheduled", { runId: "r-1", attempt: 0, delayMs: 500 });
const running = [startRequested(), accepted, started];

const statuses: [string, NewEvent[], string, string, string][] = [
  ["created", [], "Created", "Created", "unknown"],
  ["started for the first time", [startRequested()], "Starting", "Created", "starting"],
  ["running", running, "Running", "Running", "unknown"],
  [
    "running with an older configuration",
    [...running, configured],
    "Running",
    "ConfigurationChanged",
    "unknown",
  ],
  [
    "running with a body of its own, and configured since",
    [startRequested(null), accepted, started, configured],
    "Running",
    "Running",
    "unknown",
  ],
  ["stopping", [...running, stopRequested], "Stopping", "Running", "unknown"],
  ["stopped", [...running, stopRequested, stopped], "Stopped", "Stopped", "unknown"],
  [
    "started again",
    [...running, stopRequested, stopped, { ...startRequested() }],
    "Starting",
    "Stopped",
    "starting",
  ],
  ["failed", [...running, exited], "Failed", "Error", "unknown"],
];
for (const [what, events, status, legacyStatus, health] of statuses) {
  Deno.test(`what is ${what} shows as ${status}, to the predecessor's clients as ${legacyStatus}`, () => {
    assertObjectMatch(instanceView(stateAfter(...events)), { status, legacyStatus, health });
  });
}

Deno.test("a new instance shows all of its specification and nothing that is not there", () => {
  assertEquals(instanceView(stateAfter()), {
    id: "i-1",
    name: "one",
    description: "",
    platform: "process",
    template: "drasi-server",
    labels: {},
    status: "Created",
    legacyStatus: "Created",
    desired: "stopped",
    health: "unknown",
    version: 1,
    generation: 0,
    specificationVersion: 1,
    configuration: { revision: 1, runningRevision: null, serverConfiguration: configuration },
    restartPolicy: {
      mode: "on-failure",
      baseMs: 200,
      factor: 2,
      capMs: 60_000,
      resetAfterMs: 60_000,
      maxStarts: 10,
      windowMs: 600_000,
    },
    onWorkerLost: "wait",
    workerLabels: {},
    limits: {},
    restarts: 0,
    createdAt: "2023-11-14T22:13:20.000Z",
    lastModifiedAt: "2023-11-14T22:13:20.000Z",
    allowed: ["start", "configure", "move", "delete"],
  });
});

Deno.test("an instance whose worker is silent says that nobody knows how it is", () => {
  const shown = (isSilent: boolean) => instanceView(stateAfter(...running), () => isSilent);
  assertEquals([shown(true).workerSilent, shown(false).workerSilent], [true, undefined]);
  assertObjectMatch(shown(true), { status: "Running", health: "unknown" });
  assertEquals(instanceView(stateAfter(), () => true).workerSilent, undefined, "it has none");
});

Deno.test("a running instance shows how it does, as its worker has told, and an ended one shows nothing", () => {
  const sample = { cpuShare: 0.5, cpuSeconds: 12, memoryBytes: 1_048_576, processes: 3 };
  const metrics = new Map([[
    run.runId,
    { ...sample, runId: run.runId, openFiles: null, sampledAt: run.startedAt + 60_000 },
  ]]);
  const shown = (...events: NewEvent[]) =>
    instanceView(stateAfter(...events), () => false, metrics).metrics;
  assertEquals(shown(...running), {
    ...sample,
    restarts: 0,
    uptimeMs: 60_000,
    sampledAt: "2023-11-14T22:14:20.500Z",
  });
  assertEquals(shown(...running, exited), undefined);
  assertEquals(instanceView(stateAfter(...running)).metrics, undefined, "its worker tells nothing");
});

Deno.test("a running instance shows its run, its worker and what it was started with", () => {
  assertObjectMatch(instanceView(stateAfter(...running, configured)), {
    desired: "running",
    worker: "worker-1",
    site: "site-1",
    configuration: {
      revision: 2,
      runningRevision: 1,
      serverConfiguration: { ...configuration, port: 9090 },
    },
    runtimeInfo: {
      instanceId: "i-1",
      status: "Running",
      processId: "12345",
      startedAt: "2023-11-14T22:13:20.500Z",
      runId: "r-1",
      generation: 1,
      site: "site-1",
      port: 8080,
      runtimeMetadata: { standIn: "true" },
    },
    allowed: ["stop", "restart", "configure", "delete"],
  });
});

Deno.test("what was started with a body of its own shows that body", () => {
  const view = instanceView(stateAfter(startRequested(null), accepted, started));
  assertObjectMatch(view.configuration as object, {
    runningRevision: null,
    runningConfiguration: configuration,
  });
});

Deno.test("a command in hand is shown with its deadline, then with its worker", () => {
  const pending = {
    commandId: "c-1",
    kind: "start",
    cause: "user",
    requestedAt: "2023-11-14T22:13:21.000Z",
  };
  assertEquals(instanceView(stateAfter(startRequested())).pending, {
    ...pending,
    acceptBy: "2023-11-14T22:13:51.000Z",
  });
  assertEquals(instanceView(stateAfter(startRequested(), accepted)).pending, {
    ...pending,
    acceptedAt: "2023-11-14T22:13:22.000Z",
    worker: "worker-1",
    attempt: 1,
    site: "site-1",
  });
});

Deno.test("a failed instance shows why, how its run ended and when it is started again", () => {
  const view = instanceView(stateAfter(...running, exited, scheduled));
  assertObjectMatch(view, {
    lastError: {
      code: "exited",
      message: "Exit code 3.",
      retryable: true,
      at: "2023-11-14T22:13:24.000Z",
    },
    nextStartAt: "2023-11-14T22:13:25.500Z",
  });
  assertObjectMatch(view.runtimeInfo as object, {
    status: "Stopped",
    stoppedAt: "2023-11-14T22:13:29.000Z",
    exit: { code: 3, signal: null, reason: "Exited", message: "Exit code 3." },
  });
  assertEquals("worker" in view, false, "nobody has it in work any more");
});

const told = (health: HealthReport["health"], more: Partial<HealthReport> = {}) =>
  newEvent("HealthObserved", {
    instanceId: "i-1",
    runId: "r-1",
    runGeneration: 1,
    health,
    ...more,
    workerId: "worker-1",
  });

Deno.test("health is shown with its reason and parts, and is unknown when nobody says or the worker is silent", () => {
  const components = [{ kind: "query", name: "q1", status: "Error" }];
  const ill = told("unhealthy", {
    cause: "components",
    reason: "query q1 is in Error",
    components,
  });
  assertObjectMatch(instanceView(stateAfter(...running, ill)), {
    status: "Running",
    health: "unhealthy",
    healthDetail: {
      since: "2023-11-14T22:13:24.000Z",
      cause: "components",
      reason: "query q1 is in Error",
      components,
    },
  });
  const well = instanceView(stateAfter(...running, told("healthy")));
  assertEquals([well.health, well.healthDetail], ["healthy", {
    since: "2023-11-14T22:13:24.000Z",
  }]);
  const silent = instanceView(stateAfter(...running, told("healthy")), () => true);
  assertEquals([silent.health, silent.healthDetail], ["unknown", undefined]);
  assertEquals(instanceView(stateAfter(...running, told("healthy"), exited)).health, "unknown");
});

Deno.test("a start that takes long shows its step, since when, and what it waits for", () => {
  const start = { step: "waiting-for-readiness", since: 1_700_000_002_000 } as const;
  const view = instanceView(
    stateAfter(startRequested(), accepted, told("starting", { start, reason: "no connection" })),
  );
  assertEquals([view.health, view.startProgress], ["starting", {
    step: "waiting-for-readiness",
    since: "2023-11-14T22:13:22.000Z",
    problem: "no connection",
  }]);
});

Deno.test("the last failure is shown with its output and capsule; a capsule that is none is left out", () => {
  const failed = (capsule: unknown) => {
    const { runtimeInfo, ...data } = exited.data as EventData<"RuntimeObserved">;
    const ended = { ...runtimeInfo, logTail: "it broke", capsule: capsule as Capsule };
    const event = newEvent("RuntimeObserved", { ...data, runtimeInfo: ended });
    return failureView(stateAfter(...running, event)).lastFailure;
  };
  const capsule = {
    configurationRevision: 2,
    program: "/bin/x",
    environment: { TOKEN: "***" },
    probes: [{ at: 1_700_000_001_000, kind: "liveness", problem: "no answer" }],
    changes: ["configuration: revision 2, was revision 1"],
  };
  const view = failed(capsule) as { at: string; run: object; capsule: object };
  assertEquals(view.at, "2023-11-14T22:13:24.000Z");
  assertObjectMatch(view.run, { status: "Stopped", logTail: "it broke" });
  assertEquals(view.capsule, {
    ...capsule,
    probes: [{ at: "2023-11-14T22:13:21.000Z", kind: "liveness", problem: "no answer" }],
  });
  assertEquals("capsule" in (failed({ some: "thing" }) as object), false);
  assertEquals(failureView(stateAfter(...running)), {}, "nothing has failed");
});
