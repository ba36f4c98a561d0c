/** The instance system over a real broker: asks, waits, races, recovery, what time owes. Design §3, §4. */
import { assert, assertEquals } from "@std/assert";
import type { AskOutcome, InstancePage } from "../../actors/system_port.ts";
import { storedState } from "../../machines/evolve.ts";
import { statusOf } from "../../machines/status.ts";
import { settled } from "../adapters/manual_clock.ts";
import { creation, SystemWorld } from "./system_world.ts";

/** Each test has a world of its own, and no test leaves a bug behind. */
function systemTest(name: string, run: (world: SystemWorld) => Promise<void>): void {
  Deno.test(name, async () => {
    const world = await SystemWorld.open();
    await world.worker.register();
    await run(world);
    assertEquals(world.bugs, []);
    await world.system.shutdown();
    await world.broker.close();
  });
}

systemTest(
  "a start is answered with the worker's runtime info, a stop with the ended run",
  async (world) => {
    const id = await world.create();
    const started = await world.done(id, { type: "start" });
    assert(
      started.kind === "done" && started.changed && started.event?.type === "CommandSucceeded",
    );
    assertEquals(statusOf(started.state), "Running");
    const stopped = await world.done(id, { type: "stop" });
    assert(stopped.kind === "done" && statusOf(stopped.state) === "Stopped");
  },
);

systemTest("two starts at once are one command and two answers", async (world) => {
  const id = await world.create();
  const both = [world.ask(id, { type: "start" }), world.ask(id, { type: "start" })];
  await world.work();
  const [first, second] = await Promise.all(both);
  assertEquals([first!.kind, second!.kind], ["done", "done"]);
  assertEquals(
    first!.kind === "done" && first!.event?.position,
    second!.kind === "done" && second!.event?.position,
  );
});

systemTest(
  "a stop overtakes a start that a worker has in work: the asker waits outside the mailbox",
  async (world) => {
    const id = await world.create();
    const start = world.ask(id, { type: "start" });
    await settled();
    const startCommand = await world.takeNext();
    const stop = world.ask(id, { type: "stop" });
    await settled();
    const stopCommand = await world.takeNext();
    assertEquals(stopCommand.type, "StopInstanceCommand");
    await world.complete(startCommand, "aborted");
    await world.complete(stopCommand);
    assertEquals(failureCode(await start), "aborted");
    const stopped = await stop;
    assert(stopped.kind === "done" && statusOf(stopped.state) === "Stopped");
  },
);

systemTest("a stop before the accept cancels the start, and its asker hears why", async (world) => {
  const id = await world.create();
  const start = world.ask(id, { type: "start" });
  await settled();
  const stopped = await world.ask(id, { type: "stop" });
  assert(stopped.kind === "done" && statusOf(stopped.state) === "Created");
  assertEquals(failureCode(await start), "cancelled");
  assertEquals(await world.worker.take(1, 0), [], "nothing is left for a worker");
});

systemTest(
  "a command that nobody takes expires with its caller's limit, and the status is what it was",
  async (world) => {
    const id = await world.create();
    const start = world.ask(id, { type: "start" }, { timeoutMs: 30_000 });
    await settled();
    await world.clock.advance(30_100);
    const outcome = await start;
    assertEquals(failureCode(outcome), "workers_unreachable", "its worker has not beaten for 30 s");
    assertEquals(statusOf((await world.system.get(id))!), "Created");
  },
);

systemTest(
  "an accepted command outlives its caller's limit: unknown, and the late answer counts",
  async (world) => {
    const id = await world.create();
    const start = world.ask(id, { type: "start" }, {
      timeoutMs: 1_000,
      idempotency: { key: "k", digest: "d" },
    });
    await settled();
    const command = await world.takeNext();
    await world.clock.advance(2_000);
    assertEquals((await start).kind, "unknown");
    await world.complete(command);
    assertEquals(statusOf((await world.system.get(id))!), "Running");
    const again = await world.ask(id, { type: "start" }, {
      idempotency: { key: "k", digest: "d" },
    });
    assert(again.kind === "done" && again.event?.type === "CommandSucceeded");
  },
);

systemTest(
  "a key repeated gives the first answer also after a crash; with another body it is refused",
  async (world) => {
    const idempotency = { key: "create-1", digest: "d" };
    const first = await world.ask(null, creation(), { idempotency });
    assert(first.kind === "done");
    const id = first.state.context.instanceId;
    await world.done(id, { type: "delete", force: false });
    await world.crash();
    const again = await world.ask(null, creation(), { idempotency });
    assert(again.kind === "done");
    assertEquals([again.state.context.instanceId, again.position], [id, first.position]);
    const other = await world.ask(null, creation(), {
      idempotency: { key: "create-1", digest: "other" },
    });
    assertEquals(other.kind === "rejected" && other.rejection.code, "key_reused");
  },
);

systemTest("one key used by several at once gives all of them the first answer", async (world) => {
  const idempotency = { key: "create-1", digest: "d" };
  const created = await Promise.all(
    [1, 2, 3].map(() => world.ask(null, creation(), { idempotency })),
  );
  assertEquals(created.map((outcome) => outcome.kind), ["done", "done", "done"]);
  const id = created[0]!.state!.context.instanceId;
  const change = { idempotency: { key: "change-1", digest: "d" }, ifMatch: 1 };
  const changed = await Promise.all(
    [1, 2].map(() => world.ask(id, { type: "configure", changes: { name: "two" } }, change)),
  );
  assertEquals(changed.map((outcome) => outcome.kind), ["done", "done"]);
});

systemTest("wait=false answers when the fact is in the log", async (world) => {
  const id = await world.create();
  const outcome = await world.ask(id, { type: "start" }, { wait: false });
  assertEquals(outcome.kind, "accepted");
  assertEquals(
    statusOf(outcome.kind === "accepted" ? outcome.state : (await world.system.get(id))!),
    "Starting",
  );
});

