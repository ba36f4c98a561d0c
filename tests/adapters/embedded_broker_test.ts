/** What the embedded engine promises beyond the ports: order after a commit, failed commits, and death at any moment. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openEmbeddedBroker } from "../../adapters/embedded/embedded_broker.ts";
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";
import { type RecordedEvent, START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import {
  answered,
  appended,
  batch,
  command,
  joined,
  PLATFORM,
  registration,
  request,
  running,
  startedBy,
  success,
} from "../contracts/broker_samples.ts";
import { embeddedPorts, memoryWorld, sqliteWorld } from "./embedded_world.ts";
import { settled } from "./manual_clock.ts";

Deno.test("a tail has folded an event before its append resolves and before its reply is heard", async () => {
  const { broker } = await memoryWorld();
  const story: string[] = [];
  await broker.log.tail(START, (events) => {
    story.push(...events.map((event) => `folded ${event.type}`));
  });
  const worker = await joined(broker, "w1");
  const reply = await broker.bus.expectReply(PLATFORM);
  reply.ended.then(() => story.push("reply"));
  await startedBy(broker, worker, "a", { replyChannel: reply.replyChannel });
  story.push("accepted");
  const outcome = await worker.complete("start-a", 1, success("StartInstanceCommand", "a"));
  story.push(outcome.kind);
  await reply.ended;
  assertEquals(story.slice(0, 4), [
    "folded StartRequested",
    "folded CommandAccepted",
    "accepted",
    "folded CommandSucceeded",
  ]);
  assertEquals(story.slice(4).sort(), ["completed", "reply"]);
  await broker.close();
});

Deno.test("what is asked for in one turn is one transaction", async () => {
  const { broker } = await memoryWorld();
  const sizes: number[] = [];
  await broker.log.tail(START, (events) => sizes.push(events.length));
  await Promise.all(Array.from({ length: 100 }, (_, n) => broker.log.append(batch(`i-${n}`, 0))));
  assertEquals(sizes, [100]);
  await broker.close();
});

Deno.test("a turn that asks for very much is written in bounded transactions", async () => {
  const { broker } = await memoryWorld();
  const sizes: number[] = [];
  await broker.log.tail(START, (events) => sizes.push(events.length));
  await Promise.all(Array.from({ length: 600 }, (_, n) => broker.log.append(batch(`i-${n}`, 0))));
  assertEquals(sizes, [256, 256, 88]);
  await broker.close();
});

Deno.test("a commit that fails leaves nothing, and says that nothing was done", async () => {
  const { broker, tables } = await memoryWorld();
  const worker = await joined(broker, "w1");
  const heard: string[] = [];
  await broker.log.tail(START, (events) => heard.push(...events.map((event) => event.type)));
  await startedBy(broker, worker, "a");
  const before = {
    log: await broker.log.read(START, 99),
    inFlight: await broker.bus.inFlight(),
    workers: await broker.bus.workers(),
    standing: await worker.standing(["a", "b"]),
  };
  tables.failNextCommit("full");
  const keyed = { meta: { idempotency: { key: "k", digest: "d" } }, keepKeyMs: 1_000 };
  const outcomes = await Promise.allSettled([
    broker.log.append(request(command("b", "start-b"), 0, keyed)),
    worker.complete("start-a", 1, success("StartInstanceCommand", "a")),
    broker.bus.drain("w1", true),
  ]);
  for (const outcome of outcomes) {
    const { code, retryable } = (outcome as PromiseRejectedResult).reason as OperationalError;
    assertEquals([code, retryable], ["log_unwritable", true]);
  }
  assertEquals({
    log: await broker.log.read(START, 99),
    inFlight: await broker.bus.inFlight(),
    workers: await broker.bus.workers(),
    standing: await worker.standing(["a", "b"]),
  }, before);
  assertEquals(await broker.log.findKey("k"), null);
  assertEquals(await worker.take(9, 0), [], "no worker is offered what was not written");
  assertEquals(heard, ["StartRequested", "CommandAccepted"], "no tail heard of it");
  const done = await worker.complete("start-a", 1, success("StartInstanceCommand", "a"));
  assertEquals(done.kind === "completed" && done.event.position, "3-0", "the log goes on");
  await broker.close();
});

Deno.test("a storage that cannot be trusted any more ends the broker", async () => {
  const tables = new MemoryTables();
  const fatal: unknown[] = [];
  const ports = { ...embeddedPorts(), tables, onFatal: (error: unknown) => fatal.push(error) };
  const broker = openEmbeddedBroker(ports);
  tables.failNextCommit("broken");
  const error = await assertRejects(() => broker.log.append(batch("a", 0)), OperationalError);
  assertEquals([error.code, error.retryable], ["log_indeterminate", false]);
  assertEquals(fatal, [error]);
  for (const refused of [() => broker.log.append(batch("a", 0)), () => broker.log.head()]) {
    assertEquals(await assertRejects(refused, OperationalError), error);
  }
  await broker.close();
});

Deno.test("a step with a bug fails alone, even after it has written", async () => {
  const { broker } = await memoryWorld();
  const worker = await joined(broker, "w1");
  await startedBy(broker, worker, "a");
  const wrongType = success("StopInstanceCommand", "a");
  const outcomes = await Promise.allSettled([
    broker.log.append(batch("b", 0)),
    worker.complete("start-a", 1, wrongType),
    broker.log.append(request(command("c", "start-a"), 0)),
    broker.log.append(batch("d", 0)),
  ]);
  assertEquals(outcomes.map(({ status }) => status), [
    "fulfilled",
    "rejected",
    "rejected",
    "fulfilled",
  ]);
  const log = await broker.log.read(START, 99);
  assertEquals(log.slice(2).map((event) => event.instanceId), ["b", "d"]);
  await broker.close();
});

Deno.test("a tail whose listener throws is closed, and the others go on", async () => {
  const ports = embeddedPorts();
  const thrown: unknown[] = [];
  const broker = openEmbeddedBroker({
    ...ports,
    tables: new MemoryTables(),
    defer: (run) =>
      ports.defer(() => {
        try {
          run();
        } catch (error) {
          thrown.push(error);
        }
      }),
  });
  let heard = 0;
  await broker.log.tail(START, () => {
    throw new Error("a bug in a fold");
  });
  await broker.log.tail(START, () => heard++);
  await appended(broker, batch("a", 0));
  await appended(broker, batch("a", 1));
  await settled();
  assertEquals(heard, 2);
  assertEquals(thrown.map(String), ["Error: a bug in a fold"], "the process hears of it, once");
  await broker.close();
});

Deno.test("a tail from beyond the end of the log hears only what comes after its position", async () => {
  const { broker } = await memoryWorld();
  const heard: string[] = [];
  await broker.log.tail("3-0", (events) => heard.push(...events.map(({ position }) => position)));
  await appended(broker, batch("a", 0));
  await Promise.all([1, 2, 3].map((n) => broker.log.append(batch(`i-${n}`, 0))));
  assertEquals(heard, ["4-0"]);
  await broker.close();
});

Deno.test("the log's time does not go back with the host's clock", async () => {
  const ports = embeddedPorts();
  let now = 5_000.7;
  const clock = {
    now: () => now,
    monotonic: () => ports.clock.monotonic(),
    after: (delayMs: number, run: () => void) => ports.clock.after(delayMs, run),
  };
  const tables = new MemoryTables();
  const broker = openEmbeddedBroker({ ...ports, clock, tables });
  await appended(broker, batch("a", 0));
  now = 1_000;
  await appended(broker, batch("a", 1));
  await broker.close();
  const again = openEmbeddedBroker({ ...ports, clock, tables });
  await appended(again, batch("a", 2));
  assertEquals((await again.log.history("a", 9)).map(({ at }) => at), [5_000, 5_000, 5_000]);
  await again.close();
});

Deno.test("a snapshot from beyond the end of the log is of another log, and counts as none", async () => {
  const { broker } = await memoryWorld();
  const fence = (await broker.leadership.acquire("node", 1_000))!;
  await broker.retention.saveSnapshot({ position: "50-0", schema: 1, states: ["{}"] }, fence);
  assertEquals(await broker.retention.loadSnapshot(), null);
  await broker.close();
});

Deno.test("what is heard is frozen, and a worker's own values are left alone", async () => {
  const { broker } = await memoryWorld();
  const heard: RecordedEvent[] = [];
  await broker.log.tail(START, (events) => heard.push(...events));
  const worker = await joined(broker, "w1");
  await startedBy(broker, worker, "a");
  const response = success("StartInstanceCommand", "a", running("a", "run-1"));
  await worker.complete("start-a", 1, response);
  for (const event of heard) {
    assert(Object.isFrozen(event) && Object.isFrozen(event.data), `${event.type} is frozen`);
  }
  const [, , succeeded] = heard;
  assert(succeeded?.type === "CommandSucceeded" && Object.isFrozen(succeeded.data.response));
  response.runtimeInfo!.status = "Stopped";
  assertEquals(succeeded.data.response.runtimeInfo?.status, "Running");
  await broker.close();
});

Deno.test("a process that dies right after a commit answers nobody, and the next one finds the fact", async () => {
  const world = await memoryWorld();
  const commit = world.tables.commit.bind(world.tables);
  world.tables.commit = () => {
    commit();
    world.broker.abandon();
  };
  const heard: string[] = [];
  await world.broker.log.tail(START, (events) => heard.push(...events.map(({ type }) => type)));
  const { log, bus } = world.broker;
  const worker = world.broker.workerChannel(registration("w1"));
  log.append(batch("a", 0)).finally(() => heard.push("answered"));
  await settled();
  for (const late of [() => log.head(), () => bus.workers(), () => worker.take(1, 0)]) {
    late().finally(() => heard.push("answered late"));
  }
  await settled();
  assertEquals(heard, []);
  world.tables.commit = commit;
  await world.crash();
  assertEquals((await world.broker.log.history("a", 9)).length, 1);
  await world.close();
});

for (const [technology, open] of [["memory", memoryWorld], ["sqlite", sqliteWorld]] as const) {
  Deno.test(`${technology}: a process that dies loses what it had not acknowledged, and nothing else`, async () => {
    const world = await open();
    const worker = await joined(world.broker, "w1");
    await startedBy(world.broker, worker, "a");
    await appended(world.broker, request(command("b", "waits"), 0));
    let isAnswered = false;
    world.broker.log.append(batch("c", 0)).finally(() => isAnswered = true);
    await world.crash();
    assertEquals(isAnswered, false, "the dead answer nobody");
    const { broker } = world;
    assertEquals((await broker.log.read(START, 99)).map((event) => event.instanceId), [
      "a",
      "a",
      "b",
    ]);
    const again = broker.workerChannel(registration("w1", { incarnation: "w1-life-2" }));
    const registered = await again.register();
    assertEquals(
      registered.kind === "registered" && registered.inherited.map((sent) => sent.messageId),
      ["start-a"],
    );
    assertEquals((await again.take(9, 0)).map((sent) => sent.messageId), ["waits"]);
    await world.close();
  });

  Deno.test(`${technology}: a command that kills each process that takes it ends as poison`, async () => {
    const world = await open();
    await appended(world.broker, request(command("a", "poison"), 0));
    let lives = 0;
    for (; lives < 10; lives++) {
      const incarnation = `life-${lives}`;
      const worker = await joined(world.broker, "w1", { incarnation });
      await world.advance(600);
      await worker.take(1, 0);
      await settled();
      if ((await world.broker.bus.inFlight()).length === 0) break;
      await world.crash();
    }
    const [last] = await world.broker.log.history("a", 1);
    assertEquals(last!.type, "CommandRefused");
    assert(lives <= 6, `it took ${lives} lives`);
    await world.close();
  });
}

Deno.test("a look far back into a long history lets others have their turns", async () => {
  const { broker, tables } = await memoryWorld();
  const events = Array.from({ length: 50 }, () => answered());
  for (let version = 0; version < 3_000; version += 50) {
    await appended(broker, batch("a", version, { events }));
  }
  let [read, longest] = [0, 0];
  const get = tables.events.get.bind(tables.events);
  tables.events.get = (sequence) => {
    longest = Math.max(longest, ++read);
    return get(sequence);
  };
  let isOver = false;
  const looking = broker.log.history("a", 1, 2).finally(() => isOver = true);
  while (!isOver) {
    read = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assertEquals((await looking)[0]?.version, 1);
  assert(longest <= 300, `${longest} events were read in one turn`);
  await broker.close();
});
