/** Any node takes any request: what one has appended stands for the other, also before its tail has told it. Design §3. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { AskOutcome } from "../../actors/system_port.ts";
import { OperationalError } from "../../events/errors.ts";
import { storedState } from "../../machines/evolve.ts";
import { statusOf } from "../../machines/status.ts";
import { settled } from "../adapters/manual_clock.ts";
import { type Node, type NodesWorld, withNodes } from "./nodes_world.ts";
import { creation } from "./system_world.ts";

/** Two nodes; the second one's tail tells nothing until it is released. */
function lateTest(
  sentence: string,
  run: (world: NodesWorld, first: Node, late: Node) => Promise<void>,
): void {
  Deno.test(sentence, () =>
    withNodes(async (world) => {
      const first = await world.node("first");
      const late = await world.node("late");
      late.log.holdTail();
      await run(world, first, late);
      late.log.releaseTail();
      await settled();
      const [ours, theirs] = await Promise.all([first, late].map(fleet));
      assertEquals(theirs, ours, "in the end both know the same, in the same order");
    }));
}

lateTest(
  "what one node created the other shows and starts at once",
  async (world, first, late) => {
    const id = await first.create();
    assertEquals(statusOf((await late.system.get(id))!), "Created");
    const other = await first.create();
    const started = late.ask(other, { type: "start" });
    await world.work();
    const outcome = await started;
    assert(outcome.kind === "done" && statusOf(outcome.state) === "Running", outcome.kind);
    assertEquals(await late.system.get("nobody"), undefined, "and what there never was is not");
  },
);

lateTest(
  "a list has the same order on a node that knew of one instance before those before it",
  async (_world, first, late) => {
    await first.create();
    const id = await first.create();
    await late.system.get(id);
    await first.create();
    assertEquals((await late.system.list({ limit: 9 })).items.length, 1);
  },
);

lateTest(
  "what would change nothing is decided again on what the other node has done",
  async (world, first, late) => {
    const id = await first.create();
    await late.system.get(id);
    const started = first.ask(id, { type: "start" });
    await world.work();
    await started;
    const stopping = late.ask(id, { type: "stop" });
    await world.work();
    const outcome = await stopping;
    assert(outcome.kind === "done" && outcome.changed, "it ran, and the late node did not know it");
    assertEquals(statusOf(outcome.state), "Stopped");
  },
);

lateTest(
  "what would be rejected is decided again, and a rejection says what the log says",
  async (_world, first, late) => {
    const id = await first.create();
    await late.system.get(id);
    await first.ask(id, { type: "configure", changes: { name: "two" } });
    const changed = await late.ask(id, { type: "configure", changes: { name: "three" } }, {
      ifMatch: 2,
    });
    assertEquals(changed.kind, "done", "it matches what the other node has written");
    await first.ask(id, { type: "delete", force: false });
    const gone = await late.ask(id, { type: "restart" });
    assertEquals(gone.kind === "rejected" && gone.rejection.code, "deleted");
  },
);

lateTest("a dry run plans on what the log has", async (world, first, late) => {
  const id = await first.create();
  await late.system.get(id);
  const started = first.ask(id, { type: "start" });
  await world.work();
  await started;
  const plan = await late.ask(id, { type: "stop" }, { dryRun: true });
  assertEquals(plan.kind === "plan" && plan.events.map((event) => event.type), ["StopRequested"]);
});

