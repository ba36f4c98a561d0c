/** The client of the API: what it sends again and what it does not, and what it makes of answers that are not ours. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hostIds } from "../../adapters/host/host_chance.ts";
import { OperationalError } from "../../events/errors.ts";
import { RemoteClient } from "../../http/client/remote_client.ts";
import { RemoteProblem } from "../../http/client/remote_problem.ts";
import { ManualClock, settled } from "../adapters/manual_clock.ts";
import { withApi } from "./support/api_world.ts";
import { until } from "./support/until.ts";

const TOKEN = "a-token-nobody-must-see";
const WISH = { key: "k1", wait: true };

interface Asked {
  method: string;
  path: string;
  headers: Headers;
}

/** A client whose server answers with `answers`, one after the other; every wait is over as soon as it begins. */
function clientOf(answers: readonly (Response | Error)[]) {
  const asked: Asked[] = [];
  const waits: number[] = [];
  const clock = new ManualClock();
  const waiting = [...answers];
  const client = new RemoteClient({
    url: "http://127.0.0.1:4700",
    token: TOKEN,
    fetch: ({ method, url, headers }) => {
      asked.push({ method, path: url.replace("http://127.0.0.1:4700", ""), headers });
      const answer = waiting.shift();
      if (answer === undefined) throw new Error("no answer is left");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after(delayMs, run) {
        // The limit of a request is a timer, too; that one is never over here.
        if (delayMs > 20_000) return () => {};
        waits.push(delayMs);
        queueMicrotask(run);
        return () => {};
      },
    },
    ids: hostIds,
    randomness: { fraction: () => 0 },
  });
  return { client, asked, waits };
}

const problem = (status: number, members: Record<string, unknown>, retryAfter?: string) =>
  new Response(JSON.stringify({ title: "Title", detail: "Detail.", hint: "Hint.", ...members }), {
    status,
    headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
  });
const away = (code = "log_unavailable") => problem(503, { code, retryable: true }, "2");
const started = () =>
  Response.json({ message: "", runtimeInfo: {}, changed: true, position: "3-0" });
const refused = () =>
  new TypeError(
    "error sending request for url (http://127.0.0.1:4700/): client error (Connect): tcp connect error: Connection refused (os error 111)",
  );
const lost = () =>
  new TypeError("error sending request for url (http://127.0.0.1:4700/): connection reset");

async function failureOf(work: Promise<unknown>): Promise<OperationalError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OperationalError) return error;
    throw error;
  }
  throw new Error("it was expected to fail");
}

Deno.test("a start is sent again under its key when the connection is refused or the answer is lost", async () => {
  const { client, asked } = clientOf([refused(), lost(), away(), started()]);
  assertEquals((await client.ask("i-1", "start", WISH)).outcome, "done");
  assertEquals(asked.map(({ headers }) => headers.get("idempotency-key")), [
    "k1",
    "k1",
    "k1",
    "k1",
  ]);
  assertEquals(asked[0]!.path, "/api/server/instances/i-1/start");
});

Deno.test("Retry-After is kept to, and a longer one than anybody would wait is left to people", async () => {
  const soon = clientOf([away(), started()]);
  await soon.client.ask("i-1", "start", WISH);
  assertEquals(soon.waits, [2_000]);
  const late = clientOf([problem(503, { code: "log_unavailable", retryable: true }, "3600")]);
  assertEquals((await failureOf(late.client.ask("i-1", "start", WISH))).code, "log_unavailable");
  assertEquals(late.asked.length, 1);
});

Deno.test("nothing is sent without end: five times at most", async () => {
  const every: (() => Response | Error)[] = [refused, lost, () => away()];
  for (const answer of every) {
    const { client, asked } = clientOf(Array.from({ length: 9 }, () => answer()));
    await failureOf(client.ask("i-1", "stop", WISH));
    assertEquals(asked.length, 5);
  }
});

Deno.test("a refusal is not sent again, whatever it is", async () => {
  for (
    const [status, code] of [[404, "not_found"], [409, "conflict"], [
      500,
      "outcome_unknown",
    ]] as const
  ) {
    const { client, asked } = clientOf([problem(status, { code, retryable: true })]);
    const error = await failureOf(client.ask("i-1", "start", WISH));
    assert(error instanceof RemoteProblem);
    assertEquals([error.code, error.status, asked.length], [code, status, 1]);
  }
});

Deno.test("a forget may be something else the second time: only what was not done is sent again", async () => {
  const once = clientOf([lost()]);
  assertEquals((await failureOf(once.client.askWorker("w", "forget", "k"))).code, "answer_lost");
  assertEquals(once.asked.length, 1);
  const unclear = clientOf([away("log_indeterminate")]);
  assertEquals(
    (await failureOf(unclear.client.askWorker("w", "forget", "k"))).code,
    "log_indeterminate",
  );
  const again = clientOf([refused(), away(), Response.json({ id: "w" })]);
  await again.client.askWorker("w", "forget", "k");
  assertEquals(again.asked.length, 3);
});

