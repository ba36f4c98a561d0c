/** What every `EventLog` does: compare-and-set, positions, history, idempotency keys, bounds, closing. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { comparePositions, isPosition, START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { AppendBatch } from "../../events/event_log.ts";
import { newEvent } from "../../events/instance_events.ts";
import {
  answered,
  appended,
  batch,
  created,
  essence,
  joined,
  observed,
  running,
  startedBy,
  stopped,
  success,
} from "./broker_samples.ts";
import { type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of the log as such, over one technology. */
export function eventLogContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("an empty log has no head, no events and no history", async ({ broker: { log } }) => {
    assertEquals(await log.head(), START);
    assertEquals(await log.read(START, 10), []);
    assertEquals(await log.history("none", 10), []);
  });

  it("an append gives its events versions, positions and links to the ones before", async ({ broker }) => {
    const first = await appended(
      broker,
      batch("a", 0, { events: [created(), answered("x")] }),
    );
    const other = await appended(broker, batch("b", 0, { events: [created()] }));
    const later = await appended(broker, batch("a", 2));
    assertEquals([...first, ...other, ...later].map((event) => event.version), [1, 2, 1, 3]);
    assertEquals(later[0]!.previous, first[1]!.position, "a walk back leads to the version before");
    assertEquals(first[0]!.previous, null);
    assertEquals(later[0]!.schema, 1);
    assertEquals(later[0]!.meta, { requestId: "request-a-2", requestedBy: "tester" });
    const all = await broker.log.read(START, 10);
    assertEquals(all, [...first, ...other, ...later], "what is read is what was acknowledged");
    assert(all.every((event) => isPosition(event.position)), "positions have the known form");
    for (const [index, event] of all.slice(1).entries()) {
      assert(comparePositions(all[index]!.position, event.position) < 0, "positions grow");
      assert(all[index]!.at <= event.at, "the log's time never goes back");
    }
    assertEquals(await broker.log.head(), later[0]!.position);
  });

  it("of two appends decided upon the same version one wins, and the other gets what it missed", async ({ broker }) => {
    const [mine, theirs] = await Promise.all([
      broker.log.append(batch("a", 0, { events: [created("mine")] })),
      broker.log.append(batch("a", 0, { events: [created("theirs")] })),
    ]);
    const [winner, loser] = mine.kind === "appended" ? [mine, theirs] : [theirs, mine];
    assertEquals(winner.kind, "appended");
    assertEquals(loser, {
      kind: "conflict",
      version: 1,
      missed: winner.kind === "appended" ? winner.events : [],
    });
    assertEquals((await broker.log.read(START, 10)).length, 1, "the loser left nothing");
  });

  it("a conflict gives exactly the events after the version that was decided upon", async ({ broker }) => {
    for (let version = 0; version < 5; version++) await appended(broker, batch("a", version));
    const outcome = await broker.log.append(batch("a", 2));
    assertEquals(outcome.kind, "conflict");
    if (outcome.kind !== "conflict") return;
    assertEquals(outcome.version, 5);
    assertEquals(outcome.missed.map((event) => event.version), [3, 4, 5]);
  });

  it("an append that was decided upon another history of the same length is told so, and does nothing", async ({ broker }) => {
    const [, newest] = await appended(broker, batch("a", 0, { events: [created(), answered()] }));
    const [other] = await appended(broker, batch("b", 0));
    const decided = (instanceId: string, version: number, expectedPosition: string) =>
      broker.log.append(batch(instanceId, version, { expectedPosition }));
    assertEquals(await decided("a", 2, other!.position), { kind: "forked", version: 2 });
    assertEquals(await decided("a", 2, START), { kind: "forked", version: 2 });
    assertEquals(await decided("c", 0, other!.position), { kind: "forked", version: 0 });
    assertEquals((await broker.log.read(START, 10)).length, 3, "nothing was added");
    assertEquals((await decided("a", 2, newest!.position)).kind, "appended");
    assertEquals((await decided("c", 0, START)).kind, "appended");
  });

  it("whatever has moved an instance on, an append that was decided on it is not taken for forked", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    const goOn = async (after: string) => {
      const { version, position } = await broker.log.latest("a");
      const [newest] = await broker.log.history("a", 1);
      assertEquals([newest!.version, newest!.position], [version, position], after);
      await appended(broker, batch("a", version, { expectedPosition: position }));
    };
    await goOn("an accept");
    const started = success("StartInstanceCommand", "a", running("a", "r1"));
    await worker.complete("start-a", 1, started);
    await goOn("a response");
    await worker.observe(observed("Exited", stopped("a", "r1")));
    await goOn("an observation");
    await goOn("an append");
  });

  it("a version above the log's is a conflict that misses nothing", async ({ broker }) => {
    await appended(broker, batch("a", 0));
    assertEquals(await broker.log.append(batch("a", 7)), {
      kind: "conflict",
      version: 1,
      missed: [],
    });
  });

  it("more than 500 missed events are cut short, so that the caller reloads", async ({ broker }) => {
    const events = Array.from({ length: 60 }, () => answered());
    for (let version = 0; version < 600; version += 60) {
      await appended(broker, batch("a", version, { events }));
    }
    const outcome = await broker.log.append(batch("a", 1));
    assertEquals(outcome.kind === "conflict" && [outcome.version, outcome.missed.length], [
      600,
      500,
    ]);
    assertEquals(outcome.kind === "conflict" && outcome.missed[0]!.version, 2);
  });

  it("reads give pages that join without gaps or repeats", async ({ broker }) => {
    for (let n = 0; n < 10; n++) await appended(broker, batch(`i-${n % 3}`, Math.floor(n / 3)));
    const pages = [];
    let after = START;
    for (;;) {
      const page = await broker.log.read(after, 3);
      if (page.length === 0) break;
      pages.push(...page);
      after = page.at(-1)!.position;
    }
    assertEquals(pages, await broker.log.read(START, 100));
    assertEquals(pages.length, 10);
  });

  it("the latest of an instance is where its newest event is", async ({ broker }) => {
    assertEquals(await broker.log.latest("a"), { version: 0, position: START });
    const [, second] = await appended(broker, batch("a", 0, { events: [answered(), answered()] }));
    const [other] = await appended(broker, batch("b", 0));
    assertEquals(await broker.log.latest("a"), { version: 2, position: second!.position });
    assertEquals(await broker.log.latest("b"), { version: 1, position: other!.position });
  });

  it("an idempotency key answers the second request with where the first answer is", async ({ broker }) => {
    const keyed = (version: number, digest: string): AppendBatch =>
      batch("a", version, {
        meta: { requestId: "r", idempotency: { key: "k", digest } },
        keepKeyMs: 60_000,
      });
    await appended(broker, keyed(0, "digest-1"));
    const record = { key: "k", digest: "digest-1", instanceId: "a", version: 1 };
    assertEquals(await broker.log.append(keyed(0, "digest-1")), { kind: "duplicate", record });
    assertEquals(await broker.log.append(keyed(1, "digest-2")), { kind: "duplicate", record });
    assertEquals(await broker.log.findKey("k"), record, "the first digest is kept");
    assertEquals((await broker.log.read(START, 10)).length, 1);
    const [event] = await broker.log.history("a", 1);
    assertEquals(event!.meta.idempotency, { key: "k", digest: "digest-1" }, "the event has it too");
  });

  it("two requests with one key at once give one answer and one duplicate", async ({ broker }) => {
    const keyed = (instanceId: string) =>
      batch(instanceId, 0, { meta: { idempotency: { key: "k", digest: "d" } }, keepKeyMs: 60_000 });
    const outcomes = await Promise.all([
      broker.log.append(keyed("a")),
      broker.log.append(keyed("b")),
    ]);
    assertEquals(outcomes.map((outcome) => outcome.kind).sort(), ["appended", "duplicate"]);
  });

  it("a rejected append keeps no key", async ({ broker }) => {
    await appended(broker, batch("a", 0));
    const meta = { idempotency: { key: "k", digest: "d" } };
    const outcome = await broker.log.append(batch("a", 0, { meta, keepKeyMs: 60_000 }));
    assertEquals(outcome.kind, "conflict");
    assertEquals(await broker.log.findKey("k"), null);
  });

  it("a key is free again when its time is over", async ({ broker, advance }) => {
    const keyed = (version: number) =>
      batch("a", version, {
        meta: { idempotency: { key: "k", digest: `d${version}` } },
        keepKeyMs: 200,
      });
    await appended(broker, keyed(0));
    await advance(250);
    assertEquals(await broker.log.findKey("k"), null);
    await appended(broker, keyed(1));
    assertEquals((await broker.log.findKey("k"))?.digest, "d1");
  });

  it("nothing is appended before its time", async ({ broker, advance }) => {
    const [event] = await appended(broker, batch("a", 0));
    const due = batch("a", 1, { notBefore: event!.at + 300 });
    const outcome = await broker.log.append(due);
    assertEquals(outcome.kind, "notDue");
    assert(outcome.kind === "notDue" && outcome.dueInMs > 0 && outcome.dueInMs <= 300);
    assertEquals((await broker.log.history("a", 9)).length, 1);
    await advance(350);
    await appended(broker, due);
  });

  it("a batch beyond the bounds is refused whole, and says so", async ({ broker: { log } }) => {
    const many = Array.from({ length: 65 }, () => answered());
    const big = [answered("x".repeat(300_000))];
    for (const events of [many, big]) {
      const error = await assertRejects(
        () => log.append(batch("a", 0, { events })),
        OperationalError,
      );
      assertEquals([error.code, error.retryable], ["batch_too_large", false]);
    }
    assertEquals(await log.head(), START);
  });

  it("a batch that contradicts itself fails alone", async ({ broker }) => {
    const outcomes = await Promise.allSettled([
      broker.log.append(batch("a", 0)),
      broker.log.append(batch("b", 0, { events: [] })),
      broker.log.append(batch("c", 0)),
    ]);
    assertEquals(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  });

  it("what a caller changes after an append does not reach the log", async ({ broker }) => {
    const state = { name: "before" };
    const events = [newEvent("Baseline", { state })];
    const appending = broker.log.append(batch("a", 0, { events }));
    try {
      state.name = "after";
    } catch (error) {
      assert(error instanceof TypeError, "a frozen value refuses the change");
    }
    await appending;
    assertEquals((await broker.log.history("a", 1)).map(essence), [
      { type: "Baseline", data: { state: { name: "before" } }, instanceId: "a", version: 1 },
    ]);
  });

  it("closing finishes what was asked for, then refuses everything", async (world) => {
    const { log } = world.broker;
    const asked = [log.append(batch("a", 0)), log.append(batch("b", 0))];
    await log.close();
    assertEquals((await Promise.all(asked)).map((outcome) => outcome.kind), [
      "appended",
      "appended",
    ]);
    const refusals = [
      () => log.append(batch("a", 1)),
      () => log.read(START, 1),
      () => log.head(),
      () => log.latest("a"),
      () => log.tail(START, () => {}),
      () => log.history("a", 1),
      () => log.findKey("k"),
    ];
    for (const refused of refusals) {
      assertEquals((await assertRejects(refused, OperationalError)).code, "log_closed");
    }
    await log.close();
    await world.reopen();
    assertEquals((await world.broker.log.read(START, 10)).length, 2, "both are there afterwards");
  });

  it("all that was acknowledged is there after a restart", async (world) => {
    const { broker } = world;
    const meta = { idempotency: { key: "k", digest: "d" } };
    await appended(
      broker,
      batch("a", 0, {
        events: [created('naïve ünïcode \u0000 "quotes"')],
        meta,
        keepKeyMs: 60_000,
      }),
    );
    await appended(broker, batch("a", 1));
    const before = await broker.log.read(START, 10);
    await world.reopen();
    assertEquals(await world.broker.log.read(START, 10), before);
    assertEquals(await world.broker.log.head(), before.at(-1)!.position);
    assertEquals((await world.broker.log.findKey("k"))?.version, 1);
    const [next] = await appended(world.broker, batch("a", 2));
    assertEquals(next!.previous, before.at(-1)!.position);
  });
}
