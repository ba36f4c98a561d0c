/** `draas diff`, `plan`, `apply` and `export` against the real system: what is told, asked and done. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { z } from "zod";
import { until } from "../http/support/until.ts";
import { beginDraas, itemsOf, scriptedApp, withCli } from "./support/cli_world.ts";

const FLEET = `
fleet: shop
bases:
  program:
    template: command
    serverConfiguration:
      command: [server]
      env: { RELEASE: "1" }
instances:
  web: { from: program, count: 5 }
  api: { from: program, labels: { tier: back } }
`;
const files = { "fleet.yaml": FLEET };
const changed = { "fleet.yaml": FLEET.replace('"1"', '"2"').replace("count: 5", "count: 4") };

Deno.test("a difference is told by instance and by field, those that are alike as one", () =>
  withCli(async ({ draas, startWorker }) => {
    await startWorker();
    const first = await draas("diff -f fleet.yaml", { files });
    assertEquals([first.code, first.stdout, first.stderr], [
      0,
      "+ web-1 … web-5 (5): create, start\n+ api: create, start\n",
      "Fleet shop: 6 to create.\n",
    ]);
    assertEquals((await draas("diff -f fleet.yaml --exit-code", { files })).code, 1);
    assertEquals((await draas("apply -f fleet.yaml", { files })).code, 0);
    const same = await draas("diff -f fleet.yaml --exit-code", { files });
    assertEquals([same.code, same.stdout, same.stderr], [0, "", "Fleet shop: 6 unchanged.\n"]);
    const later = await draas("diff -f fleet.yaml --prune", { files: changed });
    assertEquals(
      later.stdout,
      [
        "~ web-1 … web-4 (4): configure, restart; it runs with another serverConfiguration",
        '    serverConfiguration.env.RELEASE: "1" -> "2"',
        "~ api: configure, restart; it runs with another serverConfiguration",
        '    serverConfiguration.env.RELEASE: "1" -> "2"',
        "- web-5: delete; it is not in the file",
        "",
      ].join("\n"),
    );
    assertEquals(later.stderr, "Fleet shop: 5 to change, 1 to delete.\n");
    const kept = await draas("diff -f fleet.yaml", { files: changed });
    assertStringIncludes(kept.stdout, "? web-5: it is not in the file\n");
  }));

Deno.test("a plan lists what is done in its order, and programs get all of it", () =>
  withCli(async ({ draas, startWorker }) => {
    await startWorker();
    await draas("apply -f fleet.yaml", { files });
    const { stdout } = await draas("plan -f fleet.yaml --prune", { files: changed });
    assertEquals(stdout.split("\n")[0]!.split(/ +/), ["#", "INSTANCE", "STEPS", "WHY"]);
    assertMatch(
      stdout,
      /^1 {2}web-1 +configure, restart {2}serverConfiguration.env.RELEASE differs; /m,
    );
    assertMatch(stdout, /^6 {2}web-5 +delete +it is not in the file$/m);
    const answer = await draas("plan -f fleet.yaml -o json", { files: changed });
    const { apiVersion, kind, items } = JSON.parse(answer.stdout);
    assertEquals([apiVersion, kind, items.length], ["draas/v1", "PlanItemList", 6]);
    const [web] = items;
    assertEquals([web.fleet, web.name, web.action, web.steps, web.changes], [
      "shop",
      "web-1",
      "change",
      ["configure", "restart"],
      [{ path: "serverConfiguration.env.RELEASE", before: "1", after: "2" }],
    ]);
  }));

Deno.test("an apply tells each instance as it is done, and nothing to do is no error", () =>
  withCli(async ({ draas, startWorker }) => {
    await startWorker();
    const { code, stdout, stderr } = await draas("apply -f fleet.yaml --parallel 1", { files });
    assertEquals([code, stderr], [0, ""]);
    const lines = stdout.trimEnd().split("\n");
    assertEquals(lines.length, 6);
    assertMatch(lines[0]!, /^web-1 \([0-9a-f]{8}\) created and started \([0-9.]+m?s\)$/);
    const again = await draas("apply -f fleet.yaml", { files });
    assertEquals([again.code, again.stdout, again.stderr], [0, "", "Fleet shop: nothing to do.\n"]);
    const rolled = await draas("apply -f fleet.yaml --max-unavailable 50% -o json", {
      files: changed,
    });
    const items = itemsOf(rolled);
    assertEquals(items.map(({ name, action, outcome }) => `${name} ${action} ${outcome}`).sort(), [
      "api change done",
      "web-1 change done",
      "web-2 change done",
      "web-3 change done",
      "web-4 change done",
      "web-5 extra unchanged",
    ]);
  }));

Deno.test("deletes are asked about with all that is done, and are done only as they were shown", () =>
  withCli(async ({ draas, startWorker, call, app }) => {
    await startWorker();
    await draas("apply -f fleet.yaml", { files });
    const unasked = await draas("apply -f fleet.yaml --prune", { files: changed });
    assertEquals([unasked.code, unasked.stdout], [2, ""]);
    assertStringIncludes(unasked.stderr, "Say --yes");
    const no = await draas("apply -f fleet.yaml --prune", {
      files: changed,
      isTerminal: true,
      typed: "n\n",
    });
    assertEquals(no.code, 1);
    assertStringIncludes(no.stderr, "web-5: delete; it is not in the file");
    assertStringIncludes(
      no.stderr,
      "Apply it, and delete 1 of its instances, with what they have kept? [y/N] ",
    );
    const { json: { items } } = await call("GET /api/server/instances?q=web-5");
    assertEquals(items.length, 1);

    const host = { files: changed, isTerminal: true, typed: "y\n", environment: { NO_COLOR: "1" } };
    // Somebody else is faster than the answer.
    const fetch = async (request: Request) => {
      const isApply = request.url.includes("/apply");
      if (isApply) await call(`POST /api/server/instances/${items[0].id}/stop`);
      return await app.fetch(request);
    };
    const late = await draas("apply -f fleet.yaml --prune", { ...host, fetch });
    assertEquals(late.code, 4);
    assertStringIncludes(late.stderr, "(plan_changed)");
    assertEquals((await call(`GET /api/server/instances/${items[0].id}`)).status, 200);

    const yes = await draas("apply -f fleet.yaml --prune", host);
    assertEquals(yes.code, 0);
    assertMatch(yes.stdout, /^web-5 \(\w{8}\) deleted \(/m);
  }));

Deno.test("a failure is told with its instance and what to do, its code is the call's, and the rest is not begun", () =>
  withCli(async ({ draas, startWorker, platform }) => {
    await startWorker();
    platform.failure = { code: "port_in_use", message: "Port 8080 is in use.", retryable: true };
    const { code, stdout, stderr } = await draas("apply -f fleet.yaml --parallel 1", { files });
    assertEquals([code, stdout], [1, ""]);
    assertMatch(
      stderr,
      /^error: web-1 \(\w{8}\): The command failed \(port_in_use\)\n {2}Port 8080/,
    );
    assertStringIncludes(
      stderr,
      "Nothing was begun with 5 more; apply it again once that is mended.\n",
    );
    platform.failure = null;
    const again = await draas("apply -f fleet.yaml", { files });
    assertEquals([again.code, again.stdout.trimEnd().split("\n").length], [0, 6]);
  }));

Deno.test("where no worker is it ends with the code of a time-out", () =>
  withCli(async ({ draas }) => {
    const { code, stderr } = await draas("apply -f fleet.yaml --timeout 50ms", { files });
    assertEquals(code, 5);
    assertStringIncludes(stderr, "(no_worker)");
  }));

Deno.test("Ctrl-C ends the apply: what was begun goes on, and applied again it does the rest", () =>
  withCli(async ({ draas, begin, startWorker, platform, call }) => {
    await startWorker();
    const opened = Promise.withResolvers<void>();
    platform.gate = opened.promise;
    const run = begin("apply -f fleet.yaml --parallel 1", { files });
    const count = async (query: string) =>
      (await call(`GET /api/server/instances?${query}`)).json.items.length;
    await until("one is being started", async () => await count("status=Starting") === 1);
    run.interrupt();
    const { code, stderr } = await run.ended;
    assertEquals(code, 130);
    assertStringIncludes(stderr, "Ctrl-C ended the waiting");
    opened.resolve();
    await until("what was begun goes on", async () => await count("status=Running") === 1);
    assertEquals(await count(""), 1);
    assertEquals((await draas("apply -f fleet.yaml", { files })).code, 0);
    assertEquals(await count("status=Running"), 6);
  }));

Deno.test("several files and documents of one fleet are one, and each fault is told with file and line", () =>
  withCli(async ({ draas }) => {
    const apart = {
      "bases.yaml":
        "fleet: shop\nbases:\n  program: { template: command, serverConfiguration: { command: [a] } }\n",
      "more.json": '{"fleet": "shop", "instances": {"web": {"from": "program", "count": 2}}}',
    };
    const typed =
      "fleet: shop\ninstances:\n  api: { from: program }\n---\nfleet: other\ninstances: {}\n";
    const { code, stdout, stderr } = await draas("diff -f bases.yaml more.json -f -", {
      files: apart,
      typed,
    });
    assertEquals([code, stdout], [0, "+ web-1, web-2: create, start\n+ api: create, start\n"]);
    assertEquals(stderr, "Fleet shop: 3 to create.\nFleet other: no instances.\n");

    const faulty = {
      "one.yaml": "fleet: shop\ninstances:\n  web:\n    count: many\n    template: command\n",
      "two.yaml": "fleet: shop\ninstances:\n  api:\n    labels: { a.b/c: [] }\n    size: 3\n",
    };
    const refused = await draas("diff -f one.yaml two.yaml", { files: faulty });
    assertEquals([refused.code, refused.stdout], [2, ""]);
    assertEquals(refused.stderr.split("\n").slice(0, 4), [
      "error: The request is not valid (invalid)",
      "  one.yaml:4:5 instances.web.count: must be a whole number from 0 to 5000",
      "  two.yaml:4:15 instances.api.labels.a.b/c: Invalid input: expected string, received array",
      "  two.yaml:5:5 instances.api.size: is not a known field",
    ]);
  }));

Deno.test("what is no YAML, said twice, or no fleet is told line by line, and nothing is asked", async () => {
  const app = scriptedApp([]);
  const asked = {
    "a.yaml": "fleet: shop\ninstances:\n  web: {}\n  web: {}\n",
    "b.yaml": "fleet: [\n",
    "c.yaml": "- web\n",
    "d.yaml": "fleet: x\nmaxUnavailable: 1\ninstances: { web: {}, }\n",
    "e.yaml": "fleet: x\nmaxUnavailable: 2\ninstances:\n  web: {}\n",
    "f.yaml": "# nothing\n",
  };
  const draas = (line: string) => beginDraas(app, line.split(" "), { files: asked }).ended;
  const { code, stderr } = await draas("apply -f a.yaml b.yaml c.yaml d.yaml e.yaml");
  assertEquals(code, 2);
  assertEquals(stderr.split("\n").filter((line) => /\.yaml/.test(line)), [
    "  a.yaml:4:3: Map keys must be unique.",
    "  b.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ].",
    "  c.yaml:1:1: must be an object.",
    "  e.yaml:2:1: maxUnavailable is said at d.yaml:2:1, too.",
    "  e.yaml:4:3: instances.web is said at d.yaml:3:14, too.",
  ]);
  const empty = await draas("diff -f f.yaml");
  assertEquals(empty.code, 2);
  assertStringIncludes(empty.stderr, "f.yaml holds no fleet.");
  assertEquals((await draas("diff")).code, 2);
  assertEquals(app.asked, []);
});

Deno.test("the exported fleet is a file that changes nothing, in every form", () =>
  withCli(async ({ draas, startWorker, create }) => {
    await startWorker();
    await draas("apply -f fleet.yaml", { files });
    await create({ name: "web-1" });
    const { code, stdout } = await draas("export");
    assertEquals(code, 0);
    assert(stdout.startsWith("fleet: shop\ninstances:\n  api:\n    template: command\n"), stdout);
    assertStringIncludes(stdout, "  web:\n    count: 5\n    template: command\n");
    for (const form of ["", " -o json", " -o yaml", " --fleet shop"]) {
      const exported = (await draas(`export${form}`)).stdout;
      const diff = await draas("diff --exit-code --prune -f x", { files: { x: exported } });
      assertEquals([diff.code, diff.stdout], [0, ""], form);
      assertStringIncludes(diff.stderr, "Fleet shop: 6 unchanged.\n");
    }
    assertEquals((await draas("export -o name")).stdout, "shop\nadopted\n");
  }));

Deno.test("what a server of another kind, or a liar, says reaches the terminal as text alone", async () => {
  const evil = "x\u001b[2Jy";
  const item = {
    id: evil,
    name: evil,
    action: evil,
    entry: evil,
    steps: [evil],
    reasons: [evil],
    changes: [{ path: evil, before: evil, after: [evil] }],
  };
  const plan = {
    fleet: evil,
    plan: "p",
    changed: true,
    summary: {},
    items: [item],
    position: "1-0",
  };
  const ended = {
    type: "ended",
    id: evil,
    name: evil,
    action: evil,
    steps: ["create"],
    outcome: "done",
  };
  const lines = [ended, {
    ...ended,
    outcome: "failed",
    problem: { code: evil, detail: evil, title: evil, status: 500 },
  }, { type: "end", outcome: "failed" }];
  const stream = () =>
    new Response(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), {
      headers: { "content-type": "application/x-ndjson" },
    });
  for (const line of ["diff -f fleet.yaml", "plan -f fleet.yaml", "apply -f fleet.yaml"]) {
    const app = scriptedApp([Response.json(plan), ...(line.startsWith("apply") ? [stream()] : [])]);
    const { stdout, stderr } = await beginDraas(app, line.split(" "), { files }).ended;
    assertStringIncludes(stdout, "x [2Jy");
    assert(!`${stdout}${stderr}`.includes("\u001b"), JSON.stringify([stdout, stderr]));
  }
});

Deno.test("the example is a fleet of twenty, by the program as by the published schema", () =>
  withCli(async ({ draas }) => {
    const read = (path: string) =>
      Deno.readTextFileSync(new URL(`../../docs/${path}`, import.meta.url));
    const page = /```yaml\n(.*?)```/s.exec(read("fleet.md"))![1]!;
    const schema = z.fromJSONSchema(JSON.parse(read("schemas/fleet.json")));
    const counts = [];
    for (const text of [read("examples/fleet.yaml"), page]) {
      const { code, stderr } = await draas("diff -f x", { files: { x: text } });
      counts.push([code, stderr]);
      assertEquals(schema.safeParse(parse(text)).error, undefined);
    }
    assertEquals(counts, [
      [0, "Fleet shop: 20 to create.\n"],
      [0, "Fleet shop: 22 to create.\n"],
    ]);
    assert(!schema.safeParse({ fleet: "shop", instances: { web: { count: -1 } } }).success);
  }));