lateTest(
  "a key that one node has answered gives the same answer on the other",
  async (world, first, late) => {
    const idempotency = { key: "k", digest: "d" };
    const created = await first.ask(null, creation(), { idempotency });
    const again = await late.ask(null, creation(), { idempotency });
    assertEquals([positionOf(again), again.kind], [positionOf(created), "done"]);
    const id = created.state!.context.instanceId;
    const other = await late.ask(id, { type: "stop" }, { idempotency: { key: "k", digest: "x" } });
    assertEquals(other.kind === "rejected" && other.rejection.code, "key_reused");
    const change = { type: "configure", changes: { name: "two" } } as const;
    const keyed = { idempotency: { key: "change", digest: "d" } };
    await first.ask(id, change, keyed);
    const shown = await late.ask(id, change, keyed);
    assertEquals(shown.state?.context.specification?.name, "two", "it shows what it answers");
    const start = { key: "start", digest: "d" };
    const asked = first.ask(id, { type: "start" }, { idempotency: start });
    await world.work();
    const answered = await asked;
    const repeated = await late.ask(id, { type: "start" }, { idempotency: start });
    assertEquals(positionOf(repeated), positionOf(answered));
  },
);

lateTest(
  "the answer of a request whose node died is fetched by its key at the other node",
  async (world, first, late) => {
    const id = await first.create();
    const idempotency = { key: "start", digest: "d" };
    void first.ask(id, { type: "start" }, { idempotency });
    const command = await world.takeNext();
    first.die();
    const again = late.ask(id, { type: "start" }, { idempotency, timeoutMs: 1_000 });
    await settled();
    await world.complete(command);
    await world.clock.advance(2_000);
    const outcome = await again;
    assert(outcome.kind === "done" && outcome.event?.type === "CommandSucceeded", outcome.kind);
    assertEquals(statusOf(outcome.state), "Running");
  },
);

lateTest(
  "a start joined at the other node ends there too",
  async (world, first, late) => {
    const id = await first.create();
    const asked = first.ask(id, { type: "start" });
    await settled();
    const joined = late.ask(id, { type: "start" }, { timeoutMs: 1_000 });
    await world.work();
    await world.clock.advance(2_000);
    const [one, other] = await Promise.all([asked, joined]);
    assertEquals(positionOf(other), positionOf(one));
  },
);

Deno.test("a read waits for the position that it demands, and says behind when that takes too long", () =>
  withNodes(async (world) => {
    const first = await world.node("first");
    const late = await world.node("late");
    const id = await first.create();
    late.log.holdTail();
    const changed = await first.ask(id, { type: "configure", changes: { name: "two" } });
    const position = positionOf(changed)!;
    const inTime = late.system.get(id, position);
    const page = late.system.list({ limit: 9 }, position);
    late.log.releaseTail();
    assertEquals((await inTime)?.context.specification?.name, "two");
    assertEquals((await page).items[0]?.context.specification?.name, "two");
    late.log.holdTail();
    const again = await first.ask(id, { type: "configure", changes: { name: "three" } });
    const behind = assertRejects(
      () => late.system.list({ limit: 9 }, positionOf(again)!),
      OperationalError,
    );
    await world.clock.advance(5_100);
    const error = await behind;
    assertEquals([error.code, error.retryable], ["behind", true]);
  }));

function positionOf(outcome: AskOutcome): string | null {
  return "position" in outcome ? outcome.position : null;
}

async function fleet({ system }: Node): Promise<unknown[]> {
  const { items } = await system.list({ limit: 1_000 });
  return items.map((state) => JSON.parse(JSON.stringify(storedState(state))));
}

Deno.test("a leader whose tail is late gives up no worker by leases that it has not heard of", () =>
  withNodes(async (world) => {
    const node = await world.node("late");
    const id = await node.create();
    const moves = { onWorkerLost: "reschedule" as const, leaseMs: 6_000 };
    await node.ask(id, { type: "configure", changes: moves });
    const other = await world.node("other");
    await node.ask(id, { type: "start" }, { wait: false });
    const start = await world.takeNext();
    await settled();
    node.log.holdTail();
    await world.complete(start);
    await other.ask(id, { type: "configure", changes: { leaseMs: 60_000 } });
    await other.ask(id, { type: "restart" }, { wait: false });
    await world.takeNext();
    await world.clock.advance(30_000);
    assertEquals((await world.broker.bus.workers())[0]?.lost, false);
    node.log.releaseTail();
  }));