Deno.test("a wait tells the server how long, less with each attempt, and without a limit nothing", async () => {
  const { client, asked } = clientOf([started(), started(), started()]);
  await client.ask("i-1", "start", { ...WISH, timeoutMs: 5_000 });
  await client.ask("i-1", "start", WISH);
  await client.ask("i-1", "delete", { ...WISH, wait: false, timeoutMs: 5_000 }, { force: true });
  assertEquals(asked.map(({ method, path }) => `${method} ${path}`), [
    "POST /api/server/instances/i-1/start?timeout=5000ms",
    "POST /api/server/instances/i-1/start",
    "DELETE /api/server/instances/i-1?wait=false&force=true",
  ]);
});

/** A client whose server takes every connection and never answers, except with `answer` what it has one for. */
function clientOfSilence(answer: (url: string) => Response | null = () => null) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const client = new RemoteClient({
    url: "http://127.0.0.1:4700",
    token: null,
    fetch: ({ url, signal }) => {
      asked.push(url);
      return answer(url) ??
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
    },
    clock,
    ids: hostIds,
    randomness: { fraction: () => 0 },
  });
  return { client, clock, asked };
}

Deno.test("a server that does not answer is left once the time is over, and asked no second time", async () => {
  const { client, clock, asked } = clientOfSilence();
  const failed = failureOf(client.ask("i-1", "start", { ...WISH, timeoutMs: 5_000 }));
  await settled();
  await clock.advance(15_000);
  const error = await failed;
  assertEquals([error.code, asked.length], ["no_answer", 1]);
  assertStringIncludes(error.message, "no answer within 15 s");
});

Deno.test("a wait without a limit of its own is left after five minutes", async () => {
  const { client, clock } = clientOfSilence();
  const failed = failureOf(client.ask("i-1", "start", WISH));
  await settled();
  await clock.advance(300_000);
  assertEquals((await failed).code, "no_answer");
});

Deno.test("a limit of a list is one for all of its pages", async () => {
  const pages = ["1", "2", "3"].map((nextCursor) => Response.json({ items: [], nextCursor }));
  const { client, clock, asked } = clientOfSilence(() => {
    const page = pages.shift() ?? null;
    if (page !== null) void clock.advance(600);
    return page;
  });
  const failed = failureOf(client.instances({}, 2_000));
  await until("the fourth page is asked for", () => asked.length === 4);
  await clock.advance(200);
  assertEquals((await failed).code, "no_answer");
});

Deno.test("who answers without being DRaaS is told as such: a page, a redirect, an empty error", async () => {
  const page = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  const redirect = () =>
    new Response(null, { status: 302, headers: { location: "http://elsewhere/" } });
  for (const answer of [page, redirect, () => new Response("", { status: 502 })]) {
    const { client, asked } = clientOf([answer()]);
    const error = await failureOf(client.workers());
    assertEquals([error.code, asked.length], ["unexpected_answer", 1]);
    assertStringIncludes(error.hint, "http://127.0.0.1:4700");
  }
});

Deno.test("a server that answers in JSON without being DRaaS is told as such, whatever was asked", async () => {
  const calls: ((client: RemoteClient) => Promise<unknown>)[] = [
    (client) => client.serverVersion(),
    (client) => client.instances(),
    (client) => client.instance("i-1"),
    (client) => client.create({ name: "web" }, "k1"),
    (client) => client.ask("i-1", "start", WISH),
    (client) => client.workers(),
    (client) => client.askWorker("w-1", "drain", "k1"),
    (client) => client.history("i-1", 1),
    (client) => client.logs("i-1", {}),
  ];
  for (const body of ["{}", "", "[]", "null", '"ok"']) {
    for (const call of calls) {
      const error = await failureOf(call(clientOf([new Response(body)]).client));
      assertEquals(error.code, "unexpected_answer", `${call} of ${body}`);
    }
  }
});

Deno.test("the token goes with each request, and into no error", async () => {
  const { client, asked } = clientOf([refused(), refused(), refused(), refused(), refused()]);
  const error = await failureOf(client.workers());
  assertEquals(asked[0]!.headers.get("authorization"), `Bearer ${TOKEN}`);
  assertMatch(
    error.message,
    /^No control plane answers at http:\/\/127\.0\.0\.1:4700: Connection refused\.$/,
  );
  assert(![error.message, error.hint, String(error.cause)].some((text) => text.includes(TOKEN)));
});

Deno.test("a list is read to its last page", () =>
  withApi(async ({ app, create }) => {
    for (let n = 0; n < 7; n++) await create({ name: `i-${n}` });
    const client = new RemoteClient({
      url: "http://localhost:4700",
      token: null,
      // Pages of three instead of as many as there may be.
      fetch: (request) =>
        app.fetch(
          new Request(request.url.replace("limit=500", "limit=3"), { signal: request.signal }),
        ),
      clock: new ManualClock(),
      ids: hostIds,
      randomness: { fraction: () => 0 },
    });
    const names = (await client.instances()).map(({ name }) => name).sort();
    assertEquals(names, ["i-0", "i-1", "i-2", "i-3", "i-4", "i-5", "i-6"]);
  }));
