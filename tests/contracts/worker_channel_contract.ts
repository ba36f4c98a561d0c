/** What every `WorkerChannel` does: incarnations, accepts, completions and drains. */
import { assert, assertEquals } from "@std/assert";
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
import { type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of a worker's side, over one technology. */
export function workerChannelContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("a registered worker is listed with its last beat", async ({ broker, advance }) => {
    const worker = await joined(broker, "w1");
    const [before] = await broker.bus.workers();
    assertEquals({ ...before!, registeredAt: 0, lastHeartbeatAt: 0 }, {
      workerId: "w1",
      platform: PLATFORM,
      site: "site-1",
      incarnation: "w1-life-1",
      machineId: "machine-of-w1",
      slots: 4,
      busy: 0,
      version: "1.0.0",
      labels: {},
      registeredAt: 0,
      lastHeartbeatAt: 0,
      draining: false,
      lost: false,
    });
    await advance(100);
    assertEquals(await worker.heartbeat(3), "ok");
    const [after] = await broker.bus.workers();
    assertEquals(after!.busy, 3);
    assert(
      after!.lastHeartbeatAt >= before!.lastHeartbeatAt + 100,
      "the beat is by the log's clock",
    );
  });

  it("an accept is a fact, and repeating it gives the same answer and no second fact", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    assertEquals(await worker.accept("start-a"), { kind: "accepted", attempt: 1, settle: false });
    assertEquals((await broker.log.history("a", 9)).slice(1).map(essence), [{
      type: "CommandAccepted",
      data: {
        commandId: "start-a",
        commandType: "StartInstanceCommand",
        attempt: 1,
        workerId: "w1",
        incarnation: "w1-life-1",
        site: "site-1",
      },
      instanceId: "a",
      version: 2,
    }]);
    const [, event] = await broker.log.history("a", 2);
    assertEquals(event!.meta, { requestedBy: "worker:w1", correlationId: "correlation-start-a" });
  });

  it("of many workers that accept at once exactly one gets the command", async ({ broker }) => {
    const workers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => joined(broker, `w${n}`, { site: `site-${n}` })),
    );
    await appended(broker, request(command("a", "c"), 0));
    const outcomes = await Promise.all(workers.map((worker) => worker.accept("c")));
    assertEquals(outcomes.filter((outcome) => outcome.kind === "accepted").length, 1);
    assertEquals((await broker.log.history("a", 9)).length, 2);
  });

  it("a command of an old generation is refused and ended by the accept", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const reply = await broker.bus.expectReply(PLATFORM);
    const sent = command("a", "c", { replyChannel: reply.replyChannel });
    await appended(broker, request(sent, 0));
    await appended(broker, batch("a", 1, { generation: 2 }));
    assertEquals(await worker.accept("c"), { kind: "refused", reason: "ended" });
    const event = await reply.ended;
    assertEquals(essence(event), {
      type: "CommandRefused",
      data: { commandId: "c", reason: "StaleGeneration" },
      instanceId: "a",
      version: 3,
    });
    assertEquals(await broker.bus.inFlight(), []);
  });

  it("a delete is accepted also where a newer run was found meanwhile: that is what it ends", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const remove = command("a", "c", { type: "DeleteInstanceCommand" });
    await appended(broker, request(remove, 0));
    await worker.observe({
      instanceId: "a",
      observation: "Found",
      runtimeInfo: { ...running("a", "r9"), generation: 9 },
    });
    assertEquals((await worker.accept("c")).kind, "accepted");
  });

  it("a command whose time is over is expired by the accept", async ({ broker, advance }) => {
    const worker = await joined(broker, "w1");
    const reply = await broker.bus.expectReply(PLATFORM);
    const sent = command("a", "c", { replyChannel: reply.replyChannel, acceptWithinMs: 150 });
    await appended(broker, request(sent, 0));
    await advance(200);
    assertEquals(await worker.accept("c"), { kind: "refused", reason: "ended" });
    const event = await reply.ended;
    assertEquals([event.type, event.data], ["CommandExpired", {
      commandId: "c",
      reason: "WorkersBusy",
    }]);
    assertEquals(await worker.accept("c"), { kind: "refused", reason: "ended" });
    assertEquals((await broker.log.history("a", 9)).length, 2, "it is ended once");
  });

  it("a second command of the instance waits for the first, but a stop or a delete does not", async ({ broker }) => {
    const [one, two] = [await joined(broker, "w1"), await joined(broker, "w2")];
    await startedBy(broker, one, "a");
    const stop = command("a", "stop", { type: "StopInstanceCommand" });
    const restart = command("a", "restart", { type: "RestartInstanceCommand" });
    const remove = command("a", "delete", { type: "DeleteInstanceCommand" });
    await appended(broker, request(restart, 2, { commands: [restart, stop, remove] }));
    assertEquals(await two.accept("restart"), { kind: "refused", reason: "busy" });
    assertEquals((await two.accept("stop")).kind, "accepted");
    assertEquals((await two.accept("delete")).kind, "accepted");
    await one.complete("start-a", 1, success("StartInstanceCommand", "a"));
    await two.complete("stop", 1, success("StopInstanceCommand", "a"));
    await two.complete("delete", 1, success("DeleteInstanceCommand", "a"));
    assertEquals((await two.accept("restart")).kind, "accepted", "nothing else is in work");
  });

  it("a worker that has an instance in work may accept more of it: it keeps the order itself", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await appended(broker, request(command("a", "restart", { type: "RestartInstanceCommand" }), 2));
    assertEquals((await worker.accept("restart")).kind, "accepted");
  });

  it("an instance's generation never goes back", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await appended(broker, batch("a", 0, { generation: 5 }));
    await appended(broker, batch("a", 1, { generation: 2 }));
    assertEquals((await worker.standing(["a"])).get("a"), {
      generation: 5,
      runId: null,
      startedAt: null,
    });
  });

  it("waiting for another command does not make poison of one", async (world) => {
    const { broker } = world;
    const [one, two] = [await joined(broker, "w1"), await joined(broker, "w2")];
    await startedBy(broker, one, "a");
    const restart = command("a", "restart", { type: "RestartInstanceCommand", site: "site-1" });
    await appended(broker, request(restart, 2));
    for (let n = 0; n < 8; n++) {
      await world.advance(550);
      for (const taken of await two.take(1, 0)) {
        assertEquals((await two.accept(taken.messageId)).kind, "refused");
      }
    }
    assertEquals((await broker.bus.inFlight()).length, 2, "it still waits");
  });

  it("a response ends its command as succeeded or failed", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await startedBy(broker, worker, "b");
    const done = success("StartInstanceCommand", "a", running("a", "run-1"));
    const failed = {
      ...success("StartInstanceCommand", "b"),
      success: false,
      errorMessage: "no such program",
      retryable: false,
    };
    const good = await worker.complete("start-a", 1, done);
    const bad = await worker.complete("start-b", 1, failed);
    assertEquals(good.kind === "completed" && essence(good.event), {
      type: "CommandSucceeded",
      data: { commandId: "start-a", attempt: 1, workerId: "w1", response: done },
      instanceId: "a",
      version: 3,
    });
    assertEquals(bad.kind === "completed" && bad.event.type, "CommandFailed");
    assertEquals(await broker.bus.inFlight(), []);
  });

  it("repeating a response gives the same event, also after a restart", async (world) => {
    const worker = await joined(world.broker, "w1");
    await startedBy(world.broker, worker, "a");
    const done = success("StartInstanceCommand", "a", running("a", "run-1"));
    const first = await worker.complete("start-a", 1, done);
    assertEquals(await worker.complete("start-a", 1, done), first);
    await world.reopen();
    const again = world.broker.workerChannel(registration("w1"));
    assertEquals(await again.complete("start-a", 1, done), first);
    assertEquals((await world.broker.log.history("a", 9)).length, 3);
    assertEquals(await again.complete("start-a", 2, done), { kind: "refused", reason: "ended" });
    assertEquals(await again.complete("none", 1, done), { kind: "refused", reason: "ended" });
  });

  it("only the worker that accepted, with its attempt, ends a command", async ({ broker }) => {
    const [one, two] = [await joined(broker, "w1"), await joined(broker, "w2")];
    await startedBy(broker, one, "a");
    const done = success("StartInstanceCommand", "a");
    assertEquals(await two.complete("start-a", 1, done), { kind: "refused", reason: "ended" });
    assertEquals(await one.complete("start-a", 2, done), { kind: "refused", reason: "ended" });
    assertEquals((await one.complete("start-a", 1, done)).kind, "completed");
  });

  it("stops and deletes are handed out beyond the slots, and before the starts", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await appended(broker, request(command("b", "start-b"), 0));
    const stop = command("a", "stop-a", { type: "StopInstanceCommand", generation: 2 });
    await appended(broker, request(stop, 2));
    assertEquals((await worker.take(0, 0)).map(({ messageId }) => messageId), ["stop-a"]);
    assertEquals((await worker.take(9, 0)).map(({ messageId }) => messageId), ["start-b"]);
  });

  it("a registration tells which runs the log takes for live at the site", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await worker.complete("start-a", 1, success("StartInstanceCommand", "a", running("a", "r1")));
    const young = broker.workerChannel(registration("w1", { incarnation: "w1-life-2" }));
    const registered = await young.register();
    assertEquals(registered.kind === "registered" && registered.placed.map(({ runId }) => runId), [
      "r1",
    ]);
  });

  it("a new incarnation inherits and takes over; the old one is superseded everywhere", async ({ broker }) => {
    const old = await joined(broker, "w1");
    const sent = await startedBy(broker, old, "a");
    const young = broker.workerChannel(registration("w1", { incarnation: "w1-life-2" }));
    assertEquals(await young.register(), {
      kind: "registered",
      inherited: [{ ...sent, site: "site-1" }],
      placed: [],
    });
    assertEquals(await old.accept("start-a"), { kind: "refused", reason: "superseded" });
    const done = success("StartInstanceCommand", "a");
    assertEquals(await old.complete("start-a", 1, done), {
      kind: "refused",
      reason: "superseded",
    });
    assertEquals(await old.heartbeat(0), "superseded");
    assertEquals(await old.observe(observed("Exited", stopped("a", "r"))), "superseded");
    assertEquals((await old.register()).kind, "refused", "it cannot come back");
    const takenOver = { kind: "accepted" as const, attempt: 2, settle: false };
    assertEquals(await young.accept("start-a"), takenOver);
    assertEquals(await young.accept("start-a"), takenOver);
    const accepts = (await broker.log.history("a", 9)).filter(({ type }) =>
      type === "CommandAccepted"
    );
    assertEquals(accepts.length, 2, "each attempt is one fact");
    assertEquals(await young.complete("start-a", 1, done), { kind: "refused", reason: "ended" });
    const completed = await young.complete("start-a", 2, done);
    assertEquals(completed.kind, "completed");
    assertEquals(await young.complete("start-a", 2, done), completed, "repeating is safe");
  });

  it("a command taken over with an old generation is to be settled, not refused", async ({ broker }) => {
    const old = await joined(broker, "w1");
    await startedBy(broker, old, "a");
    await appended(broker, batch("a", 2, { generation: 2 }));
    const young = await joined(broker, "w1", { incarnation: "w1-life-2" });
    assertEquals(await young.accept("start-a"), { kind: "accepted", attempt: 2, settle: true });
    assertEquals(await young.accept("start-a"), { kind: "accepted", attempt: 2, settle: true });
  });

  it("a take-over needs no time that is left", async ({ broker, advance }) => {
    const old = await joined(broker, "w1");
    await startedBy(broker, old, "a", { acceptWithinMs: 200 });
    await advance(300);
    const young = await joined(broker, "w1", { incarnation: "w1-life-2" });
    assertEquals((await young.accept("start-a")).kind, "accepted");
  });

  it("a new incarnation may hand in what the old one had done", async ({ broker }) => {
    const old = await joined(broker, "w1");
    await startedBy(broker, old, "a");
    const young = await joined(broker, "w1", { incarnation: "w1-life-2" });
    const outcome = await young.complete("start-a", 1, success("StartInstanceCommand", "a"));
    assertEquals(outcome.kind, "completed");
  });

  it("a superseded worker is offered nothing", async ({ broker, advance }) => {
    const old = await joined(broker, "w1");
    const waiting = old.take(1, 300);
    await joined(broker, "w1", { incarnation: "w1-life-2" });
    await appended(broker, request(command("a", "c"), 0));
    await advance(350);
    assertEquals(await waiting, []);
  });

  it("the same id from another machine is refused while the first one beats", async ({ broker, advance }) => {
    const first = await joined(broker, "w1");
    await advance(100);
    await first.heartbeat(0);
    const other = broker.workerChannel(
      registration("w1", { incarnation: "w1-elsewhere", machineId: "other" }),
    );
    const outcome = await other.register();
    assertEquals(outcome.kind, "refused");
    assert(outcome.kind === "refused" && outcome.reason.includes("w1"), "it says which id");
    assertEquals(await first.heartbeat(0), "ok");
    await first.leave();
    assertEquals((await other.register()).kind, "registered", "it is free once the first leaves");
  });

  it("a draining worker takes nothing new and keeps what it has", async ({ broker, advance }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    assertEquals(await broker.bus.drain("w1", true), true);
    assertEquals(await broker.bus.drain("none", true), false);
    assertEquals((await broker.bus.workers())[0]!.draining, true);
    const waiting = worker.take(1, 400);
    await appended(broker, request(command("b", "c"), 0));
    await advance(100);
    const done = success("StartInstanceCommand", "a");
    assertEquals((await worker.complete("start-a", 1, done)).kind, "completed");
    assertEquals(await broker.bus.drain("w1", false), true);
    assertEquals((await waiting).map((taken) => taken.messageId), ["c"], "it resumes at once");
  });

  it("a draining worker still takes the stops and deletes of its site", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await broker.bus.drain("w1", true);
    const site = "site-1";
    await appended(broker, request(command("a", "stop", { type: "StopInstanceCommand", site }), 0));
    await appended(
      broker,
      request(command("b", "end", { type: "DeleteInstanceCommand", site }), 0),
    );
    await appended(broker, request(command("c", "start", { site }), 0));
    const taken = await worker.take(4, 0);
    assertEquals(taken.map(({ messageId }) => messageId), ["stop", "end"], "nobody else can");
  });

  it("a drain outlasts a restart of the worker; how busy it was does not", async ({ broker }) => {
    const old = await joined(broker, "w1");
    await old.heartbeat(3);
    await broker.bus.drain("w1", true);
    await joined(broker, "w1", { incarnation: "w1-life-2" });
    const [listed] = await broker.bus.workers();
    assertEquals([listed!.draining, listed!.busy], [true, 0]);
  });

  it("a worker that left takes nothing, and can still hand in what it accepted", async ({ broker, advance }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await worker.leave();
    await appended(broker, request(command("b", "c"), 0));
    const waiting = worker.take(1, 50);
    await advance(100);
    assertEquals(await waiting, []);
    const done = success("StartInstanceCommand", "a");
    assertEquals((await worker.complete("start-a", 1, done)).kind, "completed");
  });
}
