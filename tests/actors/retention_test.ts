/** The log within its bounds: what is cut is what may be cut, and the fleet is the same before and after. Design §3. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type FleetSystem, openInstanceSystem } from "../../actors/instance_system.ts";
import type { Incident } from "../../actors/system_port.ts";
import { verifyLog } from "../../actors/log_verification.ts";
import { openMemoryBroker } from "../../adapters/memory/memory_broker.ts";
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";
import { type RecordedEvent, START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import { storedState } from "../../machines/evolve.ts";
import { embeddedPorts } from "../adapters/embedded_world.ts";
import { settled } from "../adapters/manual_clock.ts";
import { appended, batch } from "../contracts/broker_samples.ts";
import { creation } from "./system_world.ts";

const DAY_MS = 24 * 3_600_000;
/** A cut falls on a multiple of this many events; no test can choose another. */
const MARK = 1_000;

/** A node over a memory broker whose log is as old as a test says. */
class OldLog {
  readonly ports = embeddedPorts();
  readonly tables = new MemoryTables();
  readonly broker = openMemoryBroker({ ...this.ports, tables: this.tables });
  readonly incidents: Incident[] = [];
  readonly bugs: unknown[] = [];

  open(bounds: { retentionMs?: number; retentionEvents?: number }): Promise<FleetSystem> {
    return openInstanceSystem({
      ...this.broker,
      ...this.ports,
      randomness: { fraction: () => 0.5 },
      nodeId: "node",
      queueTimeoutMs: 600_000,
      deriveId: (key) => `of-${key}`,
      onBug: (error) => this.bugs.push(error),
      onIncident: (incident) => this.incidents.push(incident),
      ...bounds,
    });
  }

  /** `count` changes of an instance, written by nobody in particular. */
  async changes(instanceId: string, from: number, count: number): Promise<void> {
    for (let version = from; version < from + count; version += 50) {
      const events = Array.from(
        { length: Math.min(50, from + count - version) },
        (_, n) => newEvent("InstanceConfigured", { changes: { name: `n${version + n}` } }),
      );
      await appended(this.broker, batch(instanceId, version, { events }));
    }
  }

  /** Lets time pass without anybody's timers: as if no node had run meanwhile. */
  async pass(ms: number): Promise<void> {
    await this.ports.clock.advance(ms);
  }

  /** A round of the retention, while the clock goes on. */
  async round(system: FleetSystem): Promise<{ baselines: number; cut: number }> {
    const round = system.keepWithinBounds();
    let isOver = false;
    round.finally(() => isOver = true).catch(() => {});
    for (let turn = 0; !isOver && turn < 2_000; turn++) await this.ports.clock.advance(30);
    return await round;
  }

  async events(): Promise<RecordedEvent[]> {
    const first = await this.broker.log.read(START, 1).then(
      () => START,
      (error) => (error as OperationalError).hint.match(/\d+-\d+/)![0],
    );
    return await this.broker.log.read(first, 99_999);
  }
}

async function fleet(system: FleetSystem): Promise<unknown[]> {
  const states = [
    ...(await system.list({ limit: 1_000 })).items,
    ...(await system.list({ limit: 1_000, statuses: ["Deleted"] })).items,
  ];
  // A baseline is an event of its own: the version and the position go on with it.
  return states.map((state) => {
    const { value, context } = JSON.parse(JSON.stringify(storedState(state)));
    return { value, context: { ...context, version: 0, position: "" } };
  });
}

/** Instances of all kinds, most of whose events are old: one that is changed often, one idle, one deleted. */
async function oldFleet(log: OldLog) {
  const writer = await log.open({});
  const make = async () => {
    const outcome = await writer.ask(null, creation(), {
      timeoutMs: 1_000,
      wait: true,
      requestedBy: "test",
    });
    return outcome.state!.context.instanceId;
  };
  const [busy, idle, deleted] = [await make(), await make(), await make()];
  await writer.ask(deleted, { type: "delete", force: false }, {
    timeoutMs: 1_000,
    wait: true,
    requestedBy: "test",
  });
  await log.changes(busy, 1, 2 * MARK);
  await writer.shutdown();
  await log.pass(3 * DAY_MS);
  const fresh = await log.open({});
  const young = (await fresh.ask(null, creation(), {
    timeoutMs: 1_000,
    wait: true,
    requestedBy: "test",
  })).state!.context.instanceId;
  await fresh.shutdown();
  return { busy, idle, deleted, young };
}

