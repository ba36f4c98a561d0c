/** A copy of a log goes into an empty namespace of a real Redis whole, or not at all; what is half done is known for what it is. */
import { assert, assertEquals } from "@std/assert";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { type CopyPlace, refuseUnfinishedImport } from "../../adapters/redis/copy/copy_link.ts";
import { openRedisCopySource } from "../../adapters/redis/copy/redis_copy_source.ts";
import { START } from "../../events/envelope.ts";
import type { LogCopyTarget } from "../../events/log_copy.ts";
import { appended, batch, joined, running, success } from "../contracts/broker_samples.ts";
import { bodyOf, copyOf, imported, linesOf } from "../support/copied_log.ts";
import {
  aCopy,
  DAY_MS,
  keysOf,
  openOn,
  placeOf,
  refused,
  test,
  withBroker,
} from "./copied_fleet.ts";

/** The first events of a copy are there, and its writer is gone. */
async function halfImport(text: string, place: CopyPlace): Promise<LogCopyTarget> {
  const target = await openOn(place)();
  await target.begin(START);
  const events = linesOf(text).filter((line) => line.startsWith('{"position"')).slice(0, 3);
  await target.addEvents(events.map((line) => {
    const { data, meta, ...event } = JSON.parse(line);
    return { ...event, data: JSON.stringify(data), meta: JSON.stringify(meta), ignorable: false };
  }));
  await target.close();
  return target;
}

test("what waited is offered, what was in hand goes on with its worker, and the log goes on after its end", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  await imported(text, openOn(place), hostClock.now());
  await withBroker(redis, place, async (broker) => {
    const head = await broker.log.head();
    const again = await joined(broker, "w1", { incarnation: "w1-life-2" });
    assertEquals((await again.take(4, 0)).map(({ messageId }) => messageId), ["start-c"]);
    assertEquals(await again.accept("start-b"), { kind: "accepted", attempt: 2, settle: false });
    assertEquals((await again.accept("start-c")).kind, "accepted");
    const done = success("StartInstanceCommand", "b", running("b", "run-b"));
    assertEquals((await again.complete("start-b", 2, done)).kind, "completed");
    const told = await broker.log.read(head, 100);
    assertEquals(told.map(({ type }) => type), [
      "CommandAccepted",
      "CommandAccepted",
      "CommandSucceeded",
    ]);
    assertEquals(told[0]!.version, 4, "the versions go on");
    const standing = await again.standing(["a"]);
    assertEquals(standing.get("a")?.runId, "run-a");
  });
});

test("answers are found under their keys for as long as they would have been, and not longer", async (redis) => {
  const { text } = await aCopy(redis);
  const writtenAt = Number(/"at":(\d+)/.exec(text)![1]);
  const [young, old] = [placeOf(redis), placeOf(redis)];
  await imported(text, openOn(young), writtenAt + DAY_MS - 60_000);
  await imported(text, openOn(old), writtenAt + 2 * DAY_MS);
  const find = (place: CopyPlace) => withBroker(redis, place, ({ log }) => log.findKey("key-b"));
  assertEquals(await find(young), { key: "key-b", digest: "b", instanceId: "b", version: 1 });
  assertEquals(await find(old), null);
});

test("events keep their times, also where positions are none", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  let counted = 0;
  const names = new Map<string, string>();
  const asNumber = (position: string) =>
    names.get(position) ?? names.set(position, `${++counted}-0`).get(position)!;
  const events = linesOf(text).filter((line) => line.startsWith('{"position"'))
    .map((line) => JSON.parse(line));
  const target = await openOn(place)();
  await target.begin(START);
  const moved = events.map(({ position, previous, data, meta, ...event }) => ({
    ...event,
    previous: previous && asNumber(previous),
    position: asNumber(position),
    data: JSON.stringify(data),
    meta: JSON.stringify(meta),
    ignorable: false,
  }));
  await target.addEvents(moved);
  const last = moved.findLast(({ instanceId }) => instanceId === "a")!;
  const record = { generation: 1, run: null, endedRunId: null, completed: null };
  await target.addInstances(
    [{
      ...record,
      instanceId: "a",
      version: last.version,
      last: last.position,
      origin: "1-0",
    }],
    () => [],
  );
  assertEquals(await target.readBack(START, 100), moved);
  await target.publish([]);
  await target.close();
  await withBroker(redis, place, async ({ log }) => {
    const [read, history] = [await log.read(START, 100), await log.history("a", 100)];
    assertEquals(read.map(({ at }) => at), moved.map(({ at }) => at));
    assertEquals(read.map(({ meta }) => meta), events.map(({ meta }) => meta));
    const own = moved.filter(({ instanceId }) => instanceId === "a");
    assertEquals(
      history.map(({ at, position }) => [at, position]),
      own.map(({ at, position }) => [at, position]),
    );
  });
});

