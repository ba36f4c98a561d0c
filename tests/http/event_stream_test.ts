/** The event stream: in order, without gaps, at the client's pace, and over when it should be. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { HistoryBreak } from "../../actors/system_port.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { comparePositions } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import { newEvent } from "../../events/instance_events.ts";
import { createHttpApp } from "../../http/app.ts";
import { apiClient, assertProblem, type Fetching } from "./support/api_client.ts";
import { apiOptions, withApi } from "./support/api_world.ts";
import { until } from "./support/until.ts";
import { EventReader } from "./support/event_reader.ts";
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

Deno.test("a stream begins now, tells where that is, and brings each event with its position", () =>
  withApi(async ({ app, create }) => {
    await create();
    const reader = await open(app);
    const [connected] = await reader.take(1);
    assertEquals(connected?.event, "connected");
    const id = await create();
    const [created] = await reader.take(1);
    assertEquals(created?.event, "InstanceCreated");
    assertEquals([created?.data.instanceId, created?.data.position], [id, created?.id]);
    assertMatch(created?.data.at, /^\d{4}-.*Z$/);
    assert(comparePositions(connected!.id, created!.id) < 0);
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
    const positions = [...seen, ...rest].map((event) => event.id);
    assertEquals(new Set(positions).size, 4);
    assertEquals(positions, [...positions].sort(comparePositions));
  }));

Deno.test("heart-beats come while nothing happens", () =>
  withApi(async ({ app }) => {
    const reader = await open(app);
    await reader.nextComment();
    await reader.close();
  }, { limits: { heartbeatMs: 5 } }));

type Listener = (events: RecordedEvent[]) => void;

function eventsOf(count: number): RecordedEvent[] {
  const one = () => newEvent("InstanceConfigured", { changes: { description: "x".repeat(100) } });
  return recorded(Array.from({ length: count }, one));
}

/** A log of `count` events whose tail delivers what there is in one batch, and counts its subscribers. */
function logOf(count: number, deliver: (run: () => void) => void = setTimeout) {
  const events = eventsOf(count);
  const log = { opened: 0, closed: 0 };
  const observe = async (listener: Listener, after = "0-0") => {
    log.opened++;
    const batch = events.filter((event) => comparePositions(event.position, after) > 0);
    deliver(() => listener(batch));
    return { close: () => log.closed++ };
  };
  return { log, observe };
}

Deno.test("a slow client gets everything in order while no more than the bound waits for it", async () => {
  const { log, observe } = logOf(200);
  const options = apiOptions(scriptedSystem(null, { observe }));
  const app = createHttpApp({ ...options, limits: { eventBufferBytes: 4_000 } });
  const reader = await open(app, "?after=0-0");
  const events = (await reader.take(201)).slice(1);
  assertEquals(events.map((event) => event.data.version), events.map((_, index) => index + 1));
  assert(log.opened > 5, `it paused and went on ${log.opened} times`);
  await reader.close();
  assertEquals(log.closed, log.opened, "every subscription is closed");
});

Deno.test("a log that delivers before it has given the subscription leaves none open", async () => {
  const { log, observe } = logOf(50, (run) => run());
  const options = apiOptions(scriptedSystem(null, { observe }));
  const app = createHttpApp({ ...options, limits: { eventBufferBytes: 2_000 } });
  const reader = await open(app, "?after=0-0");
  assertEquals((await reader.take(51)).at(-1)?.data.version, 50);
  await reader.close();
  // Some 4 events fill the buffer; it is half empty before the log is asked again.
  assert(log.opened < 30, `it subscribed ${log.opened} times`);
  assertEquals(log.closed, log.opened);
});

Deno.test("what a closed subscription still delivers makes no gap, what comes twice is told once", async () => {
  const [one, two, three] = eventsOf(3) as [RecordedEvent, RecordedEvent, RecordedEvent];
  const listeners: Listener[] = [];
  const observe = async (listener: Listener) => {
    listeners.push(listener);
    return { close: () => {} };
  };
  const options = apiOptions(scriptedSystem(null, { observe }));
  const app = createHttpApp({ ...options, limits: { eventBufferBytes: 200 } });
  const reader = await open(app, "?after=0-0");
  await reader.take(1);
  listeners[0]?.([one]);
  await reader.take(1);
  await until("it subscribes again", () => listeners.length === 2);
  listeners[0]?.([three]);
  listeners[1]?.([one, two]);
  assertEquals((await reader.take(1))[0]?.id, two.position);
  await reader.close();
});

Deno.test("a log that still catches up stops when the client reads slowly, and when it goes away", async () => {
  const [events, asked] = [eventsOf(500), { pages: 0, open: 0 }];
  const observe = async (listener: Listener, after = "0-0", signal?: AbortSignal) => {
    asked.open++;
    const past = events.filter((event) => comparePositions(event.position, after) > 0);
    for (let at = 0; at < past.length && !signal?.aborted; at += 5) {
      asked.pages++;
      listener(past.slice(at, at + 5));
      await new Promise((resolve) => setTimeout(resolve));
    }
    asked.open--;
    return { close: () => {} };
  };
  const options = apiOptions(scriptedSystem(null, { observe }));
  const app = createHttpApp({ ...options, limits: { eventBufferBytes: 4_000 } });
  const reader = await open(app, "?after=0-0");
  await until("it has paused", () => asked.open === 0);
  assert(asked.pages < 10, `it read ${asked.pages} pages for a client that reads nothing`);
  const taken = (await reader.take(101)).slice(1);
  assertEquals(taken.map((event) => event.data.version), taken.map((_, index) => index + 1));
  await reader.close();
  await until("it has stopped", () => asked.open === 0);
  assert(asked.pages < 80, `it read ${asked.pages} pages for a client that has gone`);
});

