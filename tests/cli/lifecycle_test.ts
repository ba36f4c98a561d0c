/** `draas start`, `stop`, `restart`, `move` and `delete` against the real system: results, exit codes, safety. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { itemsOf, withCli } from "./support/cli_world.ts";
import { until } from "../http/support/until.ts";

Deno.test("a start tells the run in one line, and one that runs already is no error", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    const started = await draas("start web");
    assertEquals([started.code, started.stderr], [0, ""]);
    assertMatch(
      started.stdout,
      new RegExp(`^web \\(${id.slice(0, 8)}\\) started: pid 12345, port 8080 \\([0-9.]+m?s\\)\n$`),
    );
    const again = await draas("start web");
    assertEquals([again.code, again.stdout], [0, `web (${id.slice(0, 8)}) runs already\n`]);
  }));

Deno.test("stop and restart say what they did, delete leaves nothing", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web" });
    await draas("start web");
    assertMatch((await draas("restart web")).stdout, /restarted: pid 12345/);
    assertMatch((await draas("stop web")).stdout, /^web \(\w+\) stopped \(/);
    assertMatch((await draas("delete web --yes")).stdout, /^web \(\w+\) deleted \(/);
    assertEquals(itemsOf(await draas("list --json")), []);
  }));

Deno.test("results in JSON are one list with an outcome for each", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    const { apiVersion, kind, items } = JSON.parse((await draas("start web -o json")).stdout);
    assertEquals([apiVersion, kind, items.length], ["draas/v1", "ResultList", 1]);
    const { position, runtimeInfo, ...rest } = items[0];
    assertEquals(rest, { id, name: "web", action: "start", outcome: "done" });
    assertMatch(position, /^\d+-\d+$/);
    assertEquals(runtimeInfo.processId, "12345");
  }));

Deno.test("one that fails ends none of the others: its problem is told, and the code is its own", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "good" });
    await create({ name: "gone" });
    await draas("start good");
    // A start with another body than what runs is a conflict.
    const files = { c: '{"port": 9999}' };
    const { code, stdout, stderr } = await draas("start good gone --config c", { files });
    assertEquals(code, 4);
    assertMatch(stdout, /^gone \(\w+\) started/);
    assertMatch(
      stderr,
      /^error: good \(\w+\): The instance's state does not allow it \(conflict\)\n {2}/,
    );
    assertMatch(stderr, / {2}hint: The instance is Running; allowed now: /);
    const items = itemsOf(await draas("start good gone --config c --json", { files }));
    const failed = items.find(({ name }) => name === "good");
    assertEquals([failed.outcome, failed.problem.code], ["failed", "conflict"]);
  }));

Deno.test("a worker's own failure is told with its code, and is exit code 1", () =>
  withCli(async ({ draas, create, startWorker, platform }) => {
    await startWorker();
    await create({ name: "web" });
    platform.failure = { code: "port_in_use", message: "Port 8080 is in use.", retryable: true };
    const { code, stdout, stderr } = await draas("start web");
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(
      stderr,
      "The command failed (port_in_use)\n  Port 8080 is in use.\n  hint: End what",
    );
  }));

Deno.test("where no worker is, a start ends with the code of a time-out once its time is over", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    const { code, stderr } = await draas("start web --timeout 50ms");
    assertEquals(code, 5, stderr);
    assertStringIncludes(stderr, "hint: `draas workers` shows");
  }));

Deno.test("an outcome that is not settled names the id and the key by which it is fetched", () =>
  withCli(async ({ draas, create, startWorker, platform }) => {
    await startWorker();
    const id = await create({ name: "web" });
    const gate = Promise.withResolvers<void>();
    platform.gate = gate.promise;
    const late = await draas("start web --timeout 100ms");
    assertEquals(late.code, 5, late.stderr);
    const [, again] = /hint: `draas (.*)`, with its other options, tells how it ended/
      .exec(late.stderr) ?? [];
    assertMatch(again ?? late.stderr, new RegExp(`^start ${id} --idempotency-key \\S+$`));
    gate.resolve();
    const fetched = await draas(again!);
    assertEquals(fetched.code, 0, fetched.stderr);
    assertMatch(fetched.stdout, /started: pid 12345/);
    const events = itemsOf(await draas("events web --json"));
    assertEquals(events.filter(({ type }) => type === "StartRequested").length, 1);
  }));

Deno.test("a key fetches the answer of a deletion, though the instance is gone and another has its name", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    assertEquals((await draas(`delete ${id} --yes --idempotency-key k-1`)).code, 0);
    const other = await create({ name: "web" });
    const again = await draas(`delete ${id} --yes --idempotency-key k-1`);
    assertEquals([again.code, again.stderr], [0, ""]);
    assertEquals(itemsOf(await draas("list --json")).map((one) => one.id), [other]);
  }));

Deno.test("a key goes with whole ids alone, and nobody is looked up for it", () =>
  withCli(async ({ draas }) => {
    const fetch = () => {
      throw new Error("nothing is to be asked");
    };
    for (const line of ["stop --all", "stop -l a=b", "stop", ["stop", "two words"]]) {
      const words = typeof line === "string" ? line.split(" ") : line;
      const { code, stderr } = await draas([...words, "--idempotency-key", "k"], { fetch });
      assertEquals(code, 2, stderr);
      assertStringIncludes(stderr, "named by their whole ids");
    }
  }));

Deno.test("--no-wait comes back at once and says where to look", () =>
  withCli(async ({ draas, create, startWorker }) => {
    const id = await create({ name: "web" });
    const { code, stdout } = await draas("start web --no-wait");
    assertEquals([code, stdout], [
      0,
      `web (${id.slice(0, 8)}) was asked to start; \`draas get ${
        id.slice(0, 8)
      }\` shows how it goes\n`,
    ]);
    await startWorker();
    await until(
      "it runs",
      async () => itemsOf(await draas("get web --json"))[0].status === "Running",
    );
  }));

Deno.test("several are done at once, at most as many as --parallel says", () =>
  withCli(async ({ draas, create, startWorker, platform, app }) => {
    await startWorker();
    for (let n = 0; n < 6; n++) await create({ name: `i-${n}` });
    const gate = Promise.withResolvers<void>();
    platform.gate = gate.promise;
    let [present, most] = [0, 0];
    const counted = async (request: Request) => {
      if (request.method === "GET") return await app.fetch(request);
      most = Math.max(most, ++present);
      if (present === 3) gate.resolve();
      const response = await app.fetch(request);
      present--;
      return response;
    };
    const { code, stdout } = await draas("start --all --yes --parallel 3", { fetch: counted });
    assertEquals([code, most, stdout.trim().split("\n").length], [0, 3, 6]);
  }));

Deno.test("what sweeps over the fleet needs --yes where nobody can be asked, and does nothing without", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web", labels: { env: "test" } });
    for (const line of ["start --all", "start -l env=test", "delete web"]) {
      const { code, stdout, stderr } = await draas(line);
      assertEquals([code, stdout], [2, ""], line);
      assertStringIncludes(stderr, "Say --yes if it is meant.");
    }
    assertEquals(itemsOf(await draas("list --json"))[0].status, "Created");
  }));

Deno.test("on a terminal it asks, names whom it means, and only yes is yes", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web" });
    for (const typed of ["", "\n", "n\n", "yeah, no\n"]) {
      const { code, stderr } = await draas("delete web", { isTerminal: true, typed });
      assertEquals(code, 1);
      assertMatch(stderr, /^ {2}web \(\w+\)\nDelete this instance\? \[y\/N\] /);
      assertStringIncludes(stderr, "Nothing was done.");
    }
    assertEquals(itemsOf(await draas("list --json")).length, 1);
    assertEquals((await draas("delete web", { isTerminal: true, typed: "y\n" })).code, 0);
  }));

Deno.test("nobody who is meant is told, and is no error", () =>
  withCli(async ({ draas }) => {
    const { code, stdout, stderr } = await draas("stop --all --yes");
    assertEquals([code, stdout, stderr], [0, "", "No instance is like that; nothing was done.\n"]);
  }));

Deno.test("a stopped instance moves to another platform and stays what it was else", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    const moved = await draas("move web --platform docker --json");
    assertEquals(moved.code, 0, moved.stderr);
    assertEquals([itemsOf(moved)[0].instance.id, itemsOf(moved)[0].instance.platform], [
      id,
      "docker",
    ]);
    assertEquals((await draas("move web --platform docker")).code, 0);
  }));

Deno.test("one that runs is not moved: a conflict; a platform is needed: called wrongly", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web" });
    await draas("start web");
    assertEquals((await draas("move web --platform docker")).code, 4);
    assertEquals((await draas("move web")).code, 2);
    assertEquals((await draas("move web --platform mars")).code, 2);
  }));
