/** Who waits for a status: when it is there, when it cannot come any more, and when it still may. Design §6. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type InstanceStatus, STATUSES } from "../../machines/requests.ts";
import { statusOf } from "../../machines/status.ts";
import { isOnItsWay, stillWaiting, waitVerdict, type Wanted } from "../../machines/wait_verdict.ts";
import { anyHistory } from "../support/any_history.ts";
import { History, launch, SITE } from "../support/recorded.ts";

const wanted = (...statuses: InstanceStatus[]): Wanted => ({ statuses, atLeastVersion: 0 });

const created = () => new History().created();
const starting = () => created().startRequested();
const stopped = () => History.stopping().stopped();
const deleting = (history = History.running()) =>
  history.add("DeleteRequested", {
    commandId: "c9",
    generation: 9,
    site: SITE,
    acceptWithinMs: 1_000,
    force: false,
    mayStillRun: null,
  }, { requestedBy: "ann" });
const deleted = () =>
  deleting().add("CommandSucceeded", {
    commandId: "c9",
    attempt: 1,
    workerId: "w1",
    response: { type: "DeleteInstanceResponse", instanceId: "instance-1", success: true },
  });
const expired = (history: History, commandId: string) =>
  history.add("CommandExpired", { commandId, reason: "NoWorker" });
const backOff = () =>
  History.running().exited().add("RestartScheduled", { runId: "r1", attempt: 0, delayMs: 5 });
const crashLoop = () =>
  History.running().exited().add("RestartAbandoned", {
    runId: "r1",
    reason: "CrashLoop",
    starts: 10,
  });

/** A wait that begins with the first state and comes to the second; null: it goes on. */
const table: [string, History, History, Wanted, string | null][] = [
  // What is there is reached.
  ["a status that it has", created(), created(), wanted("Created"), "reached: It is Created."],
  [
    "a start that has succeeded",
    starting(),
    History.running(),
    wanted("Running"),
    "reached: It is Running.",
  ],
  [
    "one of several statuses",
    starting(),
    starting().accepted().failed(),
    wanted("Running", "Failed"),
    "reached: It is Failed.",
  ],
  [
    "a deleted one, when that is wanted",
    deleting(),
    deleted(),
    wanted("Deleted"),
    "reached: It is Deleted.",
  ],
  [
    "a version alone",
    created(),
    starting(),
    { statuses: [], atLeastVersion: 2 },
    "reached: It is Starting.",
  ],

  // What was asked for has ended otherwise.
  [
    "a start that has failed for good",
    starting(),
    starting().accepted().failed(),
    wanted("Running"),
    "failed: It is Failed: no",
  ],
  [
    "a start that had failed before",
    starting().accepted().failed(),
    starting().accepted().failed(),
    wanted("Running"),
    "failed: It is Failed: no",
  ],
  [
    "a start that nobody took",
    starting(),
    expired(starting(), "c1"),
    wanted("Running"),
    "failed: It is Created: No worker for this platform and site is running.",
  ],
  [
    "a crash loop",
    History.running(),
    crashLoop(),
    wanted("Starting"),
    "failed: It is Failed: Started 10 times within the policy's window, and it ended each time.",
  ],
  [
    "a server that has completed",
    starting(),
    History.running().exited("r1", 0),
    wanted("Running"),
    "failed: It is Stopped: exited with code 0",
  ],
  [
    "a server that has completed after a start that failed",
    starting(),
    starting().accepted().failed().startRequested("c2").accepted("c2").started("c2", "r2").exited(
      "r2",
      0,
    ),
    wanted("Running"),
    "failed: It is Stopped: exited with code 0",
  ],
  [
    "a crash that the policy leaves, where it was to complete",
    History.running(),
    History.running({ mode: "never" }).exited(),
    wanted("Stopped"),
    "failed: It is Failed: exited with code 1",
  ],
  [
    "a stop that nobody took",
    History.running().stopRequested(),
    expired(History.running().stopRequested(), "c2"),
    wanted("Stopped"),
    "failed: It is Running: No worker for this platform and site is running.",
  ],
  [
    "a stop of what has never run",
    starting(),
    starting().stopRequested(null).add("CommandCancelled", {
      commandId: "c1",
      reason: "StopRequested",
    }),
    wanted("Stopped"),
    "failed: It is Created, and nothing more is under way.",
  ],
  [
    "a delete that nobody took",
    deleting(),
    expired(deleting(), "c9"),
    wanted("Deleted"),
    "failed: It is Running: No worker for this platform and site is running.",
  ],
  [
    "a deleted one",
    created(),
    deleted(),
    wanted("Running"),
    "failed: It was deleted by ann: nothing more comes of it.",
  ],
  ["a version that a deleted one never gets", deleted(), deleted(), {
    statuses: ["Deleted"],
    atLeastVersion: 99,
  }, "failed: It was deleted by ann: nothing more comes of it."],
  [
    "what is being deleted already",
    deleting(),
    deleting(),
    wanted("Running"),
    "failed: It is being deleted.",
  ],

  // Something else was asked for since.
  [
    "a stop that came after",
    starting(),
    History.running().stopRequested(),
    wanted("Running"),
    "superseded: A stop was asked for since; it is Stopping.",
  ],
  [
    "a stop that came after, and was done at once",
    starting(),
    starting().stopRequested(null).add("CommandCancelled", {
      commandId: "c1",
      reason: "StopRequested",
    }),
    wanted("Running", "Failed"),
    "superseded: A stop was asked for since; it is Created.",
  ],
  [
    "a delete that came after",
    starting(),
    deleting(),
    wanted("Running"),
    "superseded: Its deletion was asked for since; it is Deleting.",
  ],
  [
    "a start that came after a stop",
    History.stopping(),
    History.stopping().add("StartQueued", launch("c3", 3)),
    wanted("Stopped"),
    "superseded: A start was asked for since; it is Stopping.",
  ],

  // It may still come.
  ["a start in hand", starting(), starting().accepted(), wanted("Running"), null],
  [
    "a start whose command is gone, and whose server may still be told of",
    starting(),
    expired(starting().accepted(), "c1"),
    wanted("Running"),
    null,
  ],
  [
    "a crash that is still to be judged",
    History.running(),
    History.running().exited(),
    wanted("Running"),
    null,
  ],
  ["a planned restart", History.running(), backOff(), wanted("Running"), null],
  [
    "a start that waits for a stop",
    History.stopping(),
    History.stopping().add("StartQueued", launch("c3", 3)),
    wanted("Running"),
    null,
  ],
  ["what nobody has asked for yet", created(), created(), wanted("Running"), null],
  ["the same after a stop", stopped(), stopped(), wanted("Running"), null],
  ["a failure of a server that runs", History.running(), History.running(), wanted("Failed"), null],
  [
    "the end of a server that was to run",
    History.running(),
    History.running(),
    wanted("Stopped"),
    null,
  ],
  ["the deletion of one that has failed", crashLoop(), crashLoop(), wanted("Deleted"), null],
  [
    "the deletion of one that was stopped since",
    History.running(),
    stopped(),
    wanted("Deleted"),
    null,
  ],
  [
    "a version that it has not come to, whatever it is by now",
    starting(),
    starting().accepted().failed(),
    { statuses: ["Running"], atLeastVersion: 9 },
    null,
  ],
  ["a status that it has at a version that does not count", created(), created(), {
    statuses: ["Created"],
    atLeastVersion: 2,
  }, null],
];
for (const [what, begin, now, for_, told] of table) {
  const verdict = waitVerdict(begin.state, now.state, for_);
  Deno.test(`${told === null ? "waits on" : told.split(":")[0]}: ${what}`, () =>
    assertEquals(verdict && `${verdict.outcome}: ${verdict.reason}`, told));
}

