/** The checker over whole runs: each test spoils what was seen of a sound one in one way. */
import { assertEquals } from "@std/assert";
import { History, INSTANCE } from "../support/recorded.ts";
import { checkFleet, type FleetHistory } from "./fleet_check.ts";
import type { Operation, Outcome } from "./operations.ts";

/** Created at 1 010, start requested at 1 020, accepted at 1 030, running as r1 from 1 040 on. */
const { events } = History.running();
const at = (version: number) => ({ instanceId: INSTANCE, position: `${version}-0`, version });

const operation = (number: number, invokedAt: number, outcome: Outcome | null): Operation => ({
  number,
  session: "user-1",
  instanceId: INSTANCE,
  request: { type: "start" },
  requestId: `op-${number}`,
  idempotency: null,
  invokedAt,
  returnedAt: outcome && invokedAt + 25,
  outcome,
});

const joined: Outcome = { kind: "fact", eventType: "CommandSucceeded", ...at(4) };

const life = {
  instanceId: INSTANCE,
  runId: "r1",
  host: "a",
  leaseMs: null,
  from: 1_035,
  to: null as number | null,
};

const sound: FleetHistory = {
  form: "counting",
  written: events.map((event) => ({ event, writtenAt: event.at, clockAt: event.at })),
  rollbacks: [],
  operations: [operation(1, 1_021, joined), operation(2, 1_060, { kind: "unchanged", ...at(4) })],
  reads: [{
    ...at(4),
    session: "user-1",
    askedAt: 1_100,
    returnedAt: 1_101,
    status: "Running",
    atLeast: "4-0",
  }],
  lives: [life],
  freezes: [],
  inHandAtRest: [],
};

const found = (change: Partial<FleetHistory>) =>
  checkFleet({ ...sound, ...change }).map(({ invariant }) => invariant);

Deno.test("a sound run has no violation", () => {
  assertEquals(checkFleet(sound), []);
});

Deno.test("an answer from the future is found: it was not in the log by then", () => {
  assertEquals(found({ operations: [operation(1, 1_005, joined)] }), ["acknowledgedIsInTheLog"]);
});

Deno.test("an answer that is older than one that was told before it was asked is found", () => {
  const stale: Outcome = { kind: "rejected", code: "conflict", read: at(3) };
  const again = { ...operation(3, 1_200, stale), request: { type: "restart" as const } };
  assertEquals(found({ operations: [...sound.operations, again] }), ["answersAreNotOld"]);
});

Deno.test("what two clients ask at the same time may be told in either order", () => {
  const stale: Outcome = { kind: "rejected", code: "conflict", read: at(3) };
  const beside = { ...operation(3, 1_036, stale), request: { type: "restart" as const } };
  assertEquals(found({ operations: [...sound.operations, beside] }), []);
});

Deno.test("a fact that is in no log and in no known rollback is found, and one that a rollback took is not", () => {
  const told = operation(1, 1_021, joined);
  const lost = new Set(["4-0"]);
  const gone = { lives: [], reads: [], inHandAtRest: ["c1"], operations: [told] };
  assertEquals(found({ ...gone, written: sound.written.slice(0, 3) }), ["acknowledgedIsInTheLog"]);
  assertEquals(found({ ...gone, rollbacks: [{ at: 2_000, lost }] }), []);
});

Deno.test("what is told after a rollback is judged by what it left", () => {
  const late = operation(2, 3_000, { kind: "unchanged", ...at(4) });
  const change = { lives: [], reads: [], inHandAtRest: null, operations: [late] };
  const rollbacks = [{ at: 2_000, lost: new Set(["4-0"]) }];
  assertEquals(found({ ...change, rollbacks }), ["nothingStandsOnWhatWasLost"]);
});

Deno.test("positions of a Redis stream need not count; a missing event shows in the versions", () => {
  const streamed = sound.written.map((written, index) => {
    const position = `${1_700_000_000_000 + index * 7}-3`;
    const previous = index === 0 ? null : `${1_700_000_000_000 + (index - 1) * 7}-3`;
    return { ...written, event: { ...written.event, position, previous } };
  });
  const change = { form: "stream" as const, operations: [], reads: [] };
  assertEquals(found({ ...change, written: streamed }), []);
  assertEquals(
    found({ ...change, written: streamed.toSpliced(2, 1), inHandAtRest: null })[0],
    "versionsHaveNoGap",
  );
});

Deno.test("two processes at a time are found, unless one's host stands still", () => {
  const second = { ...life, runId: "r2", host: "b", from: 2_000, to: 3_000 };
  assertEquals(found({ lives: [life, second] }), ["neverTwo"]);
  const freezes = [{ host: "a", from: 1_900, to: 3_500 }];
  assertEquals(found({ lives: [life, second], freezes }), []);
});

Deno.test("a process that nobody names, a run without its process and a lost command are found", () => {
  assertEquals(found({ lives: [{ ...life, runId: "r9" }] }), [
    "nothingIsOrphaned",
    "nothingIsOrphaned",
  ]);
  assertEquals(found({ lives: [{ ...life, to: 1_500 }] }), ["nothingIsOrphaned"]);
  const cut = { written: sound.written.slice(0, 3), operations: [], reads: [], lives: [] };
  assertEquals(found(cut), ["busHoldsWhatIsOpen"]);
});

Deno.test("a client whose clock differs by less than is said is not held to the difference", () => {
  const early = { ...operation(1, 1_021, joined), returnedAt: 1_035 };
  assertEquals(found({ operations: [early] }), ["acknowledgedIsInTheLog"]);
  assertEquals(checkFleet({ ...sound, operations: [early] }, 10), []);
});

Deno.test("an effect that no answer came to is there at most once", () => {
  const meta = { requestId: "inner", correlationId: "op-9" };
  const twice = History.running().add("InstanceConfigured", { changes: {} }, meta)
    .add("InstanceConfigured", { changes: {} }, meta).events;
  const written = twice.map((event) => ({ event, writtenAt: event.at, clockAt: event.at }));
  const asked = operation(9, 1_041, null);
  const change = { reads: [], operations: [asked] };
  assertEquals(found({ ...change, written: written.slice(0, 5) }), []);
  assertEquals(found({ ...change, written }), ["requestsActOnce"]);
});
