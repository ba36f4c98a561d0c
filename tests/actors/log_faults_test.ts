/** What a node does while its log is away, when an answer of it is lost, and when it has lost its end. Design §5, §6. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import { statusOf } from "../../machines/status.ts";
import { settled } from "../adapters/manual_clock.ts";
import { withNodes } from "./nodes_world.ts";
import { creation } from "./system_world.ts";

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => work, OperationalError);
  return `${error.code}${error.retryable ? ", retryable" : ""}`;
}

Deno.test("while the log is away asks fail at once, reads tell what is folded, and it all resumes by itself", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const id = await node.create();
    node.log.goAway("no connection");
    const calls = { ...node.log.calls };
    assertEquals(await codeOf(node.ask(id, { type: "start" })), "log_unavailable, retryable");
    assertEquals(await codeOf(node.ask(null, creation())), "log_unavailable, retryable");
    assertEquals(node.log.calls, calls, "nothing was asked of a log that is known to be away");
    assertEquals(await codeOf(node.system.history(id, 9)), "log_unavailable, retryable");
    assertEquals(await codeOf(node.system.get("unknown")), "log_unavailable, retryable");
    assertEquals((await node.system.list({ limit: 9 })).items.length, 1);
    assertEquals(statusOf((await node.system.get(id))!), "Created");
    assertEquals(node.system.away(), "no connection");
    const { ready, reasons, durability } = await node.system.status();
    assertEquals([ready, reasons, durability], [
      false,
      ["the log is away: no connection"],
      "memory",
    ]);
    node.log.comeBack();
    assertEquals([(await node.system.status()).ready, node.system.away()], [true, null]);
    assertEquals((await node.ask(id, { type: "start" }, { wait: false })).kind, "accepted");
  }));

Deno.test("a read that demands a position is not made to wait for a log that is away", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    node.log.goAway();
    const read = codeOf(node.system.list({ limit: 9 }, "999-0"));
    await world.clock.advance(1);
    assertEquals(await read, "log_unavailable, retryable");
  }));

Deno.test("what is asked without effect is asked again, and not for longer than the caller waits", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const id = await node.create();
    for (const _ of [1, 2, 3]) node.log.failNext("latest", "redis_busy", true);
    const again = node.ask(id, { type: "stop" });
    await settled();
    await world.clock.advance(1_000);
    assertEquals((await again).kind, "done", "the fourth try was answered");
    for (const _ of [1, 2, 3]) node.log.failNext("findKey", "redis_busy", true);
    const hurried = codeOf(
      node.ask(id, { type: "stop" }, { timeoutMs: 15, idempotency: { key: "k", digest: "d" } }),
    );
    await settled();
    await world.clock.advance(15);
    assertEquals(await hurried, "redis_busy, retryable");
  }));

Deno.test("an append whose answer was lost is settled by its request's id, and not done twice", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const id = await node.create();
    node.log.failNext("append", "log_indeterminate", true, true);
    node.log.failNext("history", "redis_busy", true);
    const asked = node.ask(id, { type: "configure", changes: { name: "two" } });
    await settled();
    await world.clock.advance(1_000);
    const outcome = await asked;
    assert(outcome.kind === "done" && outcome.state.context.version === 2);
    assertEquals((await node.system.history(id, 9)).length, 2);
  }));

Deno.test("an append that nobody can settle is told as indeterminate, never as a failure", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const id = await node.create();
    node.log.failNext("append", "log_indeterminate", false);
    const change = { type: "configure", changes: { name: "two" } } as const;
    assertEquals(await codeOf(node.ask(id, change)), "log_indeterminate");
    node.log.failNext("append", "log_indeterminate", false, true);
    for (let tries = 0; tries < 9; tries++) node.log.failNext("history", "redis_busy", true);
    const idempotency = { key: "k", digest: "d" };
    const asked = codeOf(node.ask(id, change, { idempotency }));
    await settled();
    await world.clock.advance(5_000);
    assertEquals(await asked, "log_indeterminate");
  }));

Deno.test("a log that was put back is folded anew: what it lost is told once, and the node leads again", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const kept = await node.create();
    const token = node.system.fence!;
    const lost = await node.create();
    await node.ask(kept, { type: "configure", changes: { name: "two" } });
    world.loseLast(2);
    node.log.tell({
      kind: "rollback",
      rollback: { lostEvents: 2, instanceIds: [lost, kept], head: "1-0" },
    });
    assertEquals(await codeOf(node.ask(kept, { type: "start" })), "recovering, retryable");
    assertEquals((await node.system.status()).reasons, ["it is recovering"]);
    await settled();
    const { ready, incidents } = await node.system.status();
    assert(ready, "it is ready again");
    assertEquals(incidents, [{
      code: "HISTORY_ROLLBACK",
      at: world.clock.now(),
      lostEvents: 2,
      instanceIds: [lost, kept],
    }]);
    assertEquals(node.incidents, incidents, "it was told");
    const { items, position } = await node.system.list({ limit: 9 });
    assertEquals([items.map((one) => one.context.specification?.name), position], [["one"], "1-0"]);
    assertEquals(await node.system.get(lost), undefined);
    assert(node.system.fence !== null && node.system.fence > token, "it leads again");
    const changed = await node.ask(kept, { type: "configure", changes: { name: "three" } });
    assert(changed.kind === "done" && changed.position === "2-0", "the log goes on from its end");
  }));

Deno.test("a log that was cut beyond what was heard of it is folded anew, and nothing counts as lost", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    await node.create();
    const { position } = await node.system.status();
    node.log.tell({ kind: "gap", head: position });
    assertEquals((await node.system.status()).reasons, ["it is recovering"]);
    await settled();
    const { ready, incidents } = await node.system.status();
    assertEquals([ready, incidents, node.incidents], [true, [], []]);
    assertEquals((await node.system.list({ limit: 9 })).items.length, 1);
  }));

Deno.test("an ask whose command the log has lost ends as unknown", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const id = await node.create();
    const asked = node.ask(id, { type: "start" });
    await settled();
    world.loseLast(1);
    node.log.tell({
      kind: "rollback",
      rollback: { lostEvents: 1, instanceIds: [id], head: "1-0" },
    });
    await settled();
    const outcome = await asked;
    assertEquals([outcome.kind, outcome.state && statusOf(outcome.state)], ["unknown", "Created"]);
  }));

Deno.test("a loss that only a conflict shows is found by it, and the request is decided anew", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const id = await node.create();
    await node.ask(id, { type: "configure", changes: { name: "two" } });
    world.loseLast(1);
    const outcome = await node.ask(id, { type: "configure", changes: { name: "three" } });
    assert(outcome.kind === "done" && outcome.state.context.version === 2, outcome.kind);
    const { incidents } = await node.system.status();
    assertEquals(incidents.map(({ lostEvents, instanceIds }) => [lostEvents, instanceIds]), [
      [1, [id]],
    ]);
  }));

Deno.test("a loss that only an answer without an append would hide is found too", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const id = await node.create();
    const started = node.ask(id, { type: "start" });
    await world.work();
    await started;
    world.loseLast(3);
    await world.startWorker();
    const again = node.ask(id, { type: "start" });
    await settled();
    await world.work();
    const outcome = await again;
    assert(outcome.kind === "done" && outcome.changed, "it does not run as far as the log knows");
  }));

Deno.test("a snapshot of what was lost is not used again", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    await node.create();
    await node.create();
    await node.system.shutdown();
    const snapshot = (await world.broker.retention.loadSnapshot())!;
    assertEquals(snapshot.position, "2-0");
    world.loseLast(1);
    const next = await world.node("next");
    const other = await next.create();
    const fence = next.system.fence!;
    // As a store would have it that lost the log's end and kept the snapshot.
    await world.broker.retention.saveSnapshot(snapshot, fence);
    next.log.tell({
      kind: "rollback",
      rollback: { lostEvents: 1, instanceIds: [other], head: "1-0" },
    });
    await settled();
    const { items } = await next.system.list({ limit: 9 });
    assertEquals(items.map((one) => one.context.instanceId).at(-1), other);
    assertEquals(await world.broker.retention.loadSnapshot(), null);
  }));

Deno.test("a snapshot is not trusted where nobody knows how far the log was put back", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    await node.create();
    const lost = await node.create();
    await node.system.shutdown();
    const snapshot = (await world.broker.retention.loadSnapshot())!;
    const next = await world.node("next");
    world.loseLast(1);
    // Another node has gone on from there: the snapshot's position is one that the log has again.
    const other = await world.node("other");
    const created = await other.create();
    await other.system.shutdown();
    const fence = await world.broker.leadership.acquire("keeper", 1);
    await world.broker.retention.saveSnapshot(snapshot, fence!);
    const change = { type: "configure", changes: { name: "two" } } as const;
    const outcome = await next.ask(lost, change);
    assertEquals(outcome.kind === "rejected" && outcome.rejection.code, "not_found");
    const { items } = await next.system.list({ limit: 9 });
    assertEquals(items.map((one) => one.context.instanceId).at(-1), created);
    assertEquals(items.length, 2);
  }));

Deno.test("what the log loses while it is being folded anew is one incident with all of it", () =>
  withNodes(async (world) => {
    const node = await world.node("node");
    const ids = [await node.create(), await node.create()];
    world.loseLast(1);
    const lose = (instanceId: string, lostEvents: number) =>
      node.log.tell({
        kind: "rollback",
        rollback: { lostEvents, instanceIds: [instanceId], head: "0-0" },
      });
    node.log.afterNext("tail", () => {
      world.loseLast(1);
      lose(ids[0]!, 2);
    });
    lose(ids[1]!, 1);
    await settled();
    await settled();
    const { ready, incidents, instances } = await node.system.status();
    assertEquals([ready, instances], [true, 0]);
    assertEquals(incidents.map(({ lostEvents, instanceIds }) => [lostEvents, instanceIds.sort()]), [
      [2, ids.toSorted()],
    ]);
  }));
