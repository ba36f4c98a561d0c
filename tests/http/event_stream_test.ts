/** The event stream: in order, without gaps, at the client's pace, and over when it should be. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { HistoryBreak } from "../../actors/system_port.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { Clock } from "../../events/clock.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { comparePositions } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import { createHttpApp } from "../../http/app.ts";
import { apiClient, assertProblem, type Fetching } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { until } from "./support/until.ts";
import { EventReader, type ServerSentEvent } from "./support/event_reader.ts";
import { recorded, scriptedSystem } from "./support/scripted_system.ts";

async function open(app: Fetching, query = "", headers: Record<string, string> = {}) {
  const response = await app.fetch(
    new Request(`http://localhost/api/events${query}`, { headers }),
  );
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  assertEquals(response.headers.get("cache-control"), "no-store");
  return new EventReader(response);
}

const positionOf = ({ id }: ServerSentEvent) => id.slice(id.indexOf(":") + 1);

Deno.test("a stream begins now, tells where that is, and brings each event with its position", () =>
  withApi(async ({ app, create }) => {
    await create();
    const reader = await open(app);
    const [connected] = await reader.take(1);
    assertEquals(connected?.event, "connected");
    const id = await create();
    const [created] = await reader.take(1);
    assertEquals(created?.event, "InstanceCreated");
    assertEquals([created?.data.instanceId, positionOf(created!)], [id, created?.data.position]);
    assertMatch(created!.id, /^[0-9a-f]{8}:\d+-\d+$/);
    assertMatch(created?.data.at, /^\d{4}-.*Z$/);
    assert(comparePositions(positionOf(connected!), positionOf(created!)) < 0);
    await reader.close();
  }));

Deno.test("a stream from the log's begin brings everything", () =>
  withApi(async ({ app, create }) => {
    const ids = [await create(), await create()];
    const reader = await open(app, "?after=0-0");
    const events = (await reader.take(3)).slice(1);
    assertEquals(events.map((event) => event.data.instanceId), ids);
    await reader.close();
  }));

Deno.test("a client that comes back goes on after its last event, whatever its address says", () =>
  withApi(async ({ app, create }) => {
    for (let at = 0; at < 4; at++) await create();
    const first = await open(app, "?after=0-0");
    const seen = (await first.take(3)).slice(1);
    await first.close();
    const second = await open(app, "?after=0-0", { "last-event-id": seen.at(-1)!.id });
    const rest = (await second.take(3)).slice(1);
    await second.close();
    const positions = [...seen, ...rest].map(positionOf);
    assertEquals(new Set(positions).size, 4);
    assertEquals(positions, [...positions].sort(comparePositions));
  }));

Deno.test("heart-beats come while nothing happens", () =>
  withApi(async ({ app }) => {
    const reader = await open(app);
    await reader.nextComment();
    await reader.close();
  }, { limits: { heartbeatMs: 5 } }));

function eventsOf(count: number): RecordedEvent[] {
  const one = () => newEvent("InstanceConfigured", { changes: { description: "x".repeat(100) } });
  return recorded(Array.from({ length: count }, one));
}

/** A log of some events, which more can be appended to; it counts who has read from it and who listens. */
function logOf(count: number) {
  const events = eventsOf(count);
  const listeners = new Set<(events: RecordedEvent[]) => void>();
  const watchers = new Set<(broken: HistoryBreak) => void>();
  const log = { reads: 0, read: 0, opened: 0 };
  const system = scriptedSystem(null, {
    get position() {
      return events.at(-1)?.position ?? "0-0";
    },
    read(after, limit) {
      log.reads++;
      const page = events.filter(({ position }) => comparePositions(position, after) > 0)
        .slice(0, limit);
      log.read += page.length;
      return Promise.resolve(page);
    },
    observe(listener) {
      log.opened++;
      listeners.add(listener);
      return Promise.resolve({ close: () => void listeners.delete(listener) });
    },
    watchHistory(watcher) {
      watchers.add(watcher);
      return { close: () => void watchers.delete(watcher) };
    },
  });
  return {
    log,
    system,
    listeners,
    watchers,
    append(count = 1) {
      events.push(...eventsOf(events.length + count).slice(events.length));
      for (const listener of [...listeners]) listener(events.slice(-count));
    },
    tell(broken: HistoryBreak) {
      for (const watcher of [...watchers]) watcher(broken);
    },
  };
}

