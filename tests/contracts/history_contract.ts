/** What every log tells of one instance: its own events, in pages that go on where another ended, for what they hold. */
import { assert, assertEquals } from "@std/assert";
import type { RecordedEvent } from "../../events/envelope.ts";
import { type EventLog, type EventPlace, HISTORY_MAX } from "../../events/event_log.ts";
import { answered, appended, batch } from "./broker_samples.ts";
import { type Broker, type OpenWorld, testsOver } from "./broker_world.ts";

/** Appends to an instance and to its neighbour by turns, until it has that many events. */
async function withEvents(broker: Broker, count: number): Promise<void> {
  const each = 50;
  const events = Array.from({ length: each }, () => answered());
  for (let version = 0; version < count; version += each) {
    await appended(broker, batch("a", version, { events }));
    await appended(broker, batch("b", version, { events }));
  }
}

/** All events of an instance, by pages from its end to its beginning, and how many pages that were. */
async function pagesOf(log: EventLog, limit: number, before?: EventPlace) {
  const events: RecordedEvent[] = [];
  for (let pages = 0;; pages++) {
    const page = await log.history("a", limit, before);
    if (page.length === 0) return { events, pages };
    events.unshift(...page);
    before = page[0]!;
  }
}

/** The tests of histories, over one technology. */
export function historyContract(technology: string, open: OpenWorld): void {
  const it = testsOver(technology, open);

  it("the history of an instance is its own events only, the last ones, oldest first", async ({ broker }) => {
    for (let version = 0; version < 6; version++) {
      await appended(broker, batch("a", version));
      await appended(broker, batch("b", version));
    }
    const { log } = broker;
    const versions = async (...args: Parameters<typeof log.history>) =>
      (await log.history(...args)).map((event) => `${event.instanceId}${event.version}`);
    assertEquals(await versions("a", 100), ["a1", "a2", "a3", "a4", "a5", "a6"]);
    assertEquals(await versions("a", 2), ["a5", "a6"]);
    assertEquals(await versions("a", 2, 5), ["a3", "a4"]);
    assertEquals(await versions("a", 9, 1), []);
    const [, , , fourth] = await log.history("a", 100);
    assertEquals(await versions("a", 2, fourth), ["a2", "a3"], "before an event that was read");
    assertEquals(await versions("a", 9, fourth), ["a1", "a2", "a3"]);
    const [first] = await log.history("a", 100);
    assertEquals(await versions("a", 9, first), []);
  });

  it("a history that is read page by page reads each event once, however long it is", async (world) => {
    const { broker } = world;
    const [count, limit] = [2_000, 50];
    await withEvents(broker, count);
    const readBefore = await world.entriesRead();
    const { events, pages } = await pagesOf(broker.log, limit);
    const read = await world.entriesRead() - readBefore;
    assertEquals(events.map(({ version }) => version), events.map((_, index) => index + 1));
    assertEquals([events.length, pages], [count, count / limit]);
    assert(events.every(({ instanceId }) => instanceId === "a"));
    assert(read <= count + 3 * pages, `it read ${read} entries for ${count} events`);
  });

  it("the largest page holds as many events as it may", async ({ broker }) => {
    await withEvents(broker, HISTORY_MAX + 100);
    const page = await broker.log.history("a", HISTORY_MAX);
    assertEquals([page.length, page[0]!.version], [HISTORY_MAX, 101]);
    const rest = await broker.log.history("a", HISTORY_MAX, page[0]);
    assertEquals(rest.map(({ version }) => version), Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it("what came meanwhile changes no page that goes back from an event", async ({ broker }) => {
    await withEvents(broker, 100);
    const page = await broker.log.history("a", 10);
    await appended(broker, batch("a", 100));
    const { events } = await pagesOf(broker.log, 10, page[0]);
    assertEquals(events.map(({ version }) => version), Array.from({ length: 90 }, (_, n) => n + 1));
  });

  it("a place that is none of this log's tells what lies below its version", async ({ broker }) => {
    await withEvents(broker, 100);
    const { log } = broker;
    const others = await log.history("b", 100);
    const expected = (await log.history("a", 3, 51)).map(({ version }) => version);
    for (const previous of [others[49]!.position, others[10]!.position, "999999999999999-0"]) {
      const page = await log.history("a", 3, { version: 51, previous });
      assert(page.every(({ instanceId }) => instanceId === "a"), previous);
      assertEquals(page.map(({ version }) => version), expected, previous);
    }
  });

  it("a history that goes on before the log's begin is over", async (world) => {
    const { broker } = world;
    await withEvents(broker, 100);
    const { log, retention, leadership } = broker;
    const page = await log.history("a", 30);
    const fence = await leadership.acquire("node", 60_000);
    const baseline = { type: "Baseline", data: { state: {} } } as const;
    for (const id of ["a", "b"]) {
      await appended(broker, batch(id, 100, { events: [baseline] }));
    }
    await retention.trim(page[0]!.position, fence!);
    assertEquals(await log.history("a", 30, page[0]), []);
    assertEquals((await log.history("a", 30, page[10])).length, 10);
  });
}