Deno.test("what is older than the bound is cut after a baseline for each instance, and the fleet is the same", async () => {
  const log = new OldLog();
  const { busy, idle, deleted, young } = await oldFleet(log);
  const system = await log.open({ retentionMs: 2 * DAY_MS });
  const before = await fleet(system);
  const length = (await log.events()).length;
  assertEquals(await log.round(system), { baselines: 3, cut: 2 * MARK - 1 });
  assertEquals(await fleet(system), before);
  const events = await log.events();
  assertEquals(events.length, length + 3 - (2 * MARK - 1));
  const based = events.filter((event) => event.type === "Baseline").map((one) => one.instanceId);
  assertEquals(based.sort(), [busy, idle, deleted].sort(), "the young one needs none");
  await assertRejects(() => log.broker.log.read(START, 1), OperationalError);
  assertEquals((await verifyLog(log.broker.log, log.broker.retention)).differences, []);
  await system.shutdown();
  // A node that has nothing but what is left of the log.
  await log.broker.retention.dropSnapshot();
  const next = await log.open({});
  assertEquals(await fleet(next), before);
  const [first] = (await next.list({ limit: 9 })).items;
  assertEquals(first?.context.instanceId, busy, "a list is ordered by creation all the same");
  assertEquals((await next.get(young))?.context.version, 1);
  const gone = await next.ask(deleted, { type: "start" }, {
    timeoutMs: 1_000,
    wait: true,
    requestedBy: "test",
  });
  assertEquals(gone.kind === "rejected" && gone.rejection.code, "deleted");
  await next.shutdown();
  assertEquals([log.bugs, log.incidents], [[], []]);
});

Deno.test("more events than the bound are cut, the oldest first", async () => {
  const log = new OldLog();
  await oldFleet(log);
  const system = await log.open({ retentionEvents: 1_100 });
  assertEquals(
    (await log.round(system)).cut,
    0,
    "a mark is a thousand events; the second is within the bound",
  );
  await system.shutdown();
  const tighter = await log.open({ retentionEvents: 500 });
  assertEquals((await log.round(tighter)).cut, MARK - 1);
  await tighter.shutdown();
});

Deno.test("nothing younger than a day is cut, whatever the bounds: answers to keys are events", async () => {
  const log = new OldLog();
  const system = await log.open({ retentionMs: 1_000, retentionEvents: 1 });
  const outcome = await system.ask(null, creation(), {
    timeoutMs: 1_000,
    wait: true,
    requestedBy: "test",
    idempotency: { key: "k", digest: "d" },
  });
  await log.changes(outcome.state!.context.instanceId, 1, MARK);
  await settled();
  await log.pass(DAY_MS / 24);
  assertEquals(await log.round(system), { baselines: 0, cut: 0 });
  const again = await system.ask(null, creation(), {
    timeoutMs: 1_000,
    wait: true,
    requestedBy: "test",
    idempotency: { key: "k", digest: "d" },
  });
  assert(again.kind === "done" && again.position === "1-0", "its answer is still there");
  await system.shutdown();
});

Deno.test("without bounds nothing is cut, and a node that does not lead cuts nothing", async () => {
  const log = new OldLog();
  await oldFleet(log);
  const system = await log.open({});
  assertEquals(await log.round(system), { baselines: 0, cut: 0 });
  await system.shutdown();
  await log.broker.leadership.acquire("another", 10 * DAY_MS);
  const follower = await log.open({ retentionMs: 2 * DAY_MS });
  assertEquals(await log.round(follower), { baselines: 0, cut: 0 });
  await follower.shutdown();
});

Deno.test("a state that is not what its events make stops every cut, and is told", async () => {
  const log = new OldLog();
  const { idle } = await oldFleet(log);
  const snapshot = (await log.broker.retention.loadSnapshot())!;
  const states = snapshot.states.map((text) => {
    const state = JSON.parse(text);
    if (state.context.instanceId === idle) state.context.specification.name = "another";
    return JSON.stringify(state);
  });
  const fence = await log.broker.leadership.acquire("liar", 60_000);
  await log.broker.retention.saveSnapshot({ ...snapshot, states }, fence!);
  await log.broker.leadership.release("liar");
  const system = await log.open({ retentionMs: 2 * DAY_MS });
  assertEquals((await log.round(system)).cut, 0);
  assertEquals(log.incidents.map(({ code, instanceIds }) => [code, instanceIds]), [
    ["BASELINE_MISMATCH", [idle]],
  ]);
  assertEquals((await log.events())[0]?.position, "1-0", "all is there, to fold the truth from");
  const report = await verifyLog(log.broker.log, log.broker.retention);
  assertEquals(report.differences.map(({ where, instanceId }) => [where, instanceId]), [
    ["snapshot", idle],
  ]);
  await system.shutdown();
});