const versions = (messages: readonly ServerSentEvent[]) => messages.map(({ data }) => data.version);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

Deno.test("a slow client gets everything in order, and no more is read for it than it can hold", async () => {
  const { log, system, listeners } = logOf(2_000);
  const app = createHttpApp({ ...apiOptions(system), limits: { eventBufferBytes: 4_000 } });
  const reader = await open(app, "?after=0-0");
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert(log.read < 300, `${log.read} events were read for a client that reads nothing`);
  const events = (await reader.take(2_001)).slice(1);
  assertEquals(versions(events), upTo(2_000));
  await reader.close();
  assertEquals(listeners.size, 0, "the subscription is closed");
});

Deno.test("however many read, what they read is read from the log once", async () => {
  const { log, system, append } = logOf(300);
  const app = createHttpApp(apiOptions(system));
  const readers = await Promise.all(Array.from({ length: 40 }, () => open(app, "?after=0-0")));
  const past = await Promise.all(readers.map((reader) => reader.take(301)));
  for (const events of past) assertEquals(versions(events.slice(1)), upTo(300));
  assert(log.read < 700, `${log.read} events were read, ${log.opened} tails opened`);
  assertEquals(log.opened, 1);
  const before = log.reads;
  append(5);
  const present = await Promise.all(readers.map((reader) => reader.take(5)));
  for (const events of present) assertEquals(versions(events), upTo(305).slice(-5));
  assert(log.reads - before < 10, `it was read ${log.reads - before} times`);
  await Promise.all(readers.map((reader) => reader.close()));
});

Deno.test("a client that goes away leaves no subscription and no timer", async () => {
  const { system, listeners, watchers, append } = logOf(1);
  let timers = 0;
  const clock: Clock = {
    ...hostClock,
    after(delayMs, run) {
      timers++;
      const cancel = hostClock.after(delayMs, () => {
        timers--;
        run();
      });
      return () => {
        timers--;
        cancel();
      };
    },
  };
  const app = createHttpApp({ ...apiOptions(system), clock });
  const reader = await open(app);
  await reader.take(1);
  assertEquals([timers, listeners.size], [1, 1], "the heart-beat's");
  append();
  await reader.take(1);
  await reader.close();
  assertEquals([timers, listeners.size, watchers.size], [0, 0, 0]);
});

Deno.test("a node that shuts down ends its streams", async () => {
  const closing = new AbortController();
  const { system, listeners } = logOf(1);
  const app = createHttpApp({ ...apiOptions(system), closing: closing.signal });
  const reader = await open(app, "?after=0-0");
  await reader.take(2);
  closing.abort();
  assertEquals(await reader.next(), null);
  assertEquals(listeners.size, 0);
  const late = await open(app, "?after=0-0");
  await late.take(1);
  assertEquals(await late.next(), null, "a stream that is asked for then is over at once");
  assertEquals(listeners.size, 0);
});

const PUT_BACK: HistoryBreak = {
  kind: "rollback",
  rollback: { lostEvents: 2, instanceIds: ["i-1"], head: "1-0" },
};

Deno.test("a log that was put back ends the stream with a gap, from which its client can go on", async () => {
  const { system, listeners, watchers, tell } = logOf(3);
  const reader = await open(createHttpApp(apiOptions(system)), "?after=0-0");
  await reader.take(4);
  tell(PUT_BACK);
  const [gap] = await reader.take(1);
  assertEquals([gap?.event, gap?.id, gap?.data.code], ["gap", "1-0", "HISTORY_ROLLBACK"]);
  assertEquals([gap?.data.lostEvents, gap?.data.instanceIds], [2, ["i-1"]]);
  assertEquals(await reader.next(), null, "the stream is over");
  assertEquals([listeners.size, watchers.size], [0, 0]);
});

Deno.test("a client that reads slowly hears of a log that was put back too", async () => {
  const { system, tell } = logOf(200);
  const app = createHttpApp({ ...apiOptions(system), limits: { eventBufferBytes: 2_000 } });
  const reader = await open(app, "?after=0-0");
  await reader.take(2);
  tell(PUT_BACK);
  let last = null;
  for (let next = await reader.next(); next !== null; next = await reader.next()) last = next;
  assertEquals([last?.event, last?.id], ["gap", "1-0"]);
});

