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
import { acceptContract } from "./accept_contract.ts";
import { type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of a worker's side, over one technology. */
export function workerChannelContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);
  acceptContract(technology, open);

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

  it("what a worker tells last of its runs is kept with its time, until it is forgotten", async ({ broker, advance }) => {
    const [teller] = [await joined(broker, "w1"), await joined(broker, "w2")];
    const run = { cpuShare: 0.25, cpuSeconds: 1.5, memoryBytes: 4_096, openFiles: 7, processes: 2 };
    assertEquals(await broker.bus.metrics(["w1", "w2", "w3"]), []);
    const begun = (await broker.bus.workers())[0]!.registeredAt;
    await teller.heartbeat(0, [{ ...run, runId: "r-1" }, { ...run, runId: "r-2" }]);
    await advance(50);
    const last = [{ ...run, runId: "r-2", openFiles: null }];
    await teller.heartbeat(0, last);
    await teller.heartbeat(0);
    const [told] = await broker.bus.metrics(["w2", "w1"]);
    assertEquals(told, { workerId: "w1", at: told!.at, runs: last });
    assert(told!.at >= begun + 50, "it is by the log's clock");
    await broker.bus.forget("w1", null);
    assertEquals(await broker.bus.metrics(["w1"]), []);
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