systemTest("a dry run says what would be appended, and appends nothing", async (world) => {
  const id = await world.create();
  const head = await world.broker.log.head();
  const outcome = await world.ask(id, { type: "start" }, { dryRun: true });
  assert(outcome.kind === "plan");
  assertEquals(outcome.events.map((event) => event.type), ["StartRequested"]);
  assertEquals(await world.broker.log.head(), head);
});

systemTest(
  "two nodes that race decide again on what the other wrote, and both know it",
  async (world) => {
    const other = await world.another();
    const id = await world.create();
    const options = { timeoutMs: 1_000, wait: false, requestedBy: "test" };
    const outcomes = await Promise.all([
      world.system.ask(id, { type: "start" }, options),
      other.ask(id, { type: "start" }, options),
    ]);
    assertEquals(outcomes.map((outcome) => outcome.kind), ["accepted", "accepted"]);
    const requested = (await world.broker.log.history(id, 10)).filter((event) =>
      event.type === "StartRequested"
    );
    assertEquals(requested.length, 1, "the loser joined the winner's start");
    assertEquals(storedState((await other.get(id))!), storedState((await world.system.get(id))!));
    await other.shutdown();
  },
);

systemTest(
  "the mailbox has a bound: beyond it an ask hears busy at once, and the others are served",
  async (world) => {
    const id = await world.create();
    const asks = Array.from(
      { length: 80 },
      (_, i) => world.ask(id, { type: "configure", changes: { name: `n${i}` } }),
    );
    const outcomes = await Promise.all(asks);
    const busy = outcomes.filter((outcome) =>
      outcome.kind === "rejected" && outcome.rejection.code === "busy"
    );
    assertEquals(busy.length, 80 - 65, "one in work and 64 that wait");
    assertEquals(outcomes.filter((outcome) => outcome.kind === "done").length, 65);
  },
);

systemTest(
  "a snapshot and the log give the same fleet, and so does the log alone",
  async (world) => {
    const id = await world.create();
    await world.done(id, { type: "start" });
    await world.create();
    const before = await fleet(world);
    await world.system.shutdown();
    await world.crash();
    assert(world.system.recovery.fromSnapshot === 2 && world.system.recovery.events === 0);
    assertEquals(await fleet(world), before);
    await world.broker.retention.dropSnapshot();
    await world.crash();
    assertEquals(world.system.recovery.fromSnapshot, 0);
    assertEquals(await fleet(world), before);
  },
);

systemTest(
  "a crash is restarted by the policy after the drawn delay, until the limit of starts",
  async (world) => {
    const id = await world.create({ baseMs: 200, maxStarts: 2 });
    await world.done(id, { type: "start" });
    for (let restart = 0; restart < 2; restart++) {
      await world.exit(id);
      assertEquals(statusOf((await world.system.get(id))!), "Failed");
      await world.clock.advance(10_000);
      await world.work();
      assertEquals(statusOf((await world.system.get(id))!), "Running");
    }
    await world.exit(id);
    await world.clock.advance(60_000);
    const state = (await world.system.get(id))!;
    assertEquals([statusOf(state), state.context.failure?.code, state.context.restarts], [
      "Failed",
      "crash_loop",
      2,
    ]);
  },
);

systemTest(
  "what was owed at a crash is paid after it: a restart whose delay is over",
  async (world) => {
    const id = await world.create();
    await world.done(id, { type: "start" });
    await world.exit(id);
    await world.crash();
    await world.clock.advance(10_000);
    const [command] = await world.worker.take(1, 0).catch(() => []);
    assertEquals(command, undefined, "the new worker has not registered yet");
    await world.worker.register();
    await world.work();
    assertEquals(statusOf((await world.system.get(id))!), "Running");
  },
);

systemTest(
  "a start while stopping waits for the stop and is then done, for the same asker",
  async (world) => {
    const id = await world.create();
    await world.done(id, { type: "start" });
    const stop = world.ask(id, { type: "stop" });
    await settled();
    const command = await world.takeNext();
    const start = world.ask(id, { type: "start" });
    await settled();
    await world.complete(command);
    await world.clock.advance(10);
    await world.work();
    assertEquals((await stop).kind, "done");
    const started = await start;
    assert(started.kind === "done" && statusOf(started.state) === "Running");
  },
);

systemTest("lists leave deleted instances out, filter, and page by a cursor", async (world) => {
  const ids = [await world.create(), await world.create(), await world.create()];
  await world.done(ids[1]!, { type: "delete", force: false });
  const idsOf = (page: InstancePage) => page.items.map((one) => one.context.instanceId);
  const first = await world.system.list({ limit: 1 });
  assertEquals([idsOf(first), first.next?.id], [[ids[0]], ids[0]]);
  const second = await world.system.list({ limit: 1, after: first.next! });
  assertEquals([idsOf(second), second.next], [[ids[2]], null]);
  assertEquals((await world.system.list({ limit: 9, statuses: ["Running"] })).items, []);
});

systemTest("a node that shuts down refuses new asks and says so", async (world) => {
  const id = await world.create();
  await world.system.shutdown();
  const error = await world.ask(id, { type: "start" }).catch((thrown) => thrown);
  assertEquals(error.code, "shutting_down");
});

function failureCode(outcome: AskOutcome): string {
  return outcome.kind === "failed" ? outcome.failure.code : `not failed but ${outcome.kind}`;
}

async function fleet(world: SystemWorld): Promise<unknown[]> {
  return (await world.system.list({ limit: 1_000 })).items.map((state) =>
    JSON.parse(JSON.stringify(storedState(state)))
  );
}
