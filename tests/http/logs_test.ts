/** The output of a server over HTTP: what of it, in which form, and as a stream at the client's pace. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { FollowBegin, FollowedPage, ServerOutput } from "../../actors/system_port.ts";
import { OperationalError } from "../../events/errors.ts";
import type { LogReading, OutputLine } from "../../events/server_output.ts";
import { createHttpApp } from "../../http/app.ts";
import type { HttpOptions } from "../../http/options.ts";
import { type ApiClient, apiClient, assertProblem, type Fetching } from "./support/api_client.ts";
import { apiOptions } from "./support/api_world.ts";
import { EventReader } from "./support/event_reader.ts";
import { scriptedSystem } from "./support/scripted_system.ts";
import { until } from "./support/until.ts";

const LOGS = "/api/server/instances/i-1/logs";
const AT = Date.parse("2026-01-31T12:00:00.000Z");
const LINES: OutputLine[] = [
  { stream: "marker", at: AT, kind: "started", text: "run r-1 starts" },
  { stream: "stdout", at: AT + 1_000, text: "\u001b[32mgreen\u001b[0m" },
  { stream: "stderr", at: null, between: [AT + 1_000, AT + 5_000], text: "plain" },
];

interface LogsApi {
  app: Fetching;
  call: ApiClient;
  readings: LogReading[];
  begins: FollowBegin[];
}

/** An API over an output that tells `pages`, one after the other, and then waits. */
function logsApi(
  pages: (FollowedPage | Error)[] = [],
  limits: HttpOptions["limits"] = {},
): LogsApi & { told(): number; isLeft(): boolean } {
  const readings: LogReading[] = [];
  const begins: FollowBegin[] = [];
  let told = 0;
  let isLeft = false;
  const output: ServerOutput = {
    read: (_id, reading) => {
      readings.push(reading);
      return Promise.resolve({ lines: LINES, cursor: "1.2.3", hasMore: false });
    },
    async *follow(_id, begin, signal) {
      begins.push(begin);
      signal.addEventListener("abort", () => isLeft = true);
      for (const page of pages) {
        if (page instanceof Error) throw page;
        told++;
        yield page;
      }
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  };
  const app = createHttpApp({ ...apiOptions(scriptedSystem(null, { output })), limits });
  return { app, call: apiClient(app), readings, begins, told: () => told, isLeft: () => isLeft };
}

function page(
  lines: OutputLine[],
  position: string,
  end: FollowedPage["end"] = null,
): FollowedPage {
  return { lines, position, end };
}

async function opened(app: Fetching, query: string, headers: Record<string, string> = {}) {
  const response = await app.fetch(new Request(`http://localhost${LOGS}${query}`, { headers }));
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  return new EventReader(response);
}

Deno.test("with time stamps come streams and markers too; colours are kept unless they are not wanted", async () => {
  const { call, readings } = logsApi();
  const { json } = await call(`GET ${LOGS}?timestamps=true&tail=7&stream=stderr&colours=strip`);
  assertEquals(json.items, [
    { stream: "marker", at: "2026-01-31T12:00:00.000Z", kind: "started", text: "run r-1 starts" },
    { stream: "stdout", at: "2026-01-31T12:00:01.000Z", text: "green" },
    {
      stream: "stderr",
      at: null,
      between: ["2026-01-31T12:00:01.000Z", "2026-01-31T12:00:05.000Z"],
      text: "plain",
    },
  ]);
  assertEquals(readings, [{ tail: 7, stream: "stderr" }]);
  const kept = await call(`GET ${LOGS}?stream=stdout`);
  assertEquals(kept.json.items, ["\u001b[32mgreen\u001b[0m", "plain"]);
});

Deno.test("as text, a line has its time and stream before it where they are asked for", async () => {
  const { call } = logsApi();
  const { text } = await call(`GET ${LOGS}?timestamps=true&colours=strip`, {
    headers: { accept: "text/plain" },
  });
  assertEquals(
    text,
    "2026-01-31T12:00:00.000Z marker run r-1 starts\n" +
      "2026-01-31T12:00:01.000Z stdout green\n" +
      "2026-01-31T12:00:05.000Z~ stderr plain\n",
  );
});

Deno.test("since is a time, or how long ago; without a tail it brings all", async () => {
  const { call, readings } = logsApi();
  await call(`GET ${LOGS}?since=2026-01-31T12:00:00Z`);
  const before = Date.now();
  await call(`GET ${LOGS}?since=10m&tail=3`);
  assertEquals(readings[0], { since: AT, tail: 5_000 });
  assertEquals(readings[1]?.tail, 3);
  assert(Math.abs(readings[1]!.since! - (before - 600_000)) < 5_000);
});

Deno.test("every fault of the parameters is named", async () => {
  const { call } = logsApi();
  const answer = await call(
    `GET ${LOGS}?since=yesterday&stream=both&colours=no&tail=9999&follow=maybe`,
    { headers: { "last-event-id": "nonsense" } },
  );
  const { faults } = assertProblem(answer, 400, "invalid") as unknown as {
    faults: { path: string }[];
  };
  assertEquals(faults.map(({ path }) => path).sort(), [
    "?colours",
    "?follow",
    "?since",
    "?stream",
    "?tail",
    "Last-Event-ID",
  ]);
});

Deno.test("a followed output comes page by page, each with the place to go on from", async () => {
  const { app, begins } = logsApi([
    page(LINES, "3.9.0@site-1"),
    page([], "4.9.0@site-1", "deleted"),
  ]);
  const reader = await opened(app, "?follow=true");
  const [first, second, last] = await reader.take(3);
  assertEquals([first?.event, first?.id, first?.data.items.length], ["lines", "3.9.0@site-1", 3]);
  assertEquals(second?.data, { items: [] });
  assertEquals([last?.event, last?.data], ["end", { reason: "deleted" }]);
  assertEquals(await reader.next(), null);
  const again = await opened(app, "?follow=true&stream=stdout", {
    "last-event-id": "3.9.0@site-1",
  });
  await again.close();
  assertEquals(begins, [
    { tail: 200 },
    { tail: 200, stream: "stdout", after: "3.9.0@site-1" },
  ]);
});

Deno.test("a client that goes away ends its query", async () => {
  const { app, isLeft } = logsApi([page(LINES, "3.9.0@site-1")]);
  const reader = await opened(app, "?follow=true");
  await reader.take(1);
  await reader.close();
  await until("the query ends", isLeft);
});

Deno.test("a client that reads nothing is asked for no more, and then let go with a message", async () => {
  const lines = Array.from({ length: 20 }, () => LINES[1]!);
  const many = Array.from({ length: 200 }, (_, at) => page(lines, `${at}.9.0@site-1`));
  const { app, told, isLeft } = logsApi(many, { logBufferBytes: 4_096, streamStallMs: 100 });
  const response = await app.fetch(new Request(`http://localhost${LOGS}?follow=true`));
  const reader = new EventReader(response);
  await until("the client is let go", isLeft);
  const atMost = told();
  let last = await reader.next();
  while (last?.event === "lines") last = await reader.next();
  assertEquals([last?.event, last?.data.code], ["error", "slow_reader"]);
  assertMatch(last!.data.error, /Nothing was read/);
  assertEquals(await reader.next(), null);
  assert(atMost < 20, `${atMost} pages were asked for`);
});

Deno.test("a site that does not answer at the begin is a 503; later it is an error in the stream", async () => {
  const away = new OperationalError("site_unreachable", "No worker.", true, "Start one.");
  const { call } = logsApi([away]);
  assertProblem(await call(`GET ${LOGS}?follow=true`), 503, "site_unreachable");
  const { app } = logsApi([page(LINES, "3.9.0@site-1"), away]);
  const reader = await opened(app, "?follow=true");
  const [, last] = await reader.take(2);
  assertEquals([last?.event, last?.data], ["error", { code: "query_failed", error: "No worker." }]);
});

Deno.test("there are no more streams of output than may be, and a closed one makes room", async () => {
  const { app, call } = logsApi([page(LINES, "3.9.0@site-1")], { logStreamsMax: 1 });
  const reader = await opened(app, "?follow=true");
  assertProblem(await call(`GET ${LOGS}?follow=true`), 429, "busy");
  await reader.close();
  await (await opened(app, "?follow=true")).close();
});
