/** Why an instance is what it is, chain by chain: who asked, who did it, what was decided, what comes next. Design §6. */
import { assertEquals } from "@std/assert";
import { explain } from "../../machines/explain.ts";
import { History, launch, SITE } from "../support/recorded.ts";
import { by, start, told } from "./explained.ts";

Deno.test("a running server: who asked, where it went, who took it, what came back", () => {
  const history = start(new History().created()).accepted().started();
  assertEquals(told(history), [
    "request: ann asked to start it.",
    "command: A start was sent to whichever worker of the platform takes it first.",
    "accept: Worker w1 at the site site-1 took the command.",
    "answer: Worker w1 answered: it runs as process 4242.",
    "It is Running: ann asked to start it; worker w1 answered: it runs as process 4242.",
  ]);
});

Deno.test("each step says when and where it is in the log, with the ids to look further", () => {
  const history = start(new History().created()).accepted().started();
  const [asked, sent, taken, answered] = explain(history.state, history.events).steps;
  const request = { at: 1_020, version: 2, position: "2-0", event: "StartRequested" } as const;
  assertEquals(asked, {
    ...request,
    kind: "request",
    text: asked!.text,
    requestedBy: "ann",
    commandId: "c1",
  });
  assertEquals(sent, { ...request, kind: "command", text: sent!.text, commandId: "c1" });
  assertEquals([taken?.workerId, taken?.site, taken?.commandId], ["w1", SITE, "c1"]);
  assertEquals([answered?.version, answered?.runId, answered?.event], [
    4,
    "r1",
    "CommandSucceeded",
  ]);
});

Deno.test("what nobody has asked anything of was created by somebody", () => {
  assertEquals(told(new History().created()), [
    "request: Somebody created it.",
    "It is Created: somebody created it.",
  ]);
});

Deno.test("a start that waits: where it was placed and why, and when it ends", () => {
  const history = new History().created().add("StartRequested", {
    ...launch("c1", 1),
    site: SITE,
    cause: "user",
    placement: { site: SITE, workerId: "w1", reason: "its last run was there" },
  }, by("anonymous"));
  assertEquals(told(history), [
    "request: An anonymous caller asked to start it.",
    "command: A start was sent to worker w1: its last run was there.",
    "next: The command ends at 1970-01-01T00:00:31.020Z if no worker has taken it by then.",
    "It is Starting: an anonymous caller asked to start it; a start was sent to worker w1: its last run was there; the command ends at 1970-01-01T00:00:31.020Z if no worker has taken it by then.",
  ]);
  assertEquals(explain(history.state, history.events).next, [{
    kind: "expire",
    at: 31_020,
    text: "The command ends at 1970-01-01T00:00:31.020Z if no worker has taken it by then.",
    commandId: "c1",
  }]);
});

Deno.test("a start in work: which worker has it, and since when", () => {
  const history = start(new History().created()).accepted();
  assertEquals(told(history).slice(-2), [
    "next: Worker w1 has the start since 1970-01-01T00:00:01.030Z, and answers it.",
    "It is Starting: ann asked to start it; worker w1 at the site site-1 took the command; worker w1 has the start since 1970-01-01T00:00:01.030Z, and answers it.",
  ]);
});

Deno.test("a start that nobody took", () => {
  const history = start(new History().created())
    .add("CommandExpired", { commandId: "c1", reason: "NoWorker" });
  assertEquals(told(history).slice(-2), [
    "end: The command's time was over: No worker for this platform and site is running.",
    "It is Created: ann asked to start it; the command's time was over: No worker for this platform and site is running.",
  ]);
});

Deno.test("a start that failed: the answer, and that nobody tries it again", () => {
  const history = start(new History().created()).accepted().failed();
  assertEquals(told(history).slice(-3), [
    "answer: Worker w1 answered that it failed (exited_at_once): no.",
    "policy: It is not tried again by itself: a start that a person asked for is final.",
    "It is Failed: ann asked to start it; worker w1 answered that it failed (exited_at_once): no; it is not tried again by itself: a start that a person asked for is final.",
  ]);
  const lasting = start(new History().created()).accepted()
    .failed("c1", "Start", undefined, false);
  assertEquals(
    told(lasting).at(-2),
    "policy: It is not tried again: what it failed of does not pass by itself.",
  );
});

Deno.test("a crash in its back-off: the exit, the plan, and when it is started again", () => {
  const history = start(new History().created()).accepted().started().exited();
  assertEquals(told(history).slice(-2), [
    "next: The restart policy decides now what becomes of it.",
    "It is Failed: ann asked to start it; worker w1 reported that the server has ended: exited with code 1; the restart policy decides now what becomes of it.",
  ]);
  history.add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 5_000 });
  assertEquals(told(history).slice(4), [
    "report: Worker w1 reported that the server has ended: exited with code 1.",
    "policy: The restart policy planned try 1 in 5000 ms.",
    "next: The restart policy starts it again at 1970-01-01T00:00:06.060Z, as try 1.",
    "It is Failed: ann asked to start it; worker w1 reported that the server has ended: exited with code 1; the restart policy starts it again at 1970-01-01T00:00:06.060Z, as try 1.",
  ]);
  assertEquals(explain(history.state, history.events).next[0]?.at, 6_060);
});

