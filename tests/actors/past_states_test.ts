/** What an instance was, from the log itself: at each version, at each time, and where the log was cut. Design §3, §6. */
import { assert, assertEquals } from "@std/assert";
import type { PastState } from "../../actors/system_port.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { newEvent } from "../../events/instance_events.ts";
import { evolve, initialState, storedState } from "../../machines/evolve.ts";
import { statusOf } from "../../machines/status.ts";
import { appended, batch } from "../contracts/broker_samples.ts";
import { countReads } from "../adapters/embedded_world.ts";
import { SystemWorld } from "./system_world.ts";

const SECOND_MS = 1_000;

/** An instance that was created, started and stopped, a second before each; and its seven events. */
async function withHistory(
  run: (world: SystemWorld, id: string, events: RecordedEvent[]) => Promise<void>,
): Promise<void> {
  const world = await SystemWorld.open();
  await world.worker.register();
  const id = await world.create();
  for (const type of ["start", "stop"] as const) {
    await world.clock.advance(SECOND_MS);
    await world.done(id, { type });
  }
  await run(world, id, await world.system.history(id, 99));
  await world.system.shutdown();
  await world.broker.close();
  assertEquals(world.bugs, []);
}

/** Its status and the version that led to it, or why there is none. */
function told(past: PastState): string {
  return past.kind === "found"
    ? `${statusOf(past.state)} ${past.state.context.version} by ${past.event.type}`
    : past.kind;
}

/** Writes a baseline of an instance, and gives it. */
async function baseline(world: SystemWorld, id: string): Promise<RecordedEvent> {
  const state = (await world.system.get(id))!;
  const stored = JSON.parse(JSON.stringify(storedState(state)));
  const events = [newEvent("Baseline", { state: stored })];
  const { version, generation } = state.context;
  return (await appended(world.broker, batch(id, version, { events, generation })))[0]!;
}

Deno.test("at each version it is what its events up to there make", () =>
  withHistory(async ({ system }, id, events) => {
    let state = initialState(id);
    for (const event of events) {
      state = evolve(state, event);
      const past = await system.past(id, { version: event.version });
      assert(past.kind === "found");
      assertEquals([storedState(past.state), past.event], [storedState(state), event]);
    }
    assertEquals(statusOf(state), "Stopped");
  }));

Deno.test("at each time it is what its last event by then made of it", () =>
  withHistory(async ({ system, clock }, id, [created]) => {
    const at = async (seconds: number) =>
      told(await system.past(id, { at: created!.at + seconds * SECOND_MS }));
    assertEquals(await at(0), "Created 1 by InstanceCreated");
    assertEquals(await at(0.999), "Created 1 by InstanceCreated");
    assertEquals(await at(1), "Running 4 by CommandSucceeded");
    assertEquals(await at(2), "Stopped 7 by CommandSucceeded");
    assertEquals(told(await system.past(id, { at: clock.now() + 1e9 })), await at(2));
    assertEquals(await system.past(id, { at: created!.at - 1 }), {
      kind: "before",
      first: created!,
    });
  }));

Deno.test("a version that is to come is told with the newest there is, an unknown instance as unknown", () =>
  withHistory(async ({ system }, id, events) => {
    assertEquals(await system.past(id, { version: 8 }), { kind: "ahead", newest: events[6]! });
    assertEquals(await system.past("nobody", { version: 1 }), { kind: "unknown" });
    assertEquals(await system.past("nobody", { at: 0 }), { kind: "unknown" });
  }));

Deno.test("a deleted instance is still what it was", () =>
  withHistory(async (world, id) => {
    await world.done(id, { type: "delete", force: false });
    assertEquals(
      told(await world.system.past(id, { version: 4 })),
      "Running 4 by CommandSucceeded",
    );
    assertEquals(
      told(await world.system.past(id, { at: world.clock.now() })),
      "Deleted 10 by CommandSucceeded",
    );
  }));

Deno.test("where the log was cut it begins with the baseline, also where events before that are left", () =>
  withHistory(async (world, id, events) => {
    await world.clock.advance(SECOND_MS);
    const first = await baseline(world, id);
    await world.clock.advance(SECOND_MS);
    await world.done(id, { type: "start" });
    const { system } = world;
    const here: PastState = { kind: "cut", first };
    const before = await system.past(id, { version: 5 });
    assertEquals(told(before), "Stopping 5 by StopRequested", "nothing is cut yet");
    await world.broker.retention.trim(events[4]!.position, system.fence!);
    assertEquals((await system.history(id, 99))[0]?.version, 5, "three are left before it");
    for (const version of [1, 4, 5, 7]) {
      assertEquals(await system.past(id, { version }), here, `version ${version}`);
    }
    for (const { at } of [events[0]!, events[4]!]) {
      assertEquals(await system.past(id, { at: at - 1 }), here);
      assertEquals(await system.past(id, { at }), here);
    }
    assertEquals(told(await system.past(id, { version: 8 })), "Stopped 8 by Baseline");
    assertEquals(told(await system.past(id, { at: first.at })), "Stopped 8 by Baseline");
    assertEquals(told(await system.past(id, { version: 11 })), "Running 11 by CommandSucceeded");
    assertEquals((await system.past(id, { version: 12 })).kind, "ahead");
  }));

Deno.test("a history of thousands is read in pages, and every version of it can be had", () =>
  withHistory(async (world, id, events) => {
    const changes = (from: number) =>
      Array.from(
        { length: 50 },
        (_, n) => newEvent("InstanceConfigured", { changes: { name: `n${from + n + 1}` } }),
      );
    for (let version = events.length; version < 3_007; version += 50) {
      await appended(world.broker, batch(id, version, { events: changes(version) }));
    }
    for (const version of [8, 263, 264, 1_000, 3_007]) {
      const past = await world.system.past(id, { version });
      assert(past.kind === "found");
      assertEquals(past.state.context.specification?.name, `n${version}`);
    }
    await baseline(world, id);
    const { first } = await cutBefore(world, id, 3_007);
    assertEquals([first.type, first.version], ["Baseline", 3_008]);
  }));

Deno.test("a look back by time or version reads a long history a few times, not once for each page", () =>
  withHistory(async (world, id, events) => {
    const change = (n: number) => newEvent("InstanceConfigured", { changes: { name: `n${n}` } });
    const length = 5_007;
    for (let version = events.length; version < length; version += 50) {
      const some = Array.from({ length: 50 }, (_, n) => change(version + n));
      await appended(world.broker, batch(id, version, { events: some }));
    }
    const entriesRead = countReads(world.tables.events);
    for (const moment of [{ version: 8 }, { at: events[2]!.at }, { at: 0 }]) {
      const before = await entriesRead();
      await world.system.past(id, moment);
      const read = await entriesRead() - before;
      assert(read < 4 * length, `${JSON.stringify(moment)} read ${read} entries`);
    }
  }));

/** Cuts the log before a version, and gives what is told of the first one then. */
async function cutBefore(world: SystemWorld, id: string, version: number) {
  const [last] = await world.system.history(id, 1, version + 1);
  await world.broker.retention.trim(last!.position, world.system.fence!);
  const past = await world.system.past(id, { version: 1 });
  assert(past.kind === "cut");
  return past;
}