test("a namespace that has a log takes no copy, and stays as it is", async (redis) => {
  const { text, place } = await aCopy(redis);
  const before = await keysOf(redis, place);
  const error = await refused(() => imported(text, openOn(place)), "target_not_empty");
  assert(error.message.includes(`namespace ${place.namespace}`), error.message);
  assertEquals(await keysOf(redis, place), before);
  assertEquals((await copyOf(await openRedisCopySource(place))).text, text);
});

test("a namespace where a control plane leads, or a worker lives, takes no copy before they are gone", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  await withBroker(redis, place, async (broker) => {
    await broker.leadership.acquire("node-1", 10_000);
    const led = await refused(() => imported(text, openOn(place)), "target_in_use");
    assert(led.retryable && led.message.includes("node-1"), led.message);
    await broker.leadership.release("node-1");
    const channel = await joined(broker, "w9");
    await channel.heartbeat(0);
    const worked = await refused(() => imported(text, openOn(place)), "target_in_use");
    assert(worked.message.includes("w9"), worked.message);
  });
});

test("who comes while a copy is imported keeps it out, and nothing of it is left", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  const open = async () => {
    const target = await openOn(place)();
    return {
      ...bound(target),
      publish: async () => {
        await withBroker(redis, place, (broker) => appended(broker, batch("x", 0)));
        await target.publish([]);
      },
    };
  };
  await refused(() => imported(text, open), "target_not_empty");
  await withBroker(redis, place, async ({ log }) => {
    assertEquals((await log.read(START, 10)).map(({ instanceId }) => instanceId), ["x"]);
  });
  const left = await keysOf(redis, place);
  assertEquals(left.filter((key) => key.includes(":import")), []);
});

test("an import that was not finished is seen by nobody, keeps programs out, and is begun anew", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  await halfImport(text, place);
  const error = await refused(() => refuseUnfinishedImport(place), "import_unfinished");
  assert(error.message.includes(place.namespace), error.message);
  assert(error.hint.includes("log:import"), error.hint);
  await withBroker(redis, place, async ({ log }) => assertEquals(await log.head(), START));
  await imported(text, openOn(place), hostClock.now());
  await refuseUnfinishedImport(place);
  const left = await keysOf(redis, place);
  assertEquals(left.filter((key) => key.includes(":import")), []);
  assertEquals(bodyOf((await copyOf(await openRedisCopySource(place))).text), bodyOf(text));
});

test("of two imports the later one counts, and the other one says so and leaves nothing", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  const open = async () => {
    const target = await openOn(place)();
    return {
      ...bound(target),
      addWorkers: async () => {
        await imported(text, openOn(place), hostClock.now());
        await target.addWorkers([]);
      },
    };
  };
  await refused(() => imported(text, open), "import_overtaken");
  assertEquals(bodyOf((await copyOf(await openRedisCopySource(place))).text), bodyOf(text));
  const both = placeOf(redis);
  const first = await openOn(both)();
  await first.begin(START);
  const second = await openOn(both)();
  await second.begin(START);
  await refused(
    () => first.addWorkers([{ ...aWorker, workerId: "w1" }]),
    "import_overtaken",
  );
  await first.discard();
  await refused(() => refuseUnfinishedImport(both), "import_unfinished");
  await second.discard();
  await refuseUnfinishedImport(both);
  await Promise.all([first.close(), second.close()]);
  assertEquals(await keysOf(redis, both), [""]);
});

test("a copy that turns out to be damaged leaves the namespace as empty as it was", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  const spoiled = text.replace('"name":"c"', '"name":"d"');
  await refused(() => imported(spoiled, openOn(place)), "copy_damaged");
  assertEquals(await keysOf(redis, place), [""]);
});

test("a snapshot that a former fleet has left is not taken for one of this", async (redis) => {
  const { text } = await aCopy(redis);
  const place = placeOf(redis);
  await withBroker(redis, place, async ({ retention, leadership }) => {
    const fence = await leadership.acquire("node", 10_000);
    await retention.saveSnapshot({ position: "1-0", schema: 1, states: ["{}"] }, fence!);
    await leadership.release("node");
  });
  await imported(text, openOn(place), hostClock.now());
  await withBroker(redis, place, async ({ retention }) => {
    assertEquals(await retention.loadSnapshot(), null);
  });
});

const aWorker = {
  platform: "process",
  site: "s",
  incarnation: "i",
  machineId: "m",
  slots: 1,
  version: "1",
  labels: {},
  registeredAt: 1,
  draining: false,
  left: true,
  forgotten: false,
  lost: false,
  retired: [],
};

/** Its methods as functions, so that a test can put others in their place. */
function bound(target: LogCopyTarget): LogCopyTarget {
  return {
    begin: (begins) => target.begin(begins),
    addEvents: (events) => target.addEvents(events),
    addInstances: (instances, commandsOf) => target.addInstances(instances, commandsOf),
    addCommands: (commands) => target.addCommands(commands),
    addWorkers: (workers) => target.addWorkers(workers),
    readBack: (after, limit) => target.readBack(after, limit),
    publish: (keys) => target.publish(keys),
    discard: () => target.discard(),
    close: () => target.close(),
  };
}