Deno.test("a server that the policy started again is told from the person who wanted it on", () => {
  const history = start(new History().created()).accepted().started().exited()
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 5 });
  start(history, "c2", "restart-policy").accepted("c2").started("c2", "r2");
  assertEquals(told(history).slice(5), [
    "policy: The restart policy planned try 1 in 5 ms.",
    "policy: The restart policy starts it again.",
    "command: A start was sent to whichever worker of the platform takes it first.",
    "accept: Worker w1 at the site site-1 took the command.",
    "answer: Worker w1 answered: it runs as process 4242.",
    "It is Running: ann asked to start it; worker w1 answered: it runs as process 4242.",
  ]);
});

const leftAlone: [string, Record<string, unknown>, number, string][] = [
  ["by its mode", { mode: "never" }, 1, "The restart policy leaves it: its mode is never."],
  [
    "by its mode, as a completion",
    { mode: "on-failure" },
    0,
    "The restart policy leaves it: its mode is on-failure, and code 0 is no failure.",
  ],
  [
    "by a rule for its code",
    { mode: "always", exitCodes: { 3: "never" } },
    3,
    "The restart policy leaves it: its rule for code 3 is never.",
  ],
];
for (const [how, policy, code, text] of leftAlone) {
  Deno.test(`an end that the policy leaves ${how} says so`, () => {
    const history = start(new History().created(policy)).accepted().started().exited("r1", code);
    const { steps, next } = explain(history.state, history.events);
    assertEquals([steps.at(-1)?.kind, steps.at(-1)?.text, next], ["policy", text, []]);
  });
}

Deno.test("a crash loop says that it was given up", () => {
  const history = start(new History().created()).accepted().started().exited()
    .add("RestartAbandoned", { runId: "r1", reason: "CrashLoop", starts: 10 });
  assertEquals(told(history).slice(-2), [
    "policy: The restart policy gave it up after 10 starts within its window.",
    "It is Failed: ann asked to start it; worker w1 reported that the server has ended: exited with code 1; the restart policy gave it up after 10 starts within its window.",
  ]);
});

Deno.test("a server that is unhealthy is told with what the policy does about it, and no other word on health", () => {
  const history = start(new History().created()).accepted().started()
    .health("healthy").health("unhealthy")
    .add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 5, cause: "Unhealthy" });
  assertEquals(told(history).slice(4, -1), [
    "report: Worker w1 reported that it is unhealthy: it does not answer.",
    "policy: The restart policy planned try 1 in 5 ms, since it is unhealthy.",
    "next: The restart policy restarts it at 1970-01-01T00:00:01.075Z, as try 1.",
  ]);
});

Deno.test("a stop with a start that waits for it: both requests, and what each waits for", () => {
  const history = start(new History().created()).accepted().started();
  history.add("StopRequested", {
    commandId: "c2",
    generation: 2,
    site: SITE,
    acceptWithinMs: 30_000,
  }, by("bob"));
  history.accepted("c2", "Stop").add("StartQueued", launch("c3", 3), by("ann"));
  assertEquals(told(history).slice(0, -1), [
    "request: bob asked to stop it.",
    "command: A stop was sent to the site site-1.",
    "accept: Worker w1 at the site site-1 took the command.",
    "request: ann asked to start it once it is stopped.",
    "next: Worker w1 has the stop since 1970-01-01T00:00:01.060Z, and answers it.",
    "next: The start that waits for the stop ends at 1970-01-01T00:00:31.070Z if that is not over by then.",
  ]);
});

Deno.test("what was done without a worker, or by force, says so", () => {
  const stopped = start(new History().created())
    .add("StopRequested", { commandId: null, generation: 2, site: null, acceptWithinMs: 1 })
    .add("CommandCancelled", { commandId: "c1", reason: "StopRequested" });
  assertEquals(told(stopped), [
    "request: Somebody asked to stop it; nothing was known to run, so it was done at once.",
    "end: The command was called off: A stop replaced it before a worker had taken it.",
    "It is Created: somebody asked to stop it; nothing was known to run, so it was done at once; the command was called off: A stop replaced it before a worker had taken it.",
  ]);
  const forced = start(new History().created()).accepted().started().add("DeleteRequested", {
    commandId: "c9",
    generation: 9,
    site: SITE,
    acceptWithinMs: 1_000,
    force: true,
    mayStillRun: null,
  }, by("ann"));
  assertEquals(told(forced).slice(0, 2), [
    "request: ann asked to delete it, without waiting for a worker.",
    "command: A delete was sent to the site site-1.",
  ]);
  assertEquals(explain(forced.state, forced.events).status, "Deleted");
});
