/** The checker finds each thing that must not be: every test spoils a sound history in one way. */
import { assertEquals } from "@std/assert";
import type { RecordedEvent } from "../../events/envelope.ts";
import { History as Recorded, INSTANCE, launch, running } from "../support/recorded.ts";
import {
  type Answered,
  answerFaults,
  type Asked,
  emptyHistory,
  followLog,
  type History,
  inHandFaults,
  isAtRest,
  type LiveServer,
  neverTwoFaults,
  ownerFaults,
  repetitionFaults,
} from "./history_checker.ts";

/** Created (1), start requested (2), accepted (3), succeeded (4), as run r1 with process 4242. */
const sound = Recorded.running().events;

function followed(events: readonly RecordedEvent[] = sound): History {
  const history = emptyHistory();
  assertEquals(followLog(history, events), []);
  return history;
}

/** What the checker says of the sound history with one event changed. */
function spoiled(index: number, change: (event: RecordedEvent) => RecordedEvent): string[] {
  return followLog(emptyHistory(), sound.with(index, change(sound[index]!)));
}

/** The words of a fault after its place. */
function words(faults: readonly string[]): string[] {
  return faults.map((fault) => fault.slice(fault.indexOf(": ") + 2).replace(/ \(\w+\)$/, ""));
}

Deno.test("a sound log has no fault", () => {
  const stopped = Recorded.stopping().stopped().events;
  assertEquals(followLog(emptyHistory(), stopped), []);
});

Deno.test("a live run that is found becomes the instance's, but for one that is older than what lives", () => {
  const { startedAt, generation } = Recorded.running().state.context.run!.runtimeInfo!;
  const found = (runId: string, later: number) =>
    Recorded.running().add("RuntimeObserved", {
      instanceId: INSTANCE,
      observation: "Found",
      runtimeInfo: {
        ...running(runId),
        generation: generation + later,
        startedAt: startedAt + later,
      },
      workerId: "w2",
    });
  for (const [runId, later] of [["r0", -1], ["r2", 1]] as const) {
    const { events, state } = found(runId, later);
    assertEquals(followLog(emptyHistory(), events), []);
    assertEquals(state.context.run?.runId, later < 0 ? "r1" : "r2");
  }
});

Deno.test("an event that is missing shows as a gap, a skipped version and a wrong chain", () => {
  const faults = words(followLog(emptyHistory(), sound.toSpliced(1, 1)));
  assertEquals(faults.slice(0, 3), [
    "the log has a gap: after 1-0 comes 3-0",
    "version 3 follows version 1",
    "it names 2-0 as the event before, which is 1-0",
  ]);
});

Deno.test("a version that is given twice is found", () => {
  const faults = words(spoiled(2, (event) => ({ ...event, version: 2 })));
  assertEquals(faults[0], "version 2 follows version 2");
});

Deno.test("a command that ends twice is found", () => {
  const twice = Recorded.running().started("c1").events;
  assertEquals(words(followLog(emptyHistory(), twice)), ["the command c1 ended before, at 4-0"]);
});

Deno.test("the end of a command that nobody has asked for is found", () => {
  const unasked = new Recorded().created().started("c9").events;
  assertEquals(words(followLog(emptyHistory(), unasked)), [
    "it ends the command c9, which nobody has asked for",
  ]);
});

Deno.test("a command that is sent twice is found; a start that waited is sent once more", () => {
  const twice = new Recorded().created().startRequested().startRequested().events;
  assertEquals(words(followLog(emptyHistory(), twice)), ["the command c1 was asked for before"]);
  const released = Recorded.stopping().add("StartQueued", launch("c3", 3))
    .stopped().startRequested("c3", "queue").events;
  assertEquals(followLog(emptyHistory(), released), []);
});

Deno.test("an accept out of turn, or after the end, is found", () => {
  const skipped = new Recorded().created().startRequested().accepted("c1", "Start", 2).events;
  assertEquals(words(followLog(emptyHistory(), skipped)), ["attempt 2 of c1 should be 1"]);
  const late = Recorded.running().accepted("c1", "Start", 2).events;
  assertEquals(words(followLog(emptyHistory(), late)), [
    "the command c1 had ended at 4-0",
    "c1 was accepted twice by i1",
  ]);
});

Deno.test("a request that has its effect twice is found; several events of one decision are one effect", () => {
  const meta = { requestId: "q1" };
  const specification = (sound[0]!.data as { specification: never }).specification;
  const decided = new Recorded().add("InstanceCreated", { specification }, meta);
  // What is written by one append is written at one time.
  decided.at -= 10;
  decided.add("InstanceConfigured", { changes: {} }, meta);
  assertEquals(followLog(emptyHistory(), decided.events), []);
  decided.add("InstanceConfigured", { changes: {} }, { requestId: "q2" })
    .add("InstanceConfigured", { changes: {} }, meta);
  assertEquals(words(followLog(emptyHistory(), decided.events)), [
    "the request q1 had its effect before, at 1-0",
  ]);
});

Deno.test("a key that has a second effect is found", () => {
  const idempotency = { key: "k", digest: "d" };
  const { events } = new Recorded().created()
    .add("InstanceConfigured", { changes: {} }, { requestId: "q1", idempotency })
    .add("InstanceConfigured", { changes: {} }, { requestId: "q2", idempotency });
  assertEquals(words(followLog(emptyHistory(), events)), [
    "the idempotency key of q1 had a second effect, by q2",
  ]);
});

