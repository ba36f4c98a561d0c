/** How `draas` is called: settings, help, misspelt words, exit codes, and that no secret and no stack is ever shown. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { bookOf } from "../http/support/tokens.ts";
import { until } from "../http/support/until.ts";
import {
  beginDraas,
  brokenConnection,
  refusedConnection,
  scriptedApp,
  withCli,
} from "./support/cli_world.ts";

const TOKEN = "a-token-nobody-must-see";

Deno.test("a misspelt command is answered with the one that was meant, a misspelt flag too", () =>
  withCli(async ({ draas }) => {
    const command = await draas("strat web");
    assertEquals([command.code, command.stdout], [2, ""]);
    assertStringIncludes(command.stderr, "Did you mean start?");
    const flag = await draas("list --platfrom docker");
    assertEquals(flag.code, 2);
    assertStringIncludes(flag.stderr, "Did you mean --platform?");
  }));

Deno.test("values of flags are checked before anything is asked, and the right form is told", () =>
  withCli(async ({ draas }) => {
    const wrong: [string, RegExp][] = [
      ["list -o xml", /Allowed choices are table, wide, json, yaml, name/],
      ["start web --timeout 30", /from 1ms to 1h, for example 30s/],
      ["start web --timeout 2h", /from 1ms to 1h/],
      ["start web --parallel 0", /whole number from 1 to 64/],
      ["list -l env", /KEY=VALUE/],
      ["stop -l env=test -l env=prod", /env has one value/],
      ["stop web --idempotency-key ключ", /visible ASCII characters/],
    ];
    const fetch = () => {
      throw new Error("nothing is to be asked");
    };
    for (const [line, words] of wrong) {
      const { code, stderr } = await draas(line, { fetch });
      assertEquals(code, 2, line);
      assertMatch(stderr, words);
    }
  }));

Deno.test("help tells of exit codes and settings, and each command has examples", () =>
  withCli(async ({ draas }) => {
    const help = await draas("--help");
    assertEquals([help.code, help.stderr], [0, ""]);
    for (const text of ["Exit codes:", "DRAAS_URL", "DRAAS_TOKEN", "6  unreachable"]) {
      assertStringIncludes(help.stdout, text);
    }
    assert(!help.stdout.includes("__complete"), "what shells call is not shown");
    const commands = help.stdout.split("Commands:")[1]!.split("Settings:")[0]!
      .matchAll(/^ {2}([a-z]+)/gm);
    for (const [, name] of commands) {
      if (name === "help") continue;
      const { code, stdout } = await draas(`${name} --help`);
      assertEquals(code, 0);
      const examples = stdout.split("Examples:")[1]?.match(/^ {2}\$ /gm) ?? [];
      assert(examples.length >= 2, `${name} has ${examples.length} examples`);
    }
    assertEquals(await draas([]), help, "so does a call without a word");
  }));

Deno.test("a wrong address or token is told by its name, and neither is shown", () =>
  withCli(async ({ draas }) => {
    for (
      const environment of [
        { DRAAS_URL: "ftp://example.com" },
        { DRAAS_URL: "http://me:secret@example.com" },
        { DRAAS_TOKEN: "two secret\nlines" },
      ]
    ) {
      const { code, stderr } = await draas("list", { environment });
      assertEquals(code, 2);
      assertMatch(stderr, /^error: (DRAAS_URL|DRAAS_TOKEN) must be /);
      assert(!stderr.includes("secret"), stderr);
    }
    assertEquals((await draas("list --url nowhere")).code, 2);
  }));

Deno.test("the token is sent, is asked for where it is missing, and is shown nowhere", () =>
  withCli(async ({ draas }) => {
    assertEquals((await draas("list", { environment: { DRAAS_TOKEN: TOKEN } })).code, 0);
    for (const environment of [{}, { DRAAS_TOKEN: `${TOKEN}-wrong` }]) {
      const { code, stdout, stderr } = await draas("list", { environment });
      assertEquals([code, stdout], [1, ""]);
      assertStringIncludes(stderr, "hint: Set DRAAS_TOKEN to a token of this control plane");
      assert(!stderr.includes(TOKEN), stderr);
    }
  }, { tokens: bookOf(TOKEN, "admin") }));

Deno.test("whose role does not allow it is told which one does, with 1", () =>
  withCli(async ({ draas, startWorker }) => {
    await startWorker();
    const environment = { DRAAS_TOKEN: TOKEN };
    const refused = await draas("drain worker-1 --yes", { environment });
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, "This takes the role admin");
    assertStringIncludes(refused.stderr, "hint: Set DRAAS_TOKEN to a token of that role");
  }, { tokens: bookOf(TOKEN, "viewer") }));

Deno.test("who asks too often is asked to wait, waits, and goes on", async () => {
  const limited = () =>
    Response.json({ code: "rate_limited", title: "Too many requests", retryable: true }, {
      status: 429,
      headers: { "retry-after": "1" },
    });
  const answers = [limited(), Response.json({ items: [] })];
  const app = scriptedApp(answers);
  const waits: number[] = [];
  const clock = {
    ...hostClock,
    after(delayMs: number, run: () => void) {
      if (delayMs > 5_000) return () => {};
      waits.push(delayMs);
      queueMicrotask(run);
      return () => {};
    },
  };
  assertEquals((await beginDraas(app, ["workers"], { clock }).ended).code, 0);
  assertEquals([app.asked.length, waits], [2, [1_000]]);
  const always = scriptedApp(Array.from({ length: 5 }, limited));
  const { code, stderr } = await beginDraas(always, ["workers"], { clock }).ended;
  assertEquals([code, always.asked.length], [6, 5]);
  assertStringIncludes(stderr, "hint: Ask again in a while, and less at once (--parallel).");
});

Deno.test("where nobody answers it tries again, says so once, and ends with 6", async () => {
  const app = scriptedApp(Array.from({ length: 9 }, refusedConnection));
  const { code, stdout, stderr } = await beginDraas(app, ["list"]).ended;
  assertEquals([code, stdout, app.asked.length], [6, "", 5]);
  assertEquals(stderr.match(/Trying again/g)?.length, 1);
  assertStringIncludes(
    stderr,
    "error: No control plane answers at http://127.0.0.1:4700: Connection refused.\n  hint: `deno task start`",
  );
});

Deno.test("a start whose answer was lost is sent again under its key, and done once", () =>
  withCli(async ({ app, draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web" });
    let isLost = false;
    const fetch = async (request: Request) => {
      const response = await app.fetch(request);
      if (request.method === "GET" || isLost) return response;
      isLost = true;
      throw brokenConnection();
    };
    const { code, stdout } = await draas("start web", { fetch });
    assertEquals([code, isLost], [0, true]);
    assertMatch(stdout, /started: pid 12345/);
    const { stdout: events } = await draas("events web");
    assertEquals(events.match(/StartRequested/g)?.length, 1);
  }));

Deno.test("the address is a flag's before it is the environment's, with a path before the API's own", async () => {
  const app = scriptedApp([Response.json({ items: [] }), Response.json({ items: [] })]);
  const environment = { DRAAS_URL: "http://one.example/" };
  await beginDraas(app, ["workers"], { environment }).ended;
  await beginDraas(app, ["workers", "--url", "https://two.example/draas/"], { environment }).ended;
  assertEquals(app.asked.map(({ url }) => url), [
    "http://one.example/api/workers?limit=500",
    "https://two.example/draas/api/workers?limit=500",
  ]);
});

Deno.test("a fault of the command line itself is one line to report, not a stack", async () => {
  const app = scriptedApp([Response.json({ items: [{ id: "w", labels: null }] })]);
  const { code, stderr } = await beginDraas(app, ["workers"]).ended;
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^error: A fault in DRaaS itself: .*\n {2}Please report it, with what you did before\.\n$/,
  );
});

Deno.test("while it waits on a terminal it shows that it does, and takes that away again", () =>
  withCli(async ({ begin, create, startWorker, platform }) => {
    await startWorker();
    await create({ name: "web" });
    const gate = Promise.withResolvers<void>();
    platform.gate = gate.promise;
    const run = begin("start web", { isTerminal: true });
    await until("it shows that it waits", () => run.stderr.includes("Starting: 0 of 1 done …"));
    gate.resolve();
    const end = await run.ended;
    assert(end.stderr.endsWith("\r\u001b[K"), JSON.stringify(end.stderr));
    assertEquals(end.code, 0);
  }));