Deno.test("an event of a newer release ends the stream with the reason, after what could be read", async () => {
  const { system, watchers, tell } = logOf(2);
  const reader = await open(createHttpApp(apiOptions(system)), "?after=0-0");
  const [, , second] = await reader.take(3);
  const error = new OperationalError("log_from_newer_version", "It is newer.", true, "Upgrade.");
  tell({ kind: "unreadable", error });
  const [last] = await reader.take(1);
  assertEquals([last?.event, last?.id], ["error", second!.id]);
  const { code, detail, hint } = last!.data;
  assertEquals([code, detail, hint], ["log_from_newer_version", "It is newer.", "Upgrade."]);
  assertEquals([await reader.next(), watchers.size], [null, 0]);
});

/** A clock whose timers of one length go off when the test says so. */
function stallingClock(heldMs: number) {
  const held = new Set<() => void>();
  const clock: Clock = {
    ...hostClock,
    after(delayMs, run) {
      if (delayMs !== heldMs) return hostClock.after(delayMs, run);
      held.add(run);
      return () => void held.delete(run);
    },
  };
  const goOff = async () => {
    await until("something is waited for", () => held.size > 0);
    for (const run of [...held]) {
      held.delete(run);
      run();
    }
  };
  return { clock, goOff };
}

const STALL_MS = 60_000;

Deno.test("a client that does not read is told so at the end of what waits for it, and can go on from there", async () => {
  const { system, listeners } = logOf(500);
  const { clock, goOff } = stallingClock(STALL_MS);
  const limits = { eventBufferBytes: 4_000, streamStallMs: STALL_MS };
  const app = createHttpApp({ ...apiOptions(system), clock, limits });
  const reader = await open(app, "?after=0-0");
  await goOff();
  const messages = [];
  for (let next = await reader.next(); next !== null; next = await reader.next()) {
    messages.push(next);
  }
  const last = messages.at(-1)!;
  assertEquals([last.event, last.data.code, last.data.retryable], ["error", "slow_reader", true]);
  assertEquals(last.id, messages.at(-2)!.id);
  const rest = await open(app, "", { "last-event-id": last.id });
  const told = messages.slice(1, -1);
  const [, ...more] = await rest.take(1 + 500 - told.length);
  assertEquals(versions([...told, ...more]), upTo(500));
  await rest.close();
  assertEquals(listeners.size, 0);
});

Deno.test("a client that does not even read that is cut off, and makes room for another", async () => {
  const { system, watchers } = logOf(500);
  const { clock, goOff } = stallingClock(STALL_MS);
  const limits = { eventBufferBytes: 4_000, streamStallMs: STALL_MS, eventStreamsMax: 1 };
  const app = createHttpApp({ ...apiOptions(system), clock, limits });
  const reader = await open(app, "?after=0-0");
  await goOff();
  assertEquals(watchers.size, 1 + 1, "it still has its place");
  await goOff();
  assertEquals(watchers.size, 0);
  await assertRejects(() => reader.take(500), Error, "too slowly");
  await (await open(app)).close();
});

Deno.test("there are only so many streams at once, and a closed one makes room", () =>
  withApi(async ({ app, call }) => {
    const reader = await open(app);
    const answer = await call("GET /api/events");
    assertProblem(answer, 429, "busy");
    assertEquals(answer.headers.get("retry-after"), "5");
    await reader.close();
    await (await open(app)).close();
  }, { limits: { eventStreamsMax: 1 } }));

Deno.test("a position that was cut from the log is a 410, and takes no stream's place", async () => {
  const read = () =>
    Promise.reject(new OperationalError("log_truncated", "Cut before 9-0.", false, "Read anew."));
  const options = apiOptions(scriptedSystem(null, { read }));
  const call = apiClient(createHttpApp({ ...options, limits: { eventStreamsMax: 1 } }));
  for (let time = 0; time < 2; time++) {
    assertProblem(await call("GET /api/events?after=1-0"), 410, "log_truncated");
  }
});

Deno.test("a HEAD opens no stream", async () => {
  const { log, system } = logOf(1);
  const call = apiClient(createHttpApp(apiOptions(system)));
  const answer = await call("HEAD /api/events");
  assertEquals([answer.status, answer.text, log.opened, log.reads], [200, "", 0, 0]);
});
