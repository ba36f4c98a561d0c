/** What every `WorkerChannel` does about accepts: one worker gets a command, and only while it may. Design §4 rules 2, 5, 7, 12. */
import { assertEquals } from "@std/assert";
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
  success,
} from "./broker_samples.ts";
import { type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of the accept, over one technology. */
export function acceptContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

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

  it("a delete that keeps newer runs is refused where one was found meanwhile: what is moved is in use again", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const clear = command("a", "c", { type: "DeleteInstanceCommand", keepsNewer: true });
    await appended(broker, request(clear, 0));
    await worker.observe({
      instanceId: "a",
      observation: "Found",
      runtimeInfo: { ...running("a", "r9"), generation: 9 },
    });
    assertEquals(await worker.accept("c"), { kind: "refused", reason: "ended" });
    const { type, data } = (await broker.log.history("a", 1))[0]!;
    assertEquals([type, data], [
      "CommandRefused",
      { commandId: "c", reason: "StaleGeneration" },
    ] as unknown[]);
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

  it("a start is for the site of a live run that was found since it was sent, a stop for any", async ({ broker }) => {
    const [here, there] = [
      await joined(broker, "w1"),
      await joined(broker, "w2", { site: "site-2" }),
    ];
    await appended(broker, request(command("a", "start"), 0));
    await here.observe(observed("Found", running("a", "r1")));
    assertEquals(await there.accept("start"), { kind: "refused", reason: "busy" });
    assertEquals((await here.accept("start")).kind, "accepted");
    await appended(broker, request(command("a", "stop", { type: "StopInstanceCommand" }), 3));
    assertEquals((await there.accept("stop")).kind, "accepted");
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
      hasOpenCommand: false,
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
}
