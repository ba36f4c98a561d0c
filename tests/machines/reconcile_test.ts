/** The restart policy's arithmetic, and what time owes to each state. Design §4. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DEFAULT_RESTART_POLICY, restartPolicySchema } from "../../events/specification.ts";
import type { Exit } from "../../events/runtime_info.ts";
import { decide } from "../../machines/decide.ts";
import { type Owed, owedTo, react, type Reacting } from "../../machines/reconcile.ts";
import { backOffMaxMs, judge } from "../../machines/restart_policy.ts";
import { statusOf } from "../../machines/status.ts";
import { ended, History, INSTANCE, launch, running } from "../support/recorded.ts";

const given: Reacting = {
  commandId: "new",
  correlationId: "q",
  acceptWithinMs: 600_000,
  keepsAnswer: false,
  fraction: 0.5,
  expiryReason: "NoWorker",
};
const crash = { runId: "r1", exit: ended("r1", 2_000, 1).exit!, ranForMs: 500, isLost: false };
const completed = { runId: "r1", exit: ended("r1", 2_000, 0).exit!, ranForMs: 500, isLost: false };

Deno.test("the policy: never leaves it, on-failure restarts failures, always restarts completions too", () => {
  const verdicts = (mode: "never" | "on-failure" | "always") => {
    const policy = { ...DEFAULT_RESTART_POLICY, mode };
    return [judge(policy, crash, 0, [], 0).kind, judge(policy, completed, 0, [], 0).kind];
  };
  assertEquals(verdicts("never"), ["leave", "leave"]);
  assertEquals(verdicts("on-failure"), ["restart", "leave"]);
  assertEquals(verdicts("always"), ["restart", "restart"]);
});

Deno.test("the first restart by default comes within 250 ms", () => {
  const verdict = judge(DEFAULT_RESTART_POLICY, crash, 0, [], 0);
  assert(verdict.kind === "restart" && verdict.delayMaxMs <= 250);
});

Deno.test("the back-off grows by the factor, never passes the cap, and never shrinks", () => {
  const policies = fc.record({
    baseMs: fc.nat(10_000),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    capMs: fc.nat(100_000),
  }).map((some) => restartPolicySchema.parse(some));
  fc.assert(fc.property(policies, fc.nat(2_000), (policy, attempt) => {
    const now = backOffMaxMs(policy, attempt);
    assert(now <= policy.capMs && now <= backOffMaxMs(policy, attempt + 1) && Number.isFinite(now));
  }));
});

Deno.test("a steady run begins the count anew", () => {
  const steady = { ...crash, ranForMs: DEFAULT_RESTART_POLICY.resetAfterMs };
  assertEquals(judge(DEFAULT_RESTART_POLICY, steady, 7, [], 0), {
    kind: "restart",
    attempt: 0,
    delayMaxMs: 200,
  });
});

Deno.test("too many starts within the window are a crash loop; older ones do not count", () => {
  const policy = { ...DEFAULT_RESTART_POLICY, maxStarts: 3, windowMs: 1_000 };
  assertEquals(judge(policy, crash, 3, [100, 200, 300], 900), { kind: "crash-loop", starts: 3 });
  assertEquals(judge(policy, crash, 3, [100, 200, 300], 1_150).kind, "restart");
});

Deno.test("a crash is judged, scheduled with the drawn jitter, and started again with what it ran with", () => {
  const history = History.running({ baseMs: 100 }).exited("r1", 1);
  assertEquals(kinds(history), ["judge"]);
  const scheduled = events(history, given);
  assertEquals(scheduled, [{
    type: "RestartScheduled",
    data: { runId: "r1", attempt: 0, delayMs: 50 },
  }]);
  history.add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 50 });
  assertEquals(owedTo(history.state), [{ kind: "restart", dueAt: history.at + 50 }]);
  assertEquals(statusOf(history.state), "Failed");
  const start = react(history.state, owedTo(history.state)[0]!, given)!;
  assertEquals(start.commands[0]?.configuration, { command: ["/bin/true"] });
  assert(
    start.events[0]?.type === "StartRequested" && start.events[0].data.cause === "restart-policy",
  );
});

Deno.test("a crash loop ends the tries: Failed with the reason, and nothing is owed any more", () => {
  const history = History.running({ maxStarts: 1 }).exited("r1", 1)
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 })
    .startRequested("c3", "restart-policy").accepted("c3").started("c3", "r2").exited("r2", 1);
  const reaction = events(history, given);
  assertEquals(reaction, [{
    type: "RestartAbandoned",
    data: { runId: "r2", reason: "CrashLoop", starts: 1 },
  }]);
  history.add("RestartAbandoned", { runId: "r2", reason: "CrashLoop", starts: 1 });
  assertEquals([statusOf(history.state), owedTo(history.state)], ["Failed", []]);
  assertEquals(history.state.context.failure?.code, "crash_loop");
});

Deno.test("a stop takes the next try back", () => {
  const history = History.running().exited("r1", 1)
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 60_000 }).stopRequested(null);
  assertEquals([statusOf(history.state), owedTo(history.state)], ["Stopped", []]);
});

Deno.test("a live run that is found takes the next try back: both would run", () => {
  const history = History.running().exited("r1", 1)
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 60_000 })
    .add("RuntimeObserved", {
      instanceId: INSTANCE,
      observation: "Found",
      runtimeInfo: running("r2"),
      workerId: "w1",
    });
  assertEquals([statusOf(history.state), owedTo(history.state)], ["Running", []]);
});

Deno.test("a start that a user asked for and that failed is final; one of the policy is tried again", () => {
  assertEquals(owedTo(new History().created().startRequested().accepted().failed().state), []);
  const retried = History.running().exited("r1", 1)
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 })
    .startRequested("c3", "restart-policy").accepted("c3");
  assertEquals(kinds(retried.failed("c3")), ["judge"]);
});

Deno.test("a try of the policy that a stop or a delete has aborted is not tried again", () => {
  const trying = () =>
    History.running().exited("r1", 1)
      .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 })
      .startRequested("c3", "restart-policy").accepted("c3");
  const aborted = ended("r2", 2_000, 143);
  const stopped = trying().stopRequested("c4").accepted("c4", "Stop").failed(
    "c3",
    "Start",
    aborted,
  );
  assertEquals(kinds(stopped), []);
  stopped.stopped("c4", "r2");
  assertEquals([statusOf(stopped.state), owedTo(stopped.state)], ["Stopped", []]);
  const startedAnew = trying().stopRequested("c4").accepted("c4", "Stop")
    .add("StartQueued", launch("c5", 4)).failed("c3", "Start", aborted);
  assertEquals(kinds(startedAnew), ["expire-queued"]);
});

Deno.test("a try of the policy that can never work is the last one", () => {
  const history = History.running().exited("r1", 1)
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 })
    .startRequested("c3", "restart-policy").accepted("c3").failed("c3", "Start", undefined, false);
  assertEquals([statusOf(history.state), owedTo(history.state)], ["Failed", []]);
});

Deno.test("a run that was found, whose start a rollback took, is started again as its instance is configured", () => {
  const history = new History().created().startRequested("c1")
    .add("CommandExpired", { commandId: "c1", reason: "NoWorker" })
    .add("RuntimeObserved", {
      instanceId: INSTANCE,
      observation: "Found",
      workerId: "w1",
      runtimeInfo: running("r1"),
    })
    .exited("r1", 1)
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 });
  const reaction = react(history.state, owedTo(history.state)[0]!, given);
  assertEquals(kinds(history), ["restart"]);
  const { context } = history.state;
  assertEquals(reaction?.commands[0]?.configuration, context.specification?.configuration);
});

Deno.test("what is found running was stopped before, as far as anybody knew, and is stopped now; not what began later", () => {
  const found = (ageMs: number | undefined, startedAt: number) => {
    const history = new History().created().startRequested().accepted().failed()
      .stopRequested(null);
    return history.add("RuntimeObserved", {
      instanceId: INSTANCE,
      observation: "Found",
      workerId: "w1",
      runtimeInfo: { ...running("r1"), startedAt },
      ...(ageMs === undefined ? {} : { ageMs }),
    });
  };
  // The clock of its host says nothing here: it may go wrong by any amount.
  for (const startedAt of [1, 9e12]) {
    assertEquals(kinds(found(0, startedAt)), []);
    assertEquals(kinds(found(undefined, startedAt)), [], "an older worker does not tell its age");
  }
  const history = found(60_000, 9e12);
  assertEquals(kinds(history), ["stop"]);
  const reaction = react(history.state, owedTo(history.state)[0]!, given);
  assertEquals(reaction?.commands.map(({ type }) => type), ["StopInstanceCommand"]);
  history.stopRequested("c3");
  assertEquals(kinds(history), ["expire"], "once is enough");
});

Deno.test("exit code 0 unasked completes: Stopped, and nothing is owed", () => {
  const history = History.running().exited("r1", 0);
  assertEquals([statusOf(history.state), owedTo(history.state)], ["Stopped", []]);
});

Deno.test("an unaccepted command expires when its time is over; an accepted one never by the leader", () => {
  const history = new History().created().startRequested();
  assertEquals(owedTo(history.state), [{
    kind: "expire",
    dueAt: history.at + 30_000,
    commandId: "c1",
  }]);
  const reaction = react(history.state, owedTo(history.state)[0]!, given)!;
  assertEquals(reaction.ends, [{ commandId: "c1", eventIndex: 0, condition: "due" }]);
  assertEquals(owedTo(history.accepted().state), []);
});

Deno.test("a start that waits is released when the stop has ended, under the id that its asker waits for", () => {
  const history = History.stopping().add("StartQueued", launch("queued", 3));
  assertEquals(kinds(history), ["expire-queued"]);
  history.stopped();
  assertEquals(kinds(history), ["release", "expire-queued"]);
  assertEquals(
    react(history.state, owedTo(history.state)[0]!, given)!.commands[0]?.messageId,
    "queued",
  );
});

Deno.test("a start that waits for a stop that failed is cancelled with the reason", () => {
  const history = History.stopping().add("StartQueued", launch("queued", 3))
    .failed("c2", "Stop", { ...ended("r1"), status: "Running" });
  assertEquals(events(history, given), [
    { type: "CommandCancelled", data: { commandId: "queued", reason: "StopFailed" } },
  ]);
});

Deno.test("a reaction that came too late is none", () => {
  const stale: Owed = { kind: "restart", dueAt: 5 };
  assertEquals(react(History.running().state, stale, given), null);
});

function kinds(history: History): string[] {
  return owedTo(history.state).map((one) => one.kind);
}

function events(history: History, reacting: Reacting) {
  return react(history.state, owedTo(history.state)[0]!, reacting)?.events;
}

Deno.test("a rule for the very exit code comes before the mode; an end by a signal has no code", () => {
  const verdict = (mode: "never" | "on-failure" | "always", code: number | null) => {
    const policy = restartPolicySchema.parse({
      mode,
      exitCodes: { "0": "never", "3": "never", "75": "always" },
    });
    return judge(policy, { ...crash, exit: { ...crash.exit, code } }, 0, [], 0).kind;
  };
  assertEquals([verdict("on-failure", 3), verdict("on-failure", 4)], ["leave", "restart"]);
  assertEquals([verdict("never", 75), verdict("never", 4)], ["restart", "leave"]);
  assertEquals([verdict("always", 0), verdict("always", 1)], ["leave", "restart"]);
  assertEquals([verdict("on-failure", null), verdict("never", null)], ["restart", "leave"]);
});

Deno.test("a try of the policy that exits at once is judged by its code, one that was not ready is a failure", () => {
  const tried = (mode: string, code: number, more: Partial<Exit> = {}) => {
    const exit = { ...ended("r2", 2_000, code).exit!, ...more };
    const history = History.running({ mode, exitCodes: { "3": "never" } }).exited("r1", 1)
      .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 })
      .startRequested("c3", "restart-policy").accepted("c3")
      .failed("c3", "Start", { ...ended("r2", 2_000, code), exit });
    return [statusOf(history.state), kinds(history)];
  };
  assertEquals(tried("on-failure", 0), ["Failed", []], "it has nothing more to do");
  assertEquals(tried("always", 0), ["Failed", ["judge"]]);
  assertEquals(tried("on-failure", 3), ["Failed", []]);
  assertEquals(tried("on-failure", 4), ["Failed", ["judge"]]);
  assertEquals(tried("on-failure", 0, { reason: "Stopped" }), ["Failed", ["judge"]]);
});

Deno.test("retry now keeps the count, and is final if it fails as any start of a user; others begin the count anew", () => {
  const failed = () =>
    History.running({ maxStarts: 2 }).exited("r1", 1)
      .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 0 })
      .startRequested("c3", "restart-policy").accepted("c3").started("c3", "r2").exited("r2", 1)
      .add("RestartScheduled", { runId: "r2", attempt: 1, delayMs: 5_000 });
  const retry = decide(failed().state, { type: "start" }, given);
  assert(retry.kind === "accepted" && retry.events[0]?.type === "StartRequested");
  assertEquals(retry.events[0].data.isRetry, true);
  const retried = failed();
  retried.add("StartRequested", { ...retry.events[0].data, commandId: "c4" }).accepted("c4");
  const { attempts, recentStarts, nextStart } = retried.state.context;
  assertEquals([attempts, recentStarts.length, nextStart], [2, 1, null]);
  retried.started("c4", "r3").exited("r3", 1);
  const [next] = events(retried, given) ?? [];
  assert(next?.type === "RestartScheduled" && next.data.attempt === 2);
  const vain = failed();
  vain.add("StartRequested", { ...retry.events[0].data, commandId: "c4" }).accepted("c4");
  assertEquals(kinds(vain.failed("c4")), []);
  const other = decide(failed().state, { type: "start", configuration: { command: ["x"] } }, given);
  assert(other.kind === "accepted" && other.events[0]?.type === "StartRequested");
  assertEquals(other.events[0].data.isRetry, undefined);
  assertEquals(failed().startRequested("c4").state.context.attempts, 0);
});

Deno.test("what is owed to one start that waits is not paid to another that is due at the same time", () => {
  const state = History.stopping().add("StartQueued", launch("second", 3)).state;
  const owed = owedTo(state).find(({ kind }) => kind === "expire-queued")!;
  assert(owed.kind === "expire-queued");
  assertEquals(react(state, { ...owed, commandId: "first" }, given), null);
  assert(react(state, owed, given));
});
