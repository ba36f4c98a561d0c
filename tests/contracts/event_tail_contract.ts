/** What every tail does: each event after its position, in order, without gaps or repeats, before its answer. */
import { assertEquals, assertRejects } from "@std/assert";
import { type RecordedEvent, START } from "../../events/envelope.ts";
import { appended, batch } from "./broker_samples.ts";
import { eventually, type OpenWorld, testsOver } from "./broker_world.ts";

/** The tests of tailing, over one technology. */
export function eventTailContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("a tail hears the past and then the present, in order, without gaps or repeats", async (world) => {
    const { log } = world.broker;
    for (let n = 0; n < 20; n++) await appended(world.broker, batch("a", n));
    const heard: RecordedEvent[] = [];
    const opening = log.tail(START, (events) => heard.push(...events));
    const appends = Array.from({ length: 200 }, (_, n) => log.append(batch(`b-${n}`, 0)));
    const tail = await opening;
    await Promise.all(appends);
    for (let n = 20; n < 40; n++) await appended(world.broker, batch("a", n));
    await eventually(world, "the tail has heard everything", async () => heard.length >= 240);
    tail.close();
    assertEquals(heard, await log.read(START, 1_000));
  });

  it("a long past is heard completely, also while it grows", async (world) => {
    const { log } = world.broker;
    const events = Array.from({ length: 50 }, () => batch("x", 0).events[0]!);
    for (let n = 0; n < 50; n++) await appended(world.broker, batch(`i-${n}`, 0, { events }));
    const heard: string[] = [];
    const opening = log.tail(START, (some) => heard.push(...some.map((event) => event.position)));
    await Promise.all(Array.from({ length: 20 }, (_, n) => log.append(batch(`j-${n}`, 0))));
    await opening;
    await eventually(world, "the tail has caught up", async () => heard.length >= 2_520);
    assertEquals(heard, (await log.read(START, 5_000)).map((event) => event.position));
  });

  it("a tail begins after its position", async (world) => {
    const positions: string[] = [];
    for (let n = 0; n < 5; n++) {
      positions.push((await appended(world.broker, batch("a", n)))[0]!.position);
    }
    const heard: string[] = [];
    const tail = await world.broker.log.tail(
      positions[2]!,
      (events) => heard.push(...events.map((event) => event.position)),
    );
    await eventually(world, "the rest is heard", async () => heard.length >= 2);
    assertEquals(heard, positions.slice(3));
    tail.close();
  });

  it("a closed tail hears nothing more, and other tails still do", async (world) => {
    const closed: number[] = [];
    const open: number[] = [];
    const tail = await world.broker.log.tail(START, (events) => closed.push(events.length));
    const other = await world.broker.log.tail(START, (events) => open.push(events.length));
    tail.close();
    tail.close();
    await appended(world.broker, batch("a", 0));
    await eventually(world, "the other hears it", async () => open.length === 1);
    assertEquals(closed, []);
    other.close();
  });

  it("a tail that is aborted while it catches up reads no further, and hears nothing live", async (world) => {
    const { log } = world.broker;
    const events = Array.from({ length: 50 }, () => batch("x", 0).events[0]!);
    for (let n = 0; n < 50; n++) await appended(world.broker, batch(`i-${n}`, 0, { events }));
    const enough = new AbortController();
    const heard: number[] = [];
    const tail = await log.tail(START, (some) => {
      heard.push(some.length);
      enough.abort();
    }, enough.signal);
    await appended(world.broker, batch("a", 0));
    assertEquals([heard.length, heard[0]! < 2_500], [1, true], "one batch, and not the whole past");
    tail.close();
  });

  it("an abort closes a live tail, and one that was aborted before hears nothing at all", async (world) => {
    const { log } = world.broker;
    const over = new AbortController();
    const heard: string[] = [];
    const hear = (some: RecordedEvent[]) => heard.push(...some.map((event) => event.instanceId));
    await log.tail(START, hear, over.signal);
    await appended(world.broker, batch("a", 0));
    await eventually(world, "it is heard", async () => heard.length === 1);
    over.abort();
    await appended(world.broker, batch("b", 0));
    await log.tail(START, hear, over.signal);
    await appended(world.broker, batch("c", 0));
    assertEquals(heard, ["a"]);
  });

  it("an event that is heard live is the one that is read later", async (world) => {
    const heard: RecordedEvent[] = [];
    const tail = await world.broker.log.tail(START, (events) => heard.push(...events));
    await appended(world.broker, batch("a", 0, { meta: { requestedBy: "me", requestId: "r" } }));
    await eventually(world, "it is heard", async () => heard.length === 1);
    assertEquals(heard, await world.broker.log.read(START, 10));
    tail.close();
  });

  it("a tail from what is no position fails at once", async ({ broker }) => {
    await assertRejects(() => broker.log.tail("soon", () => {}), Error, "not a position");
  });
}