Deno.test("a client that goes away leaves no subscription and no timer", async () => {
  const { log, observe } = logOf(1);
  let timers = 0;
  const clock = {
    ...hostClock,
    after: () => {
      timers++;
      return () => timers--;
    },
  };
  const options = apiOptions(scriptedSystem(null, { observe }));
  const app = createHttpApp({ ...options, clock });
  const reader = await open(app);
  await reader.take(1);
  assertEquals(timers, 1, "the heart-beat's");
  await reader.close();
  assertEquals([log.opened, log.closed, timers], [1, 1, 0]);
});

Deno.test("a node that shuts down ends its streams", async () => {
  const closing = new AbortController();
  const { log, observe } = logOf(1);
  const options = apiOptions(scriptedSystem(null, { observe }));
  const app = createHttpApp({ ...options, closing: closing.signal });
  const reader = await open(app, "?after=0-0");
  await reader.take(2);
  closing.abort();
  assertEquals(await reader.next(), null);
  assertEquals([log.opened, log.closed], [1, 1]);
  const late = await open(app, "?after=0-0");
  await late.take(1);
  assertEquals(await late.next(), null, "a stream that is asked for then is over at once");
  assertEquals(log.opened, 1);
});

/** A system whose history breaks when it is told to, and that counts who watches it. */
function breakingSystem(delivered: number) {
  const { log, observe } = logOf(delivered);
  const watchers = new Set<(broken: HistoryBreak) => void>();
  const system = scriptedSystem(null, {
    observe,
    watchHistory: (watcher) => {
      watchers.add(watcher);
      return { close: () => void watchers.delete(watcher) };
    },
  });
  const tell = (broken: HistoryBreak) => {
    for (const watcher of [...watchers]) watcher(broken);
  };
  return { log, system, watchers, tell };
}

const PUT_BACK: HistoryBreak = {
  kind: "rollback",
  rollback: { lostEvents: 2, instanceIds: ["i-1"], head: "1-0" },
};

Deno.test("a log that was put back ends the stream with a gap, from which its client can go on", async () => {
  const { log, system, watchers, tell } = breakingSystem(3);
  const reader = await open(createHttpApp(apiOptions(system)), "?after=0-0");
  await reader.take(4);
  tell(PUT_BACK);
  const [gap] = await reader.take(1);
  assertEquals([gap?.event, gap?.id, gap?.data.code], ["gap", "1-0", "HISTORY_ROLLBACK"]);
  assertEquals([gap?.data.lostEvents, gap?.data.instanceIds], [2, ["i-1"]]);
  assertEquals(await reader.next(), null, "the stream is over");
  assertEquals([log.opened - log.closed, watchers.size], [0, 0]);
});

Deno.test("a client that reads slowly hears of a log that was put back too", async () => {
  const { system, tell } = breakingSystem(200);
  const app = createHttpApp({ ...apiOptions(system), limits: { eventBufferBytes: 2_000 } });
  const reader = await open(app, "?after=0-0");
  await reader.take(2);
  tell(PUT_BACK);
  let last = null;
  for (let next = await reader.next(); next !== null; next = await reader.next()) last = next;
  assertEquals([last?.event, last?.id], ["gap", "1-0"]);
});

Deno.test("an event of a newer release ends the stream with the reason, after what could be read", async () => {
  const { system, watchers, tell } = breakingSystem(2);
  const reader = await open(createHttpApp(apiOptions(system)), "?after=0-0");
  await reader.take(3);
  const error = new OperationalError("log_from_newer_version", "It is newer.", true, "Upgrade.");
  tell({ kind: "unreadable", error });
  const [last] = await reader.take(1);
  assertEquals([last?.event, last?.id], ["error", "2-0"]);
  const { code, detail, hint } = last!.data;
  assertEquals([code, detail, hint], ["log_from_newer_version", "It is newer.", "Upgrade."]);
  assertEquals([await reader.next(), watchers.size], [null, 0]);
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
  const observe = () =>
    Promise.reject(new OperationalError("log_truncated", "Cut before 9-0.", false, "Read anew."));
  const options = apiOptions(scriptedSystem(null, { observe }));
  const call = apiClient(createHttpApp({ ...options, limits: { eventStreamsMax: 1 } }));
  for (let time = 0; time < 2; time++) {
    assertProblem(await call("GET /api/events?after=1-0"), 410, "log_truncated");
  }
});

Deno.test("a HEAD opens no stream", async () => {
  const { log, observe } = logOf(1);
  const call = apiClient(createHttpApp(apiOptions(scriptedSystem(null, { observe }))));
  const answer = await call("HEAD /api/events");
  assertEquals([answer.status, answer.text, log.opened], [200, "", 0]);
});
