/** What a worker says of a server's health, and what the restart policy makes of it. Design §4, rule 13. */
import { assert, assertEquals } from "@std/assert";
import { type Owed, owedTo, react, type Reacting } from "../../machines/reconcile.ts";
import { statusOf } from "../../machines/status.ts";
import { ended, History, INSTANCE, launch, running, SITE } from "../support/recorded.ts";

const given: Reacting = {
  commandId: "new",
  correlationId: "q",
  acceptWithinMs: 600_000,
  keepsAnswer: false,
  fraction: 0.5,
  expiryReason: "NoWorker",
};
const capsule = { environment: { PATH: "/bin" }, probes: [] };
const planned = { runId: "r1", attempt: 0, delayMs: 100, cause: "Unhealthy" } as const;

function owed(history: History): Owed["kind"][] {
  return owedTo(history.state).map(({ kind }) => kind);
}

function reaction(history: History) {
  return react(history.state, owedTo(history.state)[0]!, given);
}

/** Unhealthy, and its restart asked for by the policy. */
function replaced(): History {
  return History.running().health("unhealthy").add("RestartScheduled", planned)
    .add("RestartRequested", { ...launch("c2", 2), site: SITE, cause: "restart-policy" })
    .accepted("c2", "Restart");
}

Deno.test("health is shown apart from the status, with its reason and since when it is so", () => {
  const history = History.running().health("healthy");
  const since = history.at;
  assertEquals(history.health("healthy").state.context.health, {
    runId: "r1",
    status: "healthy",
    cause: null,
    reason: null,
    components: [],
    since,
    isGivenUp: false,
  });
  const ill = history.health("unhealthy", { reason: "no answer" });
  assertEquals(statusOf(ill.state), "Running");
  const { health, lastError } = ill.state.context;
  assertEquals([health?.status, health?.reason, health?.since], ["unhealthy", "no answer", ill.at]);
  assertEquals([lastError?.code, lastError?.message], [
    "unhealthy",
    "The server is unhealthy: no answer",
  ]);
});

Deno.test("a server that is unhealthy is restarted where it runs, with what it runs with, and counted as a try", () => {
  const history = History.running({ baseMs: 200 }).health("unhealthy");
  assertEquals(owed(history), ["judge"]);
  assertEquals(reaction(history)?.events, [{ type: "RestartScheduled", data: planned }]);
  history.add("RestartScheduled", planned);
  assertEquals(owedTo(history.state), [{ kind: "restart", dueAt: history.at + 100 }]);
  assertEquals(statusOf(history.state), "Running", "it runs on until then");
  const { events, commands } = reaction(history)!;
  assert(events[0]?.type === "RestartRequested", events[0]?.type);
  assertEquals([events[0].data.cause, events[0].data.site], ["restart-policy", SITE]);
  assertEquals(commands.map(({ type, site }) => [type, site]), [["RestartInstanceCommand", SITE]]);
  const { restarts, recentStarts, attempts } = replaced().state.context;
  assertEquals([restarts, recentStarts.length, attempts], [1, 1, 1]);
});

Deno.test("a server that mends itself before its restart is due is left alone", () => {
  const history = History.running().health("unhealthy").add("RestartScheduled", planned)
    .health("healthy");
  assertEquals([owed(history), history.state.context.nextStart], [[], null]);
  assertEquals(
    owed(history.health("unhealthy")),
    ["judge"],
    "and judged anew when it is ill again",
  );
});

Deno.test("parts that failed are shown, and nothing is restarted for them", () => {
  const components = [{ kind: "source", name: "s1", status: "Error", reason: "no route" }];
  const history = History.running().health("unhealthy", { cause: "components", components });
  assertEquals(history.state.context.health?.components, components);
  assertEquals(owed(history), []);
});

Deno.test("the policy never leaves what is unhealthy as it is, until it is changed", () => {
  const history = History.running({ mode: "never" }).health("unhealthy");
  assertEquals(owed(history), []);
  const { specification } = history.state.context;
  history.add("InstanceConfigured", {
    changes: { restartPolicy: { ...specification!.restartPolicy, mode: "on-failure" } },
  });
  assertEquals(owed(history), ["judge"], "the policy is read at each decision");
});

