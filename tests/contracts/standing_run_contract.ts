/** What every `WorkerChannel` and `CommandBus` do with runs: which one stands, reports of it, a worker given up. */
import { assertEquals } from "@std/assert";
import type { HealthReport } from "../../events/health.ts";
import { newEvent } from "../../events/instance_events.ts";
import {
  appended,
  batch,
  command,
  essence,
  joined,
  observed,
  PLATFORM,
  request,
  running,
  startedBy,
  stopped,
  success,
} from "./broker_samples.ts";
import { type Broker, type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of runs as the log sees them, over one technology. */
export function standingRunContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("the log's standing follows responses and reports, and a run never comes back", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const standing = async () => (await worker.standing(["a", "none"])).get("a")?.runId;
    assertEquals((await worker.standing(["none"])).size, 0);
    await startedBy(broker, worker, "a");
    assertEquals((await worker.standing(["a"])).get("a"), {
      generation: 1,
      runId: null,
      startedAt: null,
      hasOpenCommand: true,
    });
    const run = running("a", "run-1");
    await worker.complete("start-a", 1, success("StartInstanceCommand", "a", run));
    const { startedAt } = run;
    assertEquals((await worker.standing(["a"])).get("a")?.startedAt, startedAt);
    assertEquals(await standing(), "run-1");
    await worker.observe(observed("Exited", stopped("a", "run-0")));
    assertEquals(await standing(), "run-1", "another run's end is not its end");
    await worker.observe(observed("Exited", stopped("a", "run-1")));
    assertEquals(await standing(), null);
    await worker.observe(observed("Found", running("a", "run-1")));
    assertEquals(await standing(), null, "a run that has ended is not revived");
    await worker.observe(observed("Found", running("a", "run-2")));
    assertEquals(await standing(), "run-2");
    await worker.observe(observed("Found", running("a", "run-3")));
    assertEquals(await standing(), "run-2", "a known run is not replaced by another one");
    const before = running("a", "run-4", { generation: 2, startedAt: startedAt - 1 });
    await worker.observe(observed("Found", before));
    assertEquals(await standing(), "run-2", "nor by one that had begun before it");
    await worker.observe(observed("Lost", running("a", "run-2")));
    assertEquals(await standing(), null);
    await worker.observe(observed("Found", running("a", "run-2")));
    assertEquals(await standing(), "run-2", "a lost run may be found again");
    await worker.observe(observed("Found", running("a", "run-5", { generation: 2, startedAt })));
    assertEquals(await standing(), "run-5", "a newer one takes its place: it was only remembered");
    await worker.observe(observed("Exited", stopped("a", "run-2")));
    assertEquals(await standing(), "run-5");
  });

  it("the log's standing says whether a command is open: one that waits, and one that any worker has in work", async ({ broker }) => {
    const [worker, other] = [await joined(broker, "w1"), await joined(broker, "w2")];
    const isOpen = async () => (await other.standing(["a"])).get("a")?.hasOpenCommand;
    const start = command("a", "start-a");
    await appended(broker, request(start, 0));
    assertEquals(await isOpen(), true, "it waits");
    assertEquals((await worker.accept("start-a")).kind, "accepted");
    assertEquals(await isOpen(), true, "it is in work");
    await worker.complete("start-a", 1, success("StartInstanceCommand", "a", running("a", "r1")));
    assertEquals(await isOpen(), false, "it has ended");
    const { version } = (await broker.log.history("a", 1))[0]!;
    const restart = command("a", "restart-a", { type: "RestartInstanceCommand" });
    await appended(broker, request(restart, version));
    assertEquals(await isOpen(), true, "another one waits");
  });

  it("what is said of a run's health is a fact of its own; of a run that has ended, it is not written down", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await appended(broker, batch("a", 0));
    await worker.observe(observed("Found", running("a", "r1")));
    const report: HealthReport = {
      instanceId: "a",
      runId: "r1",
      runGeneration: 1,
      health: "unhealthy",
      cause: "components",
      reason: "source 's1' is in Error",
      components: [{ kind: "source", name: "s1", status: "Error", reason: "no route" }],
    };
    assertEquals(await worker.observe(report), "recorded");
    await worker.observe(observed("Exited", stopped("a", "r1")));
    assertEquals(await worker.observe({ ...report, health: "healthy" }), "recorded");
    const events = await broker.log.history("a", 9);
    assertEquals(events.slice(1).map(({ type }) => type), [
      "RuntimeObserved",
      "HealthObserved",
      "RuntimeObserved",
    ]);
    assertEquals(events[2]?.data, { ...report, workerId: "w1" });
  });

  it("restart, stop, delete and a forced delete move the standing run", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const standing = async () => (await worker.standing(["a"])).get("a")?.runId;
    await startedBy(broker, worker, "a");
    const first = success("StartInstanceCommand", "a", running("a", "run-1"));
    await worker.complete("start-a", 1, first);
    const step = async (
      type: "RestartInstanceCommand" | "StopInstanceCommand" | "DeleteInstanceCommand",
      response: object,
    ) => {
      const version = (await broker.log.history("a", 1))[0]!.version;
      const sent = command("a", `${type}-${version}`, { type });
      await appended(broker, request(sent, version));
      assertEquals((await worker.accept(sent.messageId)).kind, "accepted");
      await worker.complete(sent.messageId, 1, { ...success(type, "a"), ...response });
    };
    await step("RestartInstanceCommand", {
      stopped: stopped("a", "run-1"),
      runtimeInfo: running("a", "run-2"),
    });
    assertEquals(await standing(), "run-2");
    await step("RestartInstanceCommand", { success: false, stopped: stopped("a", "run-2") });
    assertEquals(await standing(), null);
    await worker.observe(observed("Found", running("a", "run-3")));
    await step("StopInstanceCommand", { runtimeInfo: stopped("a", "run-3") });
    assertEquals(await standing(), null);
    await worker.observe(observed("Found", running("a", "run-4")));
    await step("DeleteInstanceCommand", {});
    assertEquals(await standing(), null);
    await worker.observe(observed("Found", running("a", "run-5")));
    const { version } = (await broker.log.history("a", 1))[0]!;
    await appended(broker, batch("a", version, { forgetsRun: true }));
    assertEquals(await standing(), null);
  });

  it("a report is a fact of its worker", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await appended(broker, batch("a", 0));
    const report = observed("Found", running("a", "run-1"));
    assertEquals(await worker.observe(report), "recorded");
    const [event] = await broker.log.history("a", 1);
    assertEquals(essence(event!), {
      ...newEvent("RuntimeObserved", { ...report, workerId: "w1" }),
      instanceId: "a",
      version: 2,
    });
    assertEquals(event!.meta, { requestedBy: "worker:w1" });
  });

  it("forgetting a worker ends its commands, frees its runs and refuses it from then on", async ({ broker }) => {
    const { worker, reply, fence } = await withWork(broker);
    const events = await broker.bus.forget("w1", fence, 'ann"b');
    assertEquals(events.map(({ meta }) => meta.requestedBy), ['ann"b', 'ann"b']);
    assertEquals(events.map(essence), [
      {
        type: "CommandForgotten",
        data: { commandId: "start-a", workerId: "w1" },
        instanceId: "a",
        version: 3,
      },
      {
        type: "RuntimeObserved",
        data: { ...observed("Lost", running("b", "run-b")), workerId: "w1" },
        instanceId: "b",
        version: 4,
      },
    ]);
    assertEquals(await reply.ended, events[0]);
    assertEquals(await broker.bus.inFlight(), []);
    assertEquals(await broker.bus.workers(), []);
    const done = success("StartInstanceCommand", "a", running("a", "run-a"));
    assertEquals(await worker.complete("start-a", 1, done), {
      kind: "refused",
      reason: "unknown",
    });
    assertEquals(await worker.heartbeat(0), "unknown");
    assertEquals((await worker.register()).kind, "refused");
    assertEquals((await worker.standing(["b"])).get("b")?.runId, null);
    assertEquals(await broker.bus.forget("w1", fence), [], "once is enough");
    await joined(broker, "w1", { incarnation: "w1-life-2" });
    assertEquals((await broker.bus.workers()).length, 1, "a new life of it is welcome");
  });

  it("forgetting one of a site's workers leaves the runs that the other can reach", async ({ broker }) => {
    const { fence } = await withWork(broker);
    await joined(broker, "w2");
    const events = await broker.bus.forget("w1", fence);
    assertEquals(events.map((event) => event.type), ["CommandForgotten"]);
  });
}

/** A worker that has a start of `a` in work and a live run of `b`. */
async function withWork(broker: Broker) {
  const fence = (await broker.leadership.acquire("node", 10_000))!;
  const worker = await joined(broker, "w1");
  const reply = await broker.bus.expectReply(PLATFORM);
  await startedBy(broker, worker, "a", { replyChannel: reply.replyChannel });
  await startedBy(broker, worker, "b");
  const done = success("StartInstanceCommand", "b", running("b", "run-b"));
  await worker.complete("start-b", 1, done);
  return { worker, reply, fence };
}
