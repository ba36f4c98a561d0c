/** What every `CommandBus` does: commands with their events, deliveries, replies, sites, ends that happen once. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { START } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import {
  appended,
  batch,
  cancellation,
  command,
  created,
  joined,
  PLATFORM,
  request,
  running,
  startedBy,
  success,
} from "./broker_samples.ts";
import { eventually, type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of the bus, over one technology. */
export function commandBusContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("a command is live if and only if the append that caused it was written", async ({ broker }) => {
    await appended(broker, batch("a", 0, { events: [created()] }));
    const lost = command("a", "lost");
    assertEquals((await broker.log.append(request(lost, 0))).kind, "conflict");
    assertEquals(await broker.bus.inFlight(), []);
    const sent = command("a", "sent");
    const [event] = await appended(broker, request(sent, 1));
    assertEquals(await broker.bus.inFlight(), [{
      command: sent,
      enqueuedAt: event!.at,
      acceptBy: event!.at + sent.acceptWithinMs,
      deliveries: 0,
      accepted: null,
    }]);
  });

  it("commands in flight are listed oldest first, also after a restart", async (world) => {
    for (const n of [3, 1, 2]) {
      await appended(world.broker, request(command(`i-${n}`, `c-${n}`), 0));
    }
    const before = await world.broker.bus.inFlight();
    assertEquals(await world.broker.bus.countInFlight(), 3);
    assertEquals(before.map((record) => record.command.messageId), ["c-3", "c-1", "c-2"]);
    await world.reopen();
    assertEquals(await world.broker.bus.inFlight(), before);
    const worker = await joined(world.broker, "w1");
    assertEquals(await ids(worker.take(9, 0)), ["c-3", "c-1", "c-2"], "they wait for a worker");
  });

  it("a worker takes what waits, at most as much as it asks for", async ({ broker }) => {
    for (let n = 0; n < 3; n++) await appended(broker, request(command(`i-${n}`, `c-${n}`), 0));
    const worker = await joined(broker, "w1");
    assertEquals(await ids(worker.take(2, 0)), ["c-0", "c-1"]);
    assertEquals(await ids(worker.take(2, 0)), ["c-2"]);
    assertEquals(await ids(worker.take(2, 0)), []);
  });

  it("a worker that waits gets a command as soon as it is sent", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const waiting = worker.take(4, 30_000);
    const sent = command("a", "c");
    await appended(broker, request(sent, 0));
    assertEquals(await waiting, [sent]);
  });

  it("a worker that waits in vain gets nothing when its time is over", async ({ broker, advance }) => {
    const worker = await joined(broker, "w1");
    const waiting = worker.take(1, 100);
    await advance(150);
    assertEquals(await waiting, []);
  });

  it("a command is offered to one worker at a time, and again after 500 ms without an accept", async ({ broker, advance }) => {
    const [one, two] = [await joined(broker, "w1"), await joined(broker, "w2")];
    await appended(broker, request(command("a", "c"), 0));
    assertEquals(await ids(one.take(1, 0)), ["c"]);
    assertEquals(await ids(two.take(1, 0)), [], "it is with the first worker");
    const waiting = two.take(1, 5_000);
    await advance(600);
    assertEquals(await ids(waiting), ["c"]);
    assertEquals((await broker.bus.inFlight())[0]!.deliveries, 2);
    assertEquals((await two.accept("c")).kind, "accepted");
    assertEquals(await one.accept("c"), { kind: "refused", reason: "taken" });
    await advance(1_000);
    assertEquals(await ids(one.take(1, 0)), [], "what is accepted is offered no more");
  });

  it("a command that is moved after each offer ends as poison all the same", async (world) => {
    const { broker } = world;
    const fence = (await broker.leadership.acquire("n", 60_000))!;
    const worker = await joined(broker, "w1");
    await appended(broker, request(command("a", "c"), 0));
    for (let offer = 1; offer <= 5; offer++) {
      assertEquals(await ids(worker.take(1, 0)), ["c"]);
      assertEquals((await broker.bus.inFlight())[0]!.deliveries, offer);
      if (offer < 5) await broker.bus.retarget("c", offer % 2 ? "site-1" : null, fence);
    }
    const waiting = worker.take(1, 400);
    await broker.bus.retarget("c", "site-1", fence);
    await world.advance(450);
    assertEquals(await ids(waiting), [], "it is not offered a sixth time to one who waits");
    await eventually(world, "the poison has ended", async () => {
      assertEquals(await ids(worker.take(1, 0)), []);
      return (await broker.bus.inFlight()).length === 0;
    });
  });

  it("a command that is offered five times and never accepted ends as poison", async (world) => {
    const { broker } = world;
    const worker = await joined(broker, "w1");
    const reply = await broker.bus.expectReply(PLATFORM);
    const sent = command("a", "c", { replyChannel: reply.replyChannel });
    await appended(broker, request(sent, 0));
    let deliveries = 0;
    await eventually(world, "the poison has ended", async () => {
      deliveries += (await worker.take(1, 0)).length;
      return (await broker.bus.inFlight()).length === 0;
    });
    assertEquals(deliveries, 5);
    const event = await reply.ended;
    assertEquals([event.type, event.data], ["CommandRefused", {
      commandId: "c",
      reason: "Poison",
    }]);
    assertEquals(await broker.log.history("a", 1), [event]);
    assertEquals(await worker.accept("c"), { kind: "refused", reason: "ended" });
  });

  it("a worker is offered only what is for its platform and its site", async ({ broker }) => {
    await appended(broker, request(command("a", "any"), 0));
    await appended(broker, request(command("b", "here", { site: "site-1" }), 0));
    await appended(broker, request(command("c", "there", { site: "site-2" }), 0));
    await appended(broker, request(command("d", "other", { platform: "docker" }), 0));
    const here = await joined(broker, "w1");
    const docker = await joined(broker, "w2", { platform: "docker", site: "site-1" });
    assertEquals(await ids(here.take(9, 0)), ["any", "here"]);
    assertEquals(await ids(docker.take(9, 0)), ["other"]);
    assertEquals(await here.accept("there"), { kind: "refused", reason: "taken" });
    assertEquals((await broker.bus.inFlight()).length, 4, "a refused accept changes nothing");
  });

  it("an accept fixes the command's site to the worker's", async ({ broker }) => {
    const worker = await joined(broker, "w1", { site: "site-7" });
    await startedBy(broker, worker, "a");
    const [record] = await broker.bus.inFlight();
    assertEquals(record!.command.site, "site-7");
    assertEquals(record!.accepted, {
      workerId: "w1",
      incarnation: "w1-life-1",
      site: "site-7",
      attempt: 1,
    });
  });

  it("a command is moved to another site as long as nobody has accepted it", async ({ broker }) => {
    const fence = (await broker.leadership.acquire("node", 10_000))!;
    const here = await joined(broker, "w1", { site: "site-1" });
    const there = await joined(broker, "w2", { site: "site-2" });
    await appended(broker, request(command("a", "c", { site: "site-1" }), 0));
    assertEquals(await broker.bus.retarget("c", "site-2", fence), true);
    assertEquals(await ids(here.take(1, 0)), []);
    assertEquals((await there.take(1, 0)).map((taken) => taken.site), ["site-2"]);
    assertEquals(await here.accept("c"), { kind: "refused", reason: "taken" });
    assertEquals(await broker.bus.retarget("c", null, fence), true);
    assertEquals(await ids(here.take(1, 0)), ["c"]);
    assertEquals((await here.accept("c")).kind, "accepted");
    assertEquals(await broker.bus.retarget("c", "site-2", fence), false, "it was accepted");
    assertEquals(await broker.bus.retarget("none", null, fence), false, "there is none such");
    assertEquals((await broker.log.history("a", 9)).length, 2, "moving is no event");
  });

  it("a move wakes the workers of the other site", async ({ broker }) => {
    const fence = (await broker.leadership.acquire("node", 10_000))!;
    const there = await joined(broker, "w2", { site: "site-2" });
    await appended(broker, request(command("a", "c", { site: "site-1" }), 0));
    const waiting = there.take(1, 30_000);
    await broker.bus.retarget("c", "site-2", fence);
    assertEquals(await ids(waiting), ["c"]);
  });

  it("the reply channel carries the event that ended the command, after the log has it", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const heard: string[] = [];
    const tail = await broker.log.tail(START, (events) => {
      heard.push(...events.map((event) => event.position));
    });
    const reply = await broker.bus.expectReply(PLATFORM);
    assert(/^\S*\.process\.response\.\S+$/.test(reply.replyChannel), reply.replyChannel);
    await startedBy(broker, worker, "a", { replyChannel: reply.replyChannel });
    await worker.complete(
      "start-a",
      1,
      success("StartInstanceCommand", "a", running("a", "run-1")),
    );
    const event = await reply.ended;
    assertEquals(event.type, "CommandSucceeded");
    assertEquals(await broker.log.history("a", 1), [event]);
    assertEquals(event.meta, {
      requestedBy: "worker:w1",
      correlationId: "correlation-start-a",
    });
    if (technologyFoldsFirst(technology)) assertEquals(heard.at(-1), event.position);
    tail.close();
  });

  it("a closed reply is heard by nobody, and the log has the answer all the same", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const reply = await broker.bus.expectReply(PLATFORM);
    let isHeard = false;
    reply.ended.then(() => isHeard = true);
    await startedBy(broker, worker, "a", { replyChannel: reply.replyChannel });
    reply.close();
    reply.close();
    await worker.complete("start-a", 1, success("StartInstanceCommand", "a"));
    assertEquals((await broker.log.history("a", 1))[0]!.type, "CommandSucceeded");
    assertEquals(isHeard, false);
  });

  it("a cancel ends an unaccepted command with its event, its reply and its removal", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    const reply = await broker.bus.expectReply(PLATFORM);
    await appended(
      broker,
      request(command("a", "c", { replyChannel: reply.replyChannel }), 0),
    );
    const [event] = await appended(broker, cancellation("a", 1, "c"));
    assertEquals(await reply.ended, event);
    assertEquals(await broker.bus.inFlight(), []);
    assertEquals(await ids(worker.take(1, 0)), []);
    assertEquals(await worker.accept("c"), { kind: "refused", reason: "ended" });
  });

  it("a cancel that comes after the accept is a conflict, and changes nothing", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    const outcome = await broker.log.append(cancellation("a", 1, "start-a"));
    assertEquals(outcome.kind === "conflict" && outcome.missed.map((event) => event.type), [
      "CommandAccepted",
    ]);
    const again = await broker.log.append(cancellation("a", 2, "start-a"));
    assertEquals(again, { kind: "conflict", version: 2, missed: [] });
    assertEquals((await broker.bus.inFlight()).length, 1);
  });

  it("a cancel and an accept at once: exactly one of them wins", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    for (let n = 0; n < 20; n++) {
      await appended(broker, request(command(`i-${n}`, `c-${n}`), 0));
      const cancel = () => broker.log.append(cancellation(`i-${n}`, 1, `c-${n}`));
      const accept = () => worker.accept(`c-${n}`);
      const [first, second] = await Promise.all(
        n % 2 ? [cancel(), accept()] : [accept(), cancel()],
      );
      const won = [first, second].filter(({ kind }) => kind === "appended" || kind === "accepted");
      assertEquals(won.length, 1, JSON.stringify([first, second]));
    }
  });

  it("a forced end also ends an accepted command, and the worker hears of it", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a");
    await appended(broker, cancellation("a", 2, "start-a", "always"));
    assertEquals(await broker.bus.inFlight(), []);
    assertEquals(await worker.complete("start-a", 1, success("StartInstanceCommand", "a")), {
      kind: "refused",
      reason: "ended",
    });
  });

  it("a command expires when its time is over, not before", async ({ broker, advance }) => {
    const reply = await broker.bus.expectReply(PLATFORM);
    const sent = command("a", "c", { acceptWithinMs: 300, replyChannel: reply.replyChannel });
    await appended(broker, request(sent, 0));
    const early = await broker.log.append(cancellation("a", 1, "c", "due"));
    assert(early.kind === "notDue" && early.dueInMs > 0 && early.dueInMs <= 300);
    await advance(350);
    const [event] = await appended(broker, cancellation("a", 1, "c", "due"));
    assertEquals(event!.type, "CommandExpired");
    assertEquals(await reply.ended, event);
    assertEquals(await broker.bus.inFlight(), []);
  });

  it("an accepted command does not expire", async ({ broker, advance }) => {
    const worker = await joined(broker, "w1");
    await startedBy(broker, worker, "a", { acceptWithinMs: 200 });
    await advance(300);
    const outcome = await broker.log.append(cancellation("a", 2, "start-a", "due"));
    assertEquals(outcome.kind, "conflict");
  });

  it("one append ends a start and sends the stop in its place", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    await appended(broker, request(command("a", "start"), 0));
    const stop = command("a", "stop", { type: "StopInstanceCommand", generation: 2 });
    await appended(
      broker,
      cancellation("a", 1, "start", "unaccepted", { commands: [stop], generation: 2 }),
    );
    assertEquals(await ids(worker.take(9, 0)), ["stop"]);
  });

  it("one failed condition keeps the whole batch from being written", async ({ broker, advance }) => {
    await appended(broker, request(command("a", "short", { acceptWithinMs: 100 }), 0));
    await appended(broker, request(command("a", "long"), 1));
    await advance(150);
    const both = cancellation("a", 2, "short", "due", {
      commands: [command("a", "new")],
      ends: [
        { commandId: "short", eventIndex: 0, condition: "due" },
        { commandId: "long", eventIndex: 0, condition: "due" },
      ],
    });
    assertEquals((await broker.log.append(both)).kind, "notDue");
    const left = (await broker.bus.inFlight()).map((record) => record.command.messageId);
    assertEquals(left, ["short", "long"]);
    assertEquals((await broker.log.history("a", 9)).length, 2);
  });

  it("a question goes to the site that it is for, and comes back with lines", async ({ broker }) => {
    const [one, two] = [
      await joined(broker, "w1", { site: "site-1" }),
      await joined(broker, "w2", { site: "site-2" }),
    ];
    one.serveQueries(async (query) => [`one: ${JSON.stringify(query)}`]);
    two.serveQueries(async (query) => [`two: ${query.instanceId}`, "more"]);
    const query = { type: "logs" as const, instanceId: "a", tailLines: 10 };
    assertEquals(await broker.bus.query("site-2", query, 1_000), ["two: a", "more"]);
    assertEquals(await broker.bus.query("site-1", query, 1_000), [`one: ${JSON.stringify(query)}`]);
  });

  it("a page of an output comes as it was told; plain lines make a page without a place", async ({ broker }) => {
    const heard: unknown[] = [];
    const page = {
      lines: [
        { stream: "marker" as const, at: 1, kind: "started", text: "run r-1 starts" },
        { stream: "stderr" as const, at: null, between: [1, 2] as [number, number], text: "é" },
        ...Array.from(
          { length: 450 },
          (_, at) => ({ stream: "stdout" as const, at, text: `${at}` }),
        ),
      ],
      cursor: "3.4.5",
      hasMore: true,
    };
    const [newer, older] = [
      await joined(broker, "w1", { site: "site-1" }),
      await joined(broker, "w2", { site: "site-2" }),
    ];
    newer.serveQueries((query) => (heard.push(query), Promise.resolve(page)));
    older.serveQueries(({ tailLines }) => Promise.resolve([`the last ${tailLines}`]));
    const reading = { cursor: "1.2.3", stream: "stderr" as const, waitMs: 50 };
    assertEquals(await broker.bus.readLogs("site-1", "a", reading), page);
    assertEquals(heard, [{ type: "logs", instanceId: "a", tailLines: 200, reading }]);
    assertEquals(await broker.bus.readLogs("site-2", "a", { tail: 7 }), {
      lines: [{ stream: "stdout", at: null, text: "the last 7" }],
      cursor: null,
      hasMore: false,
    });
  });

  it("whoever reads an output and goes away waits no longer", async ({ broker }) => {
    const worker = await joined(broker, "w1");
    worker.serveQueries(() => new Promise(() => {}));
    const leaving = new AbortController();
    const reading = broker.bus.readLogs("site-1", "a", { waitMs: 10_000 }, leaving.signal);
    leaving.abort();
    assertEquals((await reading).lines, []);
  });

  it("a site that does not answer in time is unreachable", async ({ broker, advance }) => {
    const query = { type: "logs" as const, instanceId: "a", tailLines: 10 };
    const silent = await joined(broker, "w1");
    silent.serveQueries(() => new Promise(() => {}));
    for (const site of ["site-1", "nowhere"]) {
      const asking = assertRejects(() => broker.bus.query(site, query, 200), OperationalError);
      await advance(300);
      const error = await asking;
      assertEquals([error.code, error.retryable], ["site_unreachable", true]);
    }
  });
}

/** Redis publishes a reply and an event on different channels: there the order is up to the reader. */
function technologyFoldsFirst(technology: string): boolean {
  return technology === "memory" || technology === "sqlite";
}

async function ids(taking: Promise<{ messageId: string }[]>): Promise<string[]> {
  return (await taking).map((taken) => taken.messageId);
}