const answer: Answered = {
  status: 200,
  code: null,
  position: "4-0",
  instanceId: INSTANCE,
  commandId: null,
};
const asked: Asked = {
  requestId: "q1",
  isRepetition: false,
  kind: "start",
  instanceId: INSTANCE,
  floor: "1-0",
  answer,
};
const answered = (change: Partial<Answered>, request: Partial<Asked> = {}) =>
  words(answerFaults(followed(), [{ ...asked, ...request, answer: { ...answer, ...change } }]));

Deno.test("an answer that the log bears out has no fault, and none is expected where there was none", () => {
  assertEquals(answered({}), []);
  assertEquals(answerFaults(followed(), [{ ...asked, answer: null }]), []);
});

Deno.test("an acknowledged fact that is not in the log is found", () => {
  assertEquals(answered({ position: "5-0" }), [
    "it was answered with 5-0, which is not in the log",
  ]);
  assertEquals(answered({ position: null }), ["its answer names no position"]);
  assertEquals(answered({ status: 202, commandId: "c9" }), ["its command c9 is not in the log"]);
  assertEquals(answered({}, { kind: "create", isRepetition: true }), [
    "it was created by CommandSucceeded",
  ]);
  assertEquals(answered({}, { kind: "configure" }), [
    "it was answered with 4-0, but what it wrote is at null",
  ]);
});

Deno.test("an answer about another instance, or older than what was known, is found", () => {
  assertEquals(answered({}, { instanceId: "other" }), [
    `it was answered with 4-0, which is about ${INSTANCE}`,
  ]);
  assertEquals(answered({ position: "2-0" }, { floor: "3-0" }), [
    "it was answered with 2-0, though 3-0 had been told before",
  ]);
});

Deno.test("an effect before its request, or of a refused one, is found", () => {
  const history = followed(
    new Recorded().created().add("InstanceConfigured", { changes: {} }, { requestId: "q1" }).events,
  );
  assertEquals(words(answerFaults(history, [{ ...asked, floor: "2-0", answer: null }])), [
    "its effect at 2-0 is not after 2-0, which was told before it was asked",
  ]);
  const refusal = { ...answer, status: 409, code: "conflict", position: null };
  assertEquals(words(answerFaults(history, [{ ...asked, answer: refusal }])), [
    "it was refused (conflict), and yet it is in the log at 2-0",
  ]);
});

Deno.test("a repetition that is answered otherwise is found, but for answers that are not kept", () => {
  const again = (change: Partial<Answered>) =>
    repetitionFaults(asked, { ...asked, requestId: "q2", answer: { ...answer, ...change } }).length;
  assertEquals([again({}), again({ position: "3-0" }), again({ status: 500, code: "x" })], [
    0,
    1,
    1,
  ]);
  assertEquals(again({ status: 500, code: "outcome_unknown" }), 0);
  assertEquals(repetitionFaults(asked, { ...asked, answer: null }), []);
});

Deno.test("a command that is lost, or in hand after its end, is found", () => {
  const open = followed(sound.slice(0, 3));
  assertEquals(inHandFaults(open, ["c1"]), []);
  assertEquals(inHandFaults(open, []), [
    "the command c1 is lost: open in the log, in nobody's hand",
  ]);
  assertEquals(inHandFaults(followed(), ["c1"]), [
    "the command c1 is in hand, but not open in the log",
  ]);
});

const server: LiveServer = {
  pid: 4242,
  instanceId: INSTANCE,
  runId: "r1",
  leads: true,
  command: "sleep",
};
const child: LiveServer = { ...server, pid: 4243, leads: false };

Deno.test("two live runs of an instance are found; a run and its children are one", () => {
  assertEquals(
    neverTwoFaults([server, child, { ...server, instanceId: "other", runId: "r9" }]),
    [],
  );
  assertEquals(neverTwoFaults([server, { ...server, pid: 7, runId: "r2" }]).length, 1);
});

Deno.test("a process that the log does not name, and a run without its process, are found", () => {
  const { states } = followed();
  const state = states.get(INSTANCE);
  assertEquals(ownerFaults(INSTANCE, state, [server, child]), []);
  const missing = [`${INSTANCE} is Running as run r1, but there is no process 4242`];
  assertEquals(ownerFaults(INSTANCE, state, []), missing);
  assertEquals(ownerFaults(INSTANCE, state, [child]), missing);
  assertEquals(ownerFaults(INSTANCE, state, [{ ...server, runId: "r2" }]).length, 1);
  assertEquals(ownerFaults(INSTANCE, undefined, [server]), [
    `process 4242 of ${INSTANCE} lives as run r1, but the instance is unknown to the log`,
  ]);
  const stopped = followed(Recorded.stopping().stopped().events).states.get(INSTANCE);
  assertEquals(ownerFaults(INSTANCE, stopped, [server]), [
    `process 4242 of ${INSTANCE} lives as run r1, but the instance is Stopped`,
  ]);
});

Deno.test("only what has nothing in hand is at rest", () => {
  const rests = (history: Recorded) => isAtRest(history.state);
  assertEquals(rests(Recorded.running()), true);
  assertEquals(rests(Recorded.stopping()), false);
  assertEquals(rests(new Recorded().created().startRequested().accepted()), false);
});
