/** A followed stream: read message by message, taken up where it broke, given up when nobody comes back. */
import { assertEquals, assertRejects } from "@std/assert";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { followStream } from "../../http/client/followed_stream.ts";
import { NoAnswer, RemoteProblem } from "../../http/client/remote_problem.ts";
import { type SseMessage, sseMessages } from "../../http/client/sse_messages.ts";

function bodyOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks.map((text) => new TextEncoder().encode(text)));
}

async function all(messages: AsyncIterable<SseMessage>): Promise<SseMessage[]> {
  const found: SseMessage[] = [];
  for await (const one of messages) found.push(one);
  return found;
}

/** A follower whose server answers with `answers`, one after the other; every wait but for silence is over at once. */
function followerOf(answers: readonly (Response | Error)[], signal = new AbortController().signal) {
  const waitsMs: number[] = [];
  const resumedAfter: (string | null)[] = [];
  const waiting = [...answers];
  const messages = followStream({
    url: "http://127.0.0.1:4700",
    token: null,
    fetch: ({ headers }) => {
      resumedAfter.push(headers.get("last-event-id"));
      const answer = waiting.shift() ?? new TypeError("client error (Connect): refused");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    clock: {
      now: () => 0,
      monotonic: () => 0,
      after(delayMs, run) {
        if (delayMs >= 20_000) return () => {};
        waitsMs.push(delayMs);
        queueMicrotask(run);
        return () => {};
      },
    },
    ids: hostIds,
    randomness: { fraction: () => 0 },
  }, { path: "/api/events", query: { after: "now" }, signal });
  return { messages, resumedAfter, waitsMs };
}

const stream = (...chunks: readonly string[]) => new Response(bodyOf(...chunks));

Deno.test("messages are read whatever pieces they come in, and comments are none", async () => {
  const text =
    ': heartbeat\n\nid: 1-0\nevent: A\ndata: {"x":1}\n\nretry: 10\n\nid: 2-0\r\ndata: a\r\ndata: b\r\n\r\n';
  const expected = [
    { id: "1-0", event: "A", data: '{"x":1}' },
    { id: "2-0", event: "message", data: "a\nb" },
  ];
  for (const length of [1, 3, 7, text.length]) {
    const chunks = Array.from(
      { length: Math.ceil(text.length / length) },
      (_, at) => text.slice(at * length, (at + 1) * length),
    );
    assertEquals(await all(sseMessages(bodyOf(...chunks))), expected, `pieces of ${length}`);
  }
});

Deno.test("a message that never ended is not told", async () => {
  assertEquals(await all(sseMessages(bodyOf("id: 1-0\ndata: half"))), []);
});

Deno.test("a stream that ends or breaks goes on after the last message that was read", async () => {
  const leaving = new AbortController();
  const broken = new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("id: 2-0\ndata: b\n\n")),
      pull: (controller) => controller.error(new Error("connection reset")),
    }),
  );
  const { messages, resumedAfter } = followerOf([
    stream("id: 1-0\ndata: a\n\n"),
    broken,
    new TypeError("connection reset"),
    stream("data: without an id\n\nid: 3-0\ndata: c\n\n"),
  ], leaving.signal);
  const read: string[] = [];
  for await (const { data } of messages) {
    read.push(data);
    if (data === "c") leaving.abort();
  }
  assertEquals(read, ["a", "b", "without an id", "c"]);
  assertEquals(resumedAfter, [null, "1-0", "2-0", "2-0"]);
});

Deno.test("a sign of life that says how far the server has read is where the next connection begins", async () => {
  const leaving = new AbortController();
  const { messages, resumedAfter } = followerOf([
    stream("id: 1-0\ndata: a\n\n: heartbeat\nid: 7-0\n\n"),
    stream("id: 8-0\ndata: b\n\n"),
  ], leaving.signal);
  const read: string[] = [];
  for await (const { data } of messages) {
    read.push(data);
    if (data === "b") leaving.abort();
  }
  assertEquals([read, resumedAfter], [["a", "b"], [null, "7-0"]]);
});

Deno.test("a stream that cannot be opened is given up soon, one that was open later", async () => {
  for (const [answers, attempts] of [[[], 5], [[stream("id: 1-0\ndata: a\n\n")], 31]] as const) {
    const { messages, resumedAfter } = followerOf(answers);
    let error: unknown;
    await all(messages).catch((thrown) => error = thrown);
    assertEquals([error instanceof NoAnswer, resumedAfter.length], [true, attempts]);
  }
});

Deno.test("a stream that ends each time before it has told anything is given up, too", async () => {
  const { messages, resumedAfter } = followerOf(Array.from({ length: 9 }, () => stream()));
  let error: unknown;
  await all(messages).catch((thrown) => error = thrown);
  assertEquals([error instanceof NoAnswer, resumedAfter.length], [true, 5]);
});

Deno.test("a refusal ends it at once, unless it says that it passes", async () => {
  const problem = (retryable: boolean) =>
    new Response(
      JSON.stringify({ code: retryable ? "busy" : "log_truncated", detail: "d", retryable }),
      {
        status: retryable ? 429 : 410,
      },
    );
  const { messages, resumedAfter } = followerOf([problem(true), problem(false)]);
  let error: unknown;
  await all(messages).catch((thrown) => error = thrown);
  assertEquals([(error as NoAnswer).code, resumedAfter.length], ["log_truncated", 2]);
});

Deno.test("a stream is not opened again before the time that it was asked to wait, nor where that is long", async () => {
  const limited = (seconds: string) =>
    new Response(JSON.stringify({ code: "rate_limited", detail: "d", retryable: true }), {
      status: 429,
      headers: { "retry-after": seconds },
    });
  const { messages, waitsMs } = followerOf([limited("7"), limited("3600")]);
  await assertRejects(() => all(messages), RemoteProblem, "d");
  assertEquals(waitsMs, [7_000]);
});

Deno.test("a proxy's page in the place of a control plane that begins anew passes, another page does not", async () => {
  const page = (status: number) => new Response("<html>", { status });
  const { messages, resumedAfter } = followerOf([502, 503, 504, 404].map(page));
  let error: unknown;
  await all(messages).catch((thrown) => error = thrown);
  assertEquals([(error as RemoteProblem).status, resumedAfter.length], [404, 4]);
});

Deno.test("a message of many lines without an end is an error before it fills the memory", async () => {
  const lines = `data: ${"x".repeat(1_048_570)}\n`;
  let given = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (given++ < 40) controller.enqueue(new TextEncoder().encode(lines));
      else controller.close();
    },
  });
  await assertRejects(() => all(sseMessages(body)), Error, "has no end");
});

Deno.test("whoever has enough leaves, and the connection is closed", async () => {
  let isClosed = false;
  const endless = new Response(
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("id: 1-0\ndata: a\n\n")),
      cancel: () => void (isClosed = true),
    }),
  );
  const { messages } = followerOf([endless]);
  for await (const { data } of messages) {
    assertEquals(data, "a");
    break;
  }
  assertEquals(isClosed, true);
});
