/** What was lost is found, whatever came in its place; what was cut is not taken for lost. */
import { assertEquals } from "@std/assert";
import { RedisKeys } from "../../adapters/redis/keys.ts";
import {
  identityOf,
  type IsThere,
  lookAtLog,
  SeenEvents,
} from "../../adapters/redis/seen_events.ts";
import type { RecordedEvent } from "../../events/envelope.ts";

Deno.test("an event that is cut while it is looked for counts as there; a later one that is gone does not", async () => {
  let cut: string | null = null;
  const isThere = lookAtLog(new RedisKeys("default"), (command) => {
    if (command === "HGET") return Promise.resolve(cut);
    // The leader's step comes just before the answer to this look.
    cut = "5-0";
    return Promise.resolve([]);
  });
  assertEquals(await isThere({ position: "3-0" }), true);
  assertEquals(await isThere({ position: "6-0" }), false);
});

const START = "0-0";

/** An event of a log, and how a log that has it tells of it. */
function seenEvent(position: string, event: Partial<RecordedEvent>): RecordedEvent {
  const whole = { instanceId: "i", version: 1, meta: {}, data: {}, ...event };
  return { ...whole, position } as RecordedEvent;
}
const decided = (position: string, requestId: string) =>
  seenEvent(position, { instanceId: requestId, type: "InstanceCreated", meta: { requestId } });
const told = (position: string, commandId: string) =>
  seenEvent(position, { type: "CommandSucceeded", data: { commandId, attempt: 1 } as never });

/** Asks a log that holds just these. */
function holding(...log: RecordedEvent[]): IsThere {
  const held = new Set(log.map((event) => `${event.position} ${identityOf(event)}`));
  return ({ position, identity }) => Promise.resolve(held.has(`${position} ${identity}`));
}

function seeing(...events: RecordedEvent[]): SeenEvents {
  const seen = new SeenEvents();
  seen.add(events);
  return seen;
}

Deno.test("a fact that was written once more at its old position hides nothing of what was lost before it", async () => {
  const seen = seeing(decided("1-0", "kept"), decided("2-0", "lost"), told("3-0", "c1"));
  const log = holding(decided("1-0", "kept"), decided("2-0", "other"), told("3-0", "c1"));
  assertEquals(await seen.isWhole(log), false);
  const rollback = await seen.missing(log, () => Promise.resolve("3-0"));
  assertEquals([rollback?.lostEvents, rollback?.instanceIds], [2, ["lost", "i"]]);
});

Deno.test("a fact at the position of another one of its kind is another fact", async () => {
  const seen = seeing(decided("1-0", "kept"), told("2-0", "c1"));
  assertEquals(await seen.isWhole(holding(decided("1-0", "kept"), told("2-0", "c2"))), false);
  assertEquals(await seen.isWhole(holding(decided("1-0", "kept"), told("2-0", "c1"))), true);
});

Deno.test("what is lost is counted from the first that is gone, decisions and facts alike", async () => {
  const events = ["a", "b", "c", "d"].flatMap((name, index) => [
    decided(`${index}-1`, name),
    told(`${index}-2`, name),
    told(`${index}-3`, `${name}-2`),
  ]);
  const head = () => Promise.resolve(START);
  for (let kept = 0; kept < events.length; kept++) {
    const rollback = await seeing(...events).missing(holding(...events.slice(0, kept)), head);
    assertEquals(rollback?.lostEvents, events.length - kept, `${kept} are left`);
  }
  assertEquals(await seeing(...events).missing(holding(...events), head), null);
  assertEquals(await seeing().missing(holding(), head), null);
});
