/** A copy of a log in a real Redis, taken beside the fleet that uses it: one moment, whole, and the same wherever it is put. */
import { assert, assertEquals } from "@std/assert";
import { writeCopy } from "../../actors/log_copy/copy_writer.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { openRedisCopySource } from "../../adapters/redis/copy/redis_copy_source.ts";
import { START } from "../../events/envelope.ts";
import { newEvent } from "../../events/instance_events.ts";
import { initialState, storedState } from "../../machines/evolve.ts";
import {
  appended,
  batch,
  command,
  created,
  joined,
  request,
  running,
  success,
} from "../contracts/broker_samples.ts";
import { bodyOf, copyOf, imported, linesOf } from "../support/copied_log.ts";
import { aCopy, openOn, placeOf, refused, test, withBroker } from "./copied_fleet.ts";

test("a copy of a fleet in Redis is the same in another namespace, to the last byte of its lines", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  await imported(text, openOn(place), hostClock.now());
  const back = await copyOf(await openRedisCopySource(place));
  assertEquals(bodyOf(back.text), bodyOf(text));
  assert(text.includes('"ignorable":true'), "the event that may be ignored still may");
});

test("a log that was cut begins where it began", async (redis) => {
  const from = placeOf(redis);
  const head = await withBroker(redis, from, async (broker) => {
    await appended(broker, batch("a", 0, { events: [created("a")] }));
    const state = { ...storedState(initialState("a")) };
    const baseline = batch("a", 1, { events: [newEvent("Baseline", { state })] });
    const [{ position } = { position: START }] = await appended(broker, baseline);
    const fence = await broker.leadership.acquire("node", 10_000);
    assertEquals(await broker.retention.trim(position, fence!), 1);
    await broker.leadership.release("node");
    return position;
  });
  const { text, written } = await copyOf(await openRedisCopySource(from));
  assertEquals([written.header.events, written.header.begins < head], [1, true]);
  const place = placeOf(redis);
  await imported(text, openOn(place), hostClock.now());
  await withBroker(redis, place, async ({ log }) => {
    const error = await refused(() => log.read(START, 1), "log_truncated");
    assert(error.hint.includes(written.header.begins), error.hint);
    assertEquals((await log.read(written.header.begins, 9)).length, 1);
  });
});

test("a copy beside a fleet that works holds one moment of it: its commands are those of its events", async (redis) => {
  const place = placeOf(redis);
  await withBroker(redis, place, async (broker) => {
    let goes = true;
    const work = (async () => {
      const channel = await joined(broker, "w1");
      for (let n = 0; goes; n++) {
        await appended(broker, request(command(`i-${n}`, `start-${n}`), 0));
        await channel.accept(`start-${n}`);
        const info = running(`i-${n}`, `run-${n}`);
        await channel.complete(`start-${n}`, 1, success("StartInstanceCommand", `i-${n}`, info));
      }
    })();
    try {
      for (let copies = 0; copies < 10; copies++) {
        const source = await openRedisCopySource(place);
        if (source.frame.events < 10) {
          await source.close();
          copies--;
          continue;
        }
        const { text, written } = await copyOf(source);
        assertEquals(written.differences, []);
        for (const line of linesOf(text).filter((one) => one.startsWith('{"command"'))) {
          const { command: { command: { messageId }, accepted } } = JSON.parse(line);
          const events = linesOf(text).filter((one) => one.includes(`"${messageId}"`)).join("\n");
          assert(
            events.includes('"StartRequested"') && !events.includes('"CommandSucceeded"'),
            events,
          );
          assertEquals(events.includes('"CommandAccepted"'), accepted !== null);
        }
      }
    } finally {
      goes = false;
      await work;
    }
  });
});

test("progress is told by how many events are done", async (redis) => {
  const { place } = await aCopy(redis);
  const source = await openRedisCopySource(place);
  const told: number[] = [];
  const origin = { release: "1", now: 0 };
  await writeCopy(source, origin, () => Promise.resolve(), (events) => told.push(events));
  await source.close();
  assertEquals(told, [source.frame.events]);
});