Deno.test("a server that is unhealthy again and again is given up, and runs on", () => {
  const history = History.running({ maxStarts: 1 }).health("unhealthy")
    .add("RestartScheduled", planned)
    .add("RestartRequested", { ...launch("c2", 2), site: SITE, cause: "restart-policy" })
    .accepted("c2", "Restart").started("c2", "r2").health("unhealthy", { runId: "r2" });
  assertEquals(reaction(history)?.events, [{
    type: "RestartAbandoned",
    data: { runId: "r2", reason: "CrashLoop", starts: 1 },
  }]);
  history.add("RestartAbandoned", { runId: "r2", reason: "CrashLoop", starts: 1 });
  assertEquals([owed(history), statusOf(history.state)], [[], "Running"]);
  assertEquals(history.state.context.lastError?.code, "crash_loop");
  assertEquals(owed(history.health("unhealthy", { runId: "r2" })), []);
  history.health("healthy", { runId: "r2" }).health("unhealthy", { runId: "r2" });
  assertEquals(owed(history), ["judge"], "what was well in between is tried again");
});

Deno.test("a restart by the policy that fails is the policy's again; a stop that failed leaves what lives unhealthy", () => {
  const failed = replaced().failed("c2", "Restart", ended("r2", 2_000, 1));
  assertEquals([statusOf(failed.state), owed(failed)], ["Failed", ["judge"]]);
  const stuck = replaced().failed("c2", "Restart", running("r1"));
  assertEquals([statusOf(stuck.state), owed(stuck)], ["Running", ["judge"]]);
});

Deno.test("a server that ends before its restart is due is judged as an end, once", () => {
  const history = History.running().health("unhealthy").add("RestartScheduled", planned)
    .exited("r1", 1);
  assertEquals(owed(history), ["judge"]);
  const [event] = reaction(history)!.events;
  assert(event?.type === "RestartScheduled" && event.data.cause === undefined);
});

Deno.test("a stop, a delete and a restart of the user take the planned restart back", () => {
  const history = () => History.running().health("unhealthy").add("RestartScheduled", planned);
  assertEquals(owed(history().stopRequested().accepted("c2", "Stop")), []);
  const restarted = history().add("RestartRequested", { ...launch("c2", 2), site: SITE });
  assertEquals(restarted.accepted("c2", "Restart").state.context.nextStart, null);
  assertEquals(restarted.state.context.attempts, 0, "a user's restart begins the count anew");
});

Deno.test("a late report of an older run changes neither health nor plan nor error", () => {
  const history = History.running().exited("r1", 1)
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 })
    .startRequested("c3", "restart-policy").accepted("c3").started("c3", "r2");
  const { health, nextStart, lastError, unjudged } = history.state.context;
  history.health("unhealthy").health("healthy");
  const after = history.state.context;
  assertEquals([after.health, after.nextStart, after.lastError, after.unjudged], [
    health,
    nextStart,
    lastError,
    unjudged,
  ]);
});

Deno.test("how far a start has come is known while it is in hand, and only of that start", () => {
  const start = { step: "waiting-for-readiness", since: 1_234 } as const;
  const history = new History().created().startRequested().accepted()
    .health("starting", { start, reason: "no TCP connection" });
  assertEquals(history.state.context.progress, {
    generation: 1,
    step: "waiting-for-readiness",
    since: 1_234,
    problem: "no TCP connection",
  });
  history.health("starting", { runGeneration: 0, start: { step: "spawning", since: 1 } });
  assertEquals(history.state.context.progress?.step, "waiting-for-readiness");
  assertEquals(history.started().state.context.progress, null);
  assertEquals(history.health("starting", { start }).state.context.progress, null);
});

Deno.test("the last failure is kept with its capsule, also of what a restart had to end, and through later runs", () => {
  const bad = { ...ended("r1", 2_000, 3), logTail: "it broke", capsule };
  const history = History.running().add("RuntimeObserved", {
    instanceId: INSTANCE,
    observation: "Exited",
    workerId: "w1",
    runtimeInfo: bad,
  });
  const at = history.at;
  history.startRequested("c3").accepted("c3").started("c3", "r2").stopRequested("c4");
  assertEquals(history.state.context.lastFailure, { at, runtimeInfo: bad });
  const restarted = replaced().add("CommandSucceeded", {
    commandId: "c2",
    attempt: 1,
    workerId: "w1",
    response: {
      type: "RestartInstanceResponse",
      instanceId: INSTANCE,
      success: true,
      stopped: bad,
      runtimeInfo: running("r2"),
    },
  });
  assertEquals(restarted.state.context.lastFailure?.runtimeInfo, bad);
  assertEquals(restarted.state.context.health, null);
});

Deno.test("a baseline of a release that knew nothing of health is taken up", () => {
  const { value, context } = History.running().state;
  const { health: _, progress: __, lastFailure: ___, ...older } = context;
  const history = new History().created().add("Baseline", {
    state: JSON.parse(JSON.stringify({ value, context: older })),
  });
  const { health, progress, lastFailure } = history.state.context;
  assertEquals([health, progress, lastFailure], [null, null, null]);
});