Deno.test("a wait that began before anybody had asked is superseded once it was on its way", () => {
  const history = created();
  assertEquals(isOnItsWay(history.state, wanted("Running")), false);
  const begin = history.startRequested().state;
  assertEquals(isOnItsWay(begin, wanted("Running")), true);
  const now = history.stopRequested(null).state;
  assertEquals(waitVerdict(begin, now, wanted("Running"))?.outcome, "superseded");
});

Deno.test("a wait whose time is over is told where it has come to", () => {
  const { state } = starting();
  assertEquals(stillWaiting(state, wanted("Running")), "It is still Starting.");
  assertEquals(
    stillWaiting(state, { statuses: ["Running"], atLeastVersion: 9 }),
    "It is Starting, and has come to version 2 only.",
  );
});

Deno.test("for any two states there is an answer, and what is reached is what was wanted", () => {
  const statuses = fc.subarray([...STATUSES]);
  fc.assert(
    fc.property(anyHistory, anyHistory, statuses, fc.nat(40), (begin, now, some, version) => {
      const verdict = waitVerdict(begin.state, now.state, {
        statuses: some,
        atLeastVersion: version,
      });
      const isReached = now.state.context.version >= version &&
        (some.length === 0 || some.includes(statusOf(now.state)));
      assertEquals(verdict?.outcome === "reached", isReached);
      if (verdict === null && statusOf(now.state) === "Deleted") throw new Error("nothing comes");
    }),
    { numRuns: 300 },
  );
});
