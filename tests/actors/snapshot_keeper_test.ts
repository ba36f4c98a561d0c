/** When a snapshot is saved, by whom, and that nobody waits for it. Design §3. */
import { assertEquals } from "@std/assert";
import { InstanceTable } from "../../actors/instance_table.ts";
import { SnapshotKeeper } from "../../actors/snapshot_keeper.ts";
import { START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { LogRetention, Snapshot } from "../../events/event_log.ts";
import { restoreState } from "../../machines/evolve.ts";
import { statusOf } from "../../machines/status.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { History, INSTANCE } from "../support/recorded.ts";

function keeperWorld() {
  const clock = new ManualClock();
  const table = new InstanceTable();
  const saved: { snapshot: Snapshot; fence: number }[] = [];
  const bugs: unknown[] = [];
  const world = {
    clock,
    table,
    saved,
    bugs,
    fence: 1 as number | null,
    save: (): Promise<void> => Promise.resolve(),
    keeper: null as unknown as SnapshotKeeper,
  };
  const retention = {
    saveSnapshot: async (snapshot: Snapshot, fence: number) => {
      await world.save();
      saved.push({ snapshot, fence });
    },
    dropSnapshot: async () => void saved.pop(),
  } as unknown as LogRetention;
  world.keeper = new SnapshotKeeper({
    retention,
    table,
    clock,
    fence: () => world.fence,
    onBug: (error) => bugs.push(error),
  });
  table.onChange = () => world.keeper.count();
  world.keeper.begin();
  return world;
}

const MINUTES = 60_000;

Deno.test("what has changed is saved after five minutes, and nothing when nothing has changed", async () => {
  const { clock, table, saved, keeper } = keeperWorld();
  table.fold(History.running().events);
  await clock.advance(4 * MINUTES);
  assertEquals(saved.length, 0);
  await clock.advance(1 * MINUTES);
  assertEquals([saved.length, saved[0]?.fence, saved[0]?.snapshot.position], [
    1,
    1,
    table.position,
  ]);
  const state = restoreState(JSON.parse(saved[0]!.snapshot.states[0]!));
  assertEquals([state.context.instanceId, statusOf(state)], [INSTANCE, "Running"]);
  assertEquals(keeper.newest, table.position);
  await clock.advance(60 * MINUTES);
  assertEquals(saved.length, 1, "nothing has changed since");
});

Deno.test("many changes are saved without waiting for the time", async () => {
  const { clock, table, saved } = keeperWorld();
  const history = new History().created();
  for (let n = 0; n < 20_000; n++) {
    history.add("RequestAnswered", { request: "stop", commandId: null });
  }
  table.fold(history.events);
  await clock.advance(1);
  assertEquals(saved.map(({ snapshot }) => snapshot.position), [table.position]);
});

Deno.test("only a leader saves", async () => {
  const world = keeperWorld();
  world.fence = null;
  world.table.fold(History.running().events);
  await world.clock.advance(6 * MINUTES);
  assertEquals(world.saved, []);
  world.fence = 2;
  await world.clock.advance(5 * MINUTES);
  assertEquals(
    world.saved.map(({ fence }) => fence),
    [2],
    "what it did not save is still to be saved",
  );
});

Deno.test("never two at once: who asks meanwhile gets the one that is under way", async () => {
  const world = keeperWorld();
  world.table.fold(History.running().events);
  let finish!: () => void;
  world.save = () => new Promise((resolve) => finish = resolve);
  const both = [world.keeper.save(), world.keeper.save()];
  await settled();
  finish();
  await Promise.all(both);
  assertEquals(world.saved.length, 1);
});

Deno.test("what is being saved when the log loses its end is not kept", async () => {
  const world = keeperWorld();
  world.table.fold(History.running().events);
  let finish!: () => void;
  world.save = () => new Promise((resolve) => finish = resolve);
  const saving = world.keeper.save();
  await settled();
  world.keeper.reset();
  finish();
  await saving;
  assertEquals([world.saved, world.keeper.newest], [[], START]);
});

Deno.test("a snapshot that another leader refuses is no bug, and the next one is saved", async () => {
  const world = keeperWorld();
  world.table.fold(History.running().events);
  world.save = () => Promise.reject(new OperationalError("not_leader", "No.", false, "Lead."));
  await world.clock.advance(5 * MINUTES);
  assertEquals([world.saved, world.bugs], [[], []]);
  world.save = () => Promise.resolve();
  await world.keeper.save();
  assertEquals(world.saved.length, 1);
});

Deno.test("a large fleet is written in slices: what is folded between two of them is not in the snapshot", async () => {
  const world = keeperWorld();
  const { events } = History.running();
  for (let n = 0; n < 1_000; n++) {
    world.table.fold(events.map((event) => ({ ...event, instanceId: `i-${n}` })));
  }
  // Every look at the clock costs a slice.
  let looks = 0;
  const monotonic = world.clock.monotonic.bind(world.clock);
  world.clock.monotonic = () => monotonic() + 10 * looks++;
  const saving = world.keeper.save();
  await settled();
  assertEquals(world.saved, [], "it lets others have their turn");
  const late = { ...events[0]!, instanceId: "late", position: "999999-0" };
  world.table.fold([late]);
  for (let turn = 0; turn < 100; turn++) await world.clock.advance(1);
  await saving;
  const { snapshot } = world.saved[0]!;
  assertEquals([snapshot.states.length, snapshot.position], [1_000, events.at(-1)!.position]);
});
