/** What every bus does about a worker that falls silent: `lose`, and what the worker is told afterwards. Design §4 rule 8. */
import { assertEquals } from "@std/assert";
import { type Command, UNPLACED_SITE } from "../../events/commands.ts";
import type { Loss } from "../../events/command_bus.ts";
import {
  appended,
  batch,
  command,
  essence,
  joined,
  observed,
  PLATFORM,
  registration,
  request,
  running,
  startedBy,
  stopped,
  success,
} from "./broker_samples.ts";
import { type Broker, type BrokerWorld, type OpenWorld, testsOver } from "./broker_world.ts";

const SILENT_MS = 400;

/** The tests of lost workers, over one technology. */
export function lostWorkerContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("a silent worker is given up: its commands end, its runs are lost, and each asker hears", async (world) => {
    const { broker } = world;
    const worker = await joined(broker, "w1");
    const reply = await broker.bus.expectReply(PLATFORM);
    const sent = await startedBy(broker, worker, "a", { replyChannel: reply.replyChannel });
    await startRun(broker, "b");
    await world.advance(SILENT_MS + 50);
    const events = await lose(broker, ["a", "b"]);
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
    assertEquals(events.map((event) => event.meta), [
      { requestedBy: "leader", correlationId: sent.correlationId },
      { requestedBy: "leader" },
    ]);
    assertEquals(await reply.ended, events[0]);
    assertEquals(await broker.bus.inFlight(), []);
    assertEquals(await lose(broker, ["a", "b"]), [], "there is nothing left");
  });

  it("a lost worker is lost again for more instances", async (world) => {
    const { broker } = world;
    await startRun(broker, "a");
    await startRun(broker, "b");
    await world.advance(SILENT_MS + 50);
    assertEquals((await lose(broker, ["a"])).map((event) => event.instanceId), ["a"]);
    assertEquals((await lose(broker, ["a", "b"])).map((event) => event.instanceId), ["b"]);
  });

  it("what was given up is told unknown at every call, and begins a new life", async (world) => {
    const { broker } = world;
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await world.advance(SILENT_MS + 50);
    await lose(broker, ["a"]);
    await appended(broker, request(command("b", "start-b"), 0));
    const unknown = { kind: "refused" as const, reason: "unknown" as const };
    assertEquals(await worker.heartbeat(0), "unknown");
    assertEquals(await worker.accept("start-b"), unknown);
    assertEquals(
      await worker.complete("start-a", 1, success("StartInstanceCommand", "a")),
      unknown,
    );
    assertEquals(await worker.observe(observed("Exited", stopped("a", "r"))), "unknown");
    assertEquals(await worker.take(1, 0), [], "it is offered nothing");
    assertEquals((await worker.register()).kind, "refused", "that life is over");
    const young = await joined(broker, "w1", { incarnation: "w1-life-2" });
    assertEquals((await young.accept("start-b")).kind, "accepted");
    assertEquals(await worker.heartbeat(0), "superseded", "the worker itself has gone on");
  });

  it("a lost worker stays listed until a new incarnation registers, also after a restart", async (world) => {
    await joined(world.broker, "w1");
    await world.advance(SILENT_MS + 50);
    const lost = async () => (await world.broker.bus.workers()).map((worker) => worker.lost);
    assertEquals(await lost(), [false]);
    await lose(world.broker, []);
    assertEquals(await lost(), [true]);
    await world.reopen();
    assertEquals(await lost(), [true]);
    await joined(world.broker, "w1", { incarnation: "w1-life-2" });
    assertEquals(await lost(), [false]);
  });

  it("commands of instances that are not listed stay, and the next incarnation inherits them", async (world) => {
    const { broker } = world;
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await startedBy(broker, worker, "b");
    await startRun(broker, "c");
    await world.advance(SILENT_MS + 50);
    assertEquals((await lose(broker, ["a"])).map((event) => event.instanceId), ["a"]);
    const young = broker.workerChannel(registration("w1", { incarnation: "w1-life-2" }));
    const registered = await young.register();
    if (registered.kind !== "registered") throw new Error(registered.reason);
    assertEquals(registered.inherited.map(({ messageId }) => messageId), ["start-b"]);
    assertEquals(registered.placed.map(({ runId }) => runId), ["run-c"]);
    assertEquals(await young.accept("start-b"), { kind: "accepted", attempt: 2, settle: false });
  });

  it("a stop or restart that waits for the site alone ends too; a start or delete waits on", async (world) => {
    const { broker } = world;
    await joined(broker, "w1");
    const types = ["Start", "Stop", "Restart", "Delete"] as const;
    for (const type of types) {
      const more = { type: `${type}InstanceCommand`, site: "site-1" } as Partial<Command>;
      await appended(broker, request(command(type, `c-${type}`, more), 0));
    }
    await world.advance(SILENT_MS + 50);
    const events = await lose(broker, [...types]);
    assertEquals(events.map((event) => event.instanceId), ["Stop", "Restart"]);
    const left = (await broker.bus.inFlight()).map((record) => record.command.messageId);
    assertEquals(left, ["c-Start", "c-Delete"]);
  });

  it("with another live worker at the site only what the lost one had accepted ends", async (world) => {
    const { broker } = world;
    const [one, two] = [await joined(broker, "w1"), await joined(broker, "w2")];
    await startedBy(broker, one, "a");
    await startRun(broker, "b", "w2");
    const stop = command("b", "stop-b", { type: "StopInstanceCommand", site: "site-1" });
    await appended(broker, request(stop, 3));
    await world.advance(SILENT_MS + 50);
    await two.heartbeat(0);
    assertEquals((await lose(broker, ["a", "b"])).map((event) => event.type), ["CommandForgotten"]);
    assertEquals((await two.standing(["b"])).get("b")!.runId, "run-b");
  });

  it("a run at another site is not lost with the worker that once had the instance", async (world) => {
    const { broker } = world;
    await joined(broker, "w1");
    await startRun(broker, "a", "w2", "site-2");
    await world.advance(SILENT_MS + 50);
    assertEquals(await lose(broker, ["a"]), []);
  });

  it("a worker that was heard in time is not lost; an accept is heard as a beat is", async (world) => {
    const { broker } = world;
    const worker = await joined(broker, "w1");
    await world.advance(SILENT_MS - 150);
    await worker.heartbeat(0);
    await world.advance(SILENT_MS - 150);
    assertEquals(await lose(broker, []), []);
    await startedBy(broker, worker, "a");
    await world.advance(SILENT_MS - 150);
    assertEquals(await lose(broker, ["a"]), []);
    assertEquals(await worker.heartbeat(0), "ok");
    assertEquals((await broker.bus.inFlight()).length, 1);
  });

  it("another incarnation than the one that fell silent is not lost", async (world) => {
    const { broker } = world;
    await joined(broker, "w1");
    const young = await joined(broker, "w1", { incarnation: "w1-life-2" });
    await world.advance(SILENT_MS + 50);
    assertEquals(await lose(broker, [], { incarnation: "w1-life-1" }), []);
    assertEquals(await lose(broker, [], { workerId: "none" }), []);
    assertEquals(await young.heartbeat(0), "ok");
  });

  it("a worker that the log has never heard of is unknown, not superseded", async ({ broker }) => {
    const stranger = broker.workerChannel(registration("w1"));
    assertEquals(await stranger.heartbeat(0), "unknown");
    await joined(broker, "w1", { incarnation: "w1-life-2" });
    assertEquals(await stranger.heartbeat(0), "unknown", "the log may have lost its end");
  });

  it("a run of a higher generation than the log's raises the instance's", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await startedBy(broker, worker, "b");
    await worker.complete(
      "start-a",
      1,
      success("StartInstanceCommand", "a", running("a", "r", { generation: 7 })),
    );
    await worker.observe(observed("Found", running("b", "r", { generation: 9 })));
    await worker.observe(observed("Exited", { ...stopped("b", "old"), generation: 2 }));
    const standing = await worker.standing(["a", "b"]);
    assertEquals([...standing.values()].map(({ generation }) => generation), [7, 9]);
    await appended(broker, batch("a", 3, { commands: [command("a", "c", { generation: 6 })] }));
    assertEquals(await worker.accept("c"), { kind: "refused", reason: "ended" });
  });

  it("a worker is listed with its machine and labels", async ({ broker }) => {
    await joined(broker, "w1", { labels: { zone: "a", disk: "ssd" } });
    const [listed] = await broker.bus.workers();
    assertEquals([listed!.machineId, listed!.labels], ["machine-of-w1", {
      zone: "a",
      disk: "ssd",
    }]);
  });

  it("a command for no site that there is waits until it is moved", async ({ broker }) => {
    const fence = (await broker.leadership.acquire("node", 10_000))!;
    const worker = await joined(broker, "w1");
    await appended(broker, request(command("a", "c", { site: UNPLACED_SITE, leaseMs: 9_000 }), 0));
    assertEquals(await worker.take(1, 0), []);
    assertEquals(await broker.bus.retarget("c", "site-1", fence), true);
    assertEquals((await worker.take(1, 0)).map(({ site, leaseMs }) => [site, leaseMs]), [
      ["site-1", 9_000],
    ]);
  });
}

async function lose(broker: Broker, instanceIds: string[], more: Partial<Loss> = {}) {
  const fence = (await broker.leadership.acquire("node", 10_000))!;
  const loss = { workerId: "w1", incarnation: "w1-life-1", silentMs: SILENT_MS, instanceIds };
  return await broker.bus.lose({ ...loss, ...more }, fence);
}

/** An instance whose run is live at a worker's site. */
async function startRun(
  broker: BrokerWorld["broker"],
  instanceId: string,
  workerId = "w1",
  site = "site-1",
): Promise<void> {
  const listed = (await broker.bus.workers()).some((worker) => worker.workerId === workerId);
  const channel = listed
    ? broker.workerChannel(registration(workerId, { site }))
    : await joined(broker, workerId, { site });
  await startedBy(broker, channel, instanceId);
  const info = running(instanceId, `run-${instanceId}`, { site });
  await channel.complete(
    `start-${instanceId}`,
    1,
    success("StartInstanceCommand", instanceId, info),
  );
}
