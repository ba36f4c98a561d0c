/** What every `LogRetention` and `Leadership` does: snapshots that are whole or absent, cuts that are honest. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { Snapshot } from "../../events/event_log.ts";
import { newEvent } from "../../events/instance_events.ts";
import { answered, appended, batch } from "./broker_samples.ts";
import { type Broker, type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of snapshots, cuts and fences, over one technology. */
export function logRetentionContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("a snapshot is loaded as it was saved, also after a restart", async (world) => {
    const fence = await leading(world.broker);
    assertEquals(await world.broker.retention.loadSnapshot(), null);
    const snapshot = await snapshotOf(world.broker, 3_000);
    await world.broker.retention.saveSnapshot(snapshot, fence);
    assertEquals(await world.broker.retention.loadSnapshot(), snapshot);
    await world.reopen();
    assertEquals(await world.broker.retention.loadSnapshot(), snapshot);
  });

  it("a newer snapshot takes the place of the older, never the other way round", async ({ broker }) => {
    const fence = await leading(broker);
    const older = await snapshotOf(broker, 2);
    const newer = await snapshotOf(broker, 1);
    await broker.retention.saveSnapshot(newer, fence);
    await broker.retention.saveSnapshot(older, fence);
    assertEquals(await broker.retention.loadSnapshot(), newer);
    await broker.retention.saveSnapshot({ ...newer, schema: 9 }, fence);
    assertEquals((await broker.retention.loadSnapshot())?.schema, 9, "the same position replaces");
  });

  it("snapshots saved at once leave a whole one", async ({ broker }) => {
    const fence = await leading(broker);
    const some = [];
    for (const instances of [900, 2_000, 3_000]) some.push(await snapshotOf(broker, instances));
    const newestFirst = some.toReversed();
    await Promise.all(newestFirst.map((one) => broker.retention.saveSnapshot(one, fence)));
    assertEquals(await broker.retention.loadSnapshot(), some[2]!);
  });

  it("a damaged snapshot counts as none", async (world) => {
    const fence = await leading(world.broker);
    const snapshot = await snapshotOf(world.broker, 5);
    await world.broker.retention.saveSnapshot(snapshot, fence);
    await world.damageSnapshot();
    assertEquals(await world.broker.retention.loadSnapshot(), null);
    await world.broker.retention.saveSnapshot(snapshot, fence);
    assertEquals(await world.broker.retention.loadSnapshot(), snapshot, "the next one is whole");
  });

  it("a dropped snapshot is gone", async ({ broker }) => {
    const fence = await leading(broker);
    await broker.retention.saveSnapshot(await snapshotOf(broker, 5), fence);
    await broker.retention.dropSnapshot();
    assertEquals(await broker.retention.loadSnapshot(), null);
  });

  it("a cut removes what lies before, and says where the log begins", async (world) => {
    const { broker } = world;
    const fence = await leading(broker);
    for (let n = 0; n < 5; n++) await appended(broker, batch("a", n));
    await appended(broker, batch("b", 0));
    const [baselineA] = await appended(broker, baseline("a", 5));
    const [baselineB] = await appended(broker, baseline("b", 1));
    const [after] = await appended(broker, batch("a", 6));
    assertEquals(await broker.retention.trim(baselineA!.position, fence), 6);
    const check = async () => {
      const { log } = world.broker;
      const error = await assertRejects(() => log.read(START, 10), OperationalError);
      assertEquals([error.code, error.retryable], ["log_truncated", false]);
      assert(error.message.includes(baselineA!.position), "it names the first position there is");
      const tailed = await assertRejects(() => log.tail(START, () => {}), OperationalError);
      assertEquals(tailed.code, "log_truncated");
      assertEquals(await log.read(baselineA!.position, 10), [baselineB, after]);
      assertEquals(await log.history("a", 100), [baselineA, after]);
      assertEquals(await log.history("b", 100), [baselineB]);
      assertEquals(await log.head(), after!.position);
    };
    await check();
    await world.reopen();
    await check();
    const error = await assertRejects(() => world.broker.log.read(START, 1), OperationalError);
    const [first] = await world.broker.log.read(error.hint.match(/\d+-\d+/)![0], 1);
    assertEquals(first, baselineA, "reading as the hint says gives the first event");
  });

  it("the log up to an instance's baseline is not cut, nor past it", async ({ broker }) => {
    const fence = await leading(broker);
    await appended(broker, batch("a", 0));
    const [later] = await appended(broker, batch("b", 0));
    await assertRejects(() => broker.retention.trim(later!.position, fence), Error, "baseline");
    const [ofA] = await appended(broker, baseline("a", 1));
    const [last] = await appended(broker, batch("b", 1));
    await assertRejects(() => broker.retention.trim(last!.position, fence), Error, "baseline");
    assertEquals((await broker.log.read(START, 10)).length, 4, "nothing was cut");
    assertEquals(await broker.retention.trim(later!.position, fence), 1);
    assertEquals((await broker.log.history("a", 10)).map((event) => event.position), [
      ofA!.position,
    ]);
  });

  it("a long log is cut as far as was asked", async ({ broker }) => {
    const fence = await leading(broker);
    const events = Array.from({ length: 60 }, () => answered());
    for (let n = 0; n < 45; n++) await appended(broker, batch("a", n * 60, { events }));
    const [last] = await appended(broker, baseline("a", 45 * 60));
    assertEquals(await broker.retention.trim(last!.position, fence), 45 * 60);
    assertEquals(await broker.log.history("a", 1_000), [last]);
  });

  it("the log goes on from the same head after a cut", async (world) => {
    const fence = await leading(world.broker);
    await appended(world.broker, batch("a", 0));
    const [last] = await appended(world.broker, baseline("a", 1));
    assertEquals(await world.broker.retention.trim(last!.position, fence), 1);
    assertEquals(await world.broker.retention.trim(last!.position, fence), 0);
    await world.reopen();
    const [next] = await appended(world.broker, batch("a", 2));
    assertEquals(next!.previous, last!.position);
    assertEquals(await world.broker.log.read(last!.position, 10), [next]);
  });

  it("a fencing token grows with each holder, and an older one is refused", async (world) => {
    const old = await leading(world.broker);
    assertEquals(await leading(world.broker), old, "acquiring again renews");
    await world.broker.leadership.release("node-1");
    await world.reopen();
    const present = await leading(world.broker);
    assert(present > old, "the token has grown");
    const snapshot = await snapshotOf(world.broker, 1);
    const { retention, bus } = world.broker;
    const refusals = [
      () => retention.saveSnapshot(snapshot, old),
      () => retention.trim(snapshot.position, old),
      () => bus.retarget("c", null, old),
      () => bus.forget("w", old),
    ];
    for (const refused of refusals) {
      assertEquals((await assertRejects(refused, OperationalError)).code, "not_leader");
    }
    assertEquals(await retention.loadSnapshot(), null);
  });

  it("a lease is one node's while it is renewed, and another's once it has lapsed", async (world) => {
    const { leadership, retention } = world.broker;
    const first = await leadership.acquire("node-1", LEASE_MS);
    assert(first !== null, "nobody led before");
    await world.advance(LEASE_MS * 0.6);
    assertEquals(await leadership.acquire("node-2", LEASE_MS), null, "it is held");
    assertEquals(await leadership.acquire("node-1", LEASE_MS), first, "it is renewed");
    await world.advance(LEASE_MS * 0.6);
    assertEquals(await leadership.acquire("node-2", LEASE_MS), null, "it was renewed in time");
    await world.advance(LEASE_MS * 1.2);
    const second = await leadership.acquire("node-2", LEASE_MS * 10);
    assert(second !== null && second > first, "it lapsed, and the token has grown");
    assertEquals(await leadership.acquire("node-1", LEASE_MS), null, "it is the other's now");
    const snapshot = await snapshotOf(world.broker, 1);
    const refused = await assertRejects(
      () => retention.saveSnapshot(snapshot, first),
      OperationalError,
    );
    assertEquals(refused.code, "not_leader");
    await retention.saveSnapshot(snapshot, second);
    assertEquals(await retention.loadSnapshot(), snapshot);
  });

  it("a node that takes its lapsed lease again has a new token, and the old one is refused", async (world) => {
    const { leadership, retention } = world.broker;
    const first = await leadership.acquire("node-1", LEASE_MS);
    await world.advance(LEASE_MS * 1.2);
    const again = await leadership.acquire("node-1", LEASE_MS * 10);
    assert(first !== null && again !== null && again > first, "somebody may have led in between");
    const snapshot = await snapshotOf(world.broker, 1);
    const refused = await assertRejects(
      () => retention.saveSnapshot(snapshot, first),
      OperationalError,
    );
    assertEquals(refused.code, "not_leader");
  });

  it("a lease that is released is free at once, and only its holder can release it", async ({ broker }) => {
    const { leadership } = broker;
    const first = await leadership.acquire("node-1", 60_000);
    await leadership.release("node-2");
    assertEquals(await leadership.acquire("node-2", 60_000), null);
    await leadership.release("node-1");
    const second = await leadership.acquire("node-2", 60_000);
    assert(first !== null && second !== null && second > first, "the token has grown");
  });

  it("of many nodes that ask at once one gets the lease", async ({ broker }) => {
    const asked = Array.from(
      { length: 8 },
      (_, n) => broker.leadership.acquire(`node-${n}`, 60_000),
    );
    assertEquals((await Promise.all(asked)).filter((token) => token !== null).length, 1);
  });
}

/** Short, because a real broker is waited for; long against the time that one call takes. */
const LEASE_MS = 1_000;

async function leading(broker: Broker): Promise<number> {
  const fence = await broker.leadership.acquire("node-1", 10_000);
  assert(fence !== null, "the node leads");
  return fence;
}

async function snapshotOf(broker: Broker, instances: number): Promise<Snapshot> {
  const instanceId = `of-${await broker.log.head()}`;
  const [event] = await appended(broker, batch(instanceId, 0));
  const states = Array.from(
    { length: instances },
    (_, n) => JSON.stringify({ instanceId: `i-${n}`, text: "ü".repeat(200) }),
  );
  return { position: event!.position, schema: 1, states };
}

function baseline(instanceId: string, expectedVersion: number) {
  const events = [newEvent("Baseline", { state: { instanceId } })];
  return batch(instanceId, expectedVersion, { events });
}
