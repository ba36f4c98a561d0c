/** `draas wait`: reached, in vain, out of time; and over control planes that come and go. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { until } from "../http/support/until.ts";
import {
  beginDraas,
  itemsOf,
  refusedConnection,
  scriptedApp,
  withCli,
} from "./support/cli_world.ts";

Deno.test("it ends with 0 when the status is there, and tells how long it took", () =>
  withCli(async ({ begin, draas, create, startWorker }) => {
    const id = await create({ name: "web" });
    await draas("start web --no-wait");
    const waiting = begin("wait web");
    await startWorker();
    const { code, stdout } = await waiting.ended;
    assertEquals(code, 0);
    assertMatch(stdout, new RegExp(`^web \\(${id.slice(0, 8)}\\) is Running \\(\\S+s\\)\n$`));
    const [item] = itemsOf(await draas("wait web --for stopped,running --json"));
    assertEquals([item.outcome, item.status, item.action], ["reached", "Running", "wait"]);
  }));

Deno.test("it ends with 1 as soon as the status cannot come any more, with the reason", () =>
  withCli(async ({ draas, create, startWorker, platform }) => {
    await startWorker();
    await create({ name: "web" });
    platform.failure = { code: "binary_missing", message: "No such program.", retryable: false };
    await draas("start web");
    const { code, stdout, stderr } = await draas("wait web");
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      /^error: web \(\w{8}\): It is Failed: No such program\.\n {2}hint: `draas why/,
    );
  }));

Deno.test("it ends with 5 when the time is over, of several with their own", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web", labels: { env: "test" } });
    await create({ name: "cache", labels: { env: "test" } });
    await draas("start web");
    const late = await draas("wait web --for Stopped --timeout 20ms");
    assertEquals(late.code, 5);
    assertStringIncludes(late.stderr, "It is still Running.");
    const both = await draas("wait --label env=test --timeout 20ms --json");
    assertEquals(both.code, 5);
    assertEquals(itemsOf(both).map(({ outcome }) => outcome).sort(), ["failed", "reached"]);
    assertEquals((await draas("wait web --for Asleep")).code, 2);
    assertEquals(
      (await draas("wait -l env=none")).code,
      0,
      "of none of them there is nothing to wait for",
    );
  }));

Deno.test("Ctrl-C ends the waiting with 130", () =>
  withCli(async ({ begin }) => {
    let isAsked = false;
    const waiting = begin("wait i-1", {
      fetch: (request) => {
        if (!request.url.includes("/wait")) {
          return known();
        }
        isAsked = true;
        return new Promise<Response>(() => {});
      },
    });
    await until("it waits", () => isAsked);
    waiting.interrupt();
    assertEquals((await waiting.ended).code, 130);
  }));

Deno.test("a control plane that goes away meanwhile is asked again until the time is over", async () => {
  const still = () => verdict("timeout", "It is still Starting.");
  const ending = () =>
    new Response(JSON.stringify({ code: "unavailable", detail: "", retryable: true }), {
      status: 503,
    });
  const refused = Array.from({ length: 5 }, refusedConnection);
  const app = scriptedApp([
    known(),
    still(),
    ending(),
    ...refused,
    verdict("reached", "It is Running."),
  ]);
  const { code, stdout } = await beginDraas(app, ["wait", "i-1"]).ended;
  assertEquals(code, 0, "it was still there in the end");
  assertStringIncludes(stdout, "web (i-1");
  const [, first] = app.asked;
  const asked = new URL(first!.url).searchParams;
  assertEquals(asked.get("status"), "Running");
  assert(
    parseInt(asked.get("timeout")!) <= 50_000,
    "no connection is held for longer than a minute",
  );
});

Deno.test("where nobody answers until the time is over it ends with 6, and a refusal ends it at once", async () => {
  const away = scriptedApp([known(), ...Array.from({ length: 9 }, refusedConnection)]);
  const lost = await beginDraas(away, ["wait", "i-1", "--timeout", "1s"]).ended;
  assertEquals(lost.code, 6);
  const gone = new Response(JSON.stringify({ code: "deleted", detail: "It was deleted." }), {
    status: 410,
  });
  assertEquals((await beginDraas(scriptedApp([known(), gone]), ["wait", "i-1"]).ended).code, 3);
});

/** What is looked up before it is waited for. */
function known(): Response {
  return Response.json({ id: "i-1", name: "web", labels: {} });
}

function verdict(outcome: string, reason: string): Response {
  return Response.json({ outcome, reason, instance: { id: "i-1", status: "Running" } });
}
