/** `draas list`, `get` and `create` against the real system: what they show, and in which forms. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { itemsOf, withCli } from "./support/cli_world.ts";

Deno.test("an empty fleet is told beside the data, and the data is empty", () =>
  withCli(async ({ draas }) => {
    const { code, stdout, stderr } = await draas("list");
    assertEquals([code, stdout], [0, ""]);
    assertStringIncludes(stderr, "No instances yet");
  }));

Deno.test("list shows each instance in a line, ordered by name", () =>
  withCli(async ({ draas, create }) => {
    const ids = [await create({ name: "web" }), await create({ name: "cache" })];
    const { code, stdout, stderr } = await draas("list");
    assertEquals([code, stderr], [0, ""]);
    const [titles, first, second, ...rest] = stdout.split("\n");
    assertMatch(titles!, /^ID +NAME +STATUS +HEALTH +PLATFORM +RESTARTS +AGE$/);
    assertMatch(
      first!,
      new RegExp(`^${ids[1]!.slice(0, 8)} +cache +Created +unknown +process +0 +0s$`),
    );
    assertStringIncludes(second!, "web");
    assertEquals(rest, [""]);
  }));

Deno.test("JSON and YAML are the same versioned envelope, and --json is -o json", () =>
  withCli(async ({ draas, create }) => {
    const id = await create({ labels: { env: "prod" } });
    const json = JSON.parse((await draas("list -o json")).stdout);
    assertEquals([json.apiVersion, json.kind, json.items.length], ["draas/v1", "InstanceList", 1]);
    assertEquals([json.items[0].id, json.items[0].labels], [id, { env: "prod" }]);
    assertEquals(parse((await draas("list -o yaml")).stdout), json);
    assertEquals(JSON.parse((await draas("list --json")).stdout), json);
    assertEquals(JSON.parse((await draas("-o json list")).stdout), json);
  }));

Deno.test("-o name is one id a line, as other commands take them", () =>
  withCli(async ({ draas, create }) => {
    const ids = [await create({ name: "a" }), await create({ name: "b" })];
    assertEquals((await draas("list -o name")).stdout, `${ids[0]}\n${ids[1]}\n`);
  }));

Deno.test("a list is filtered by status, text and all of several labels", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const [web] = [
      await create({ name: "web", labels: { env: "prod", tier: "front" } }),
      await create({ name: "api", labels: { env: "prod", tier: "back" } }),
    ];
    await draas("start web");
    const ids = async (line: string) => (await draas(`${line} -o name`)).stdout.trim().split("\n");
    assertEquals(await ids("list --status Running"), [web]);
    assertEquals(await ids("list --search WE"), [web]);
    assertEquals(await ids("list -l env=prod -l tier=front"), [web]);
    assertEquals((await ids("list -l env=prod")).length, 2);
  }));

Deno.test("get tells one instance by its lines, and more than a list in JSON", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    await draas("start web");
    const { code, stdout } = await draas("get web");
    assertEquals(code, 0);
    assertMatch(stdout, new RegExp(`^web\n  ID +${id}\n`));
    assertMatch(stdout, /Status +Running, wanted running/i);
    assertMatch(stdout, /Process +pid 12345, port 8080, since/);
    assertEquals(itemsOf(await draas(`get ${id} -o json`))[0].runtimeInfo.processId, "12345");
  }));

Deno.test("create makes an instance from a name and a program", () =>
  withCli(async ({ draas }) => {
    const made = await draas("create cache -l env=prod -o json -- redis-server --port 7001");
    assertEquals([made.code, made.stderr], [0, ""]);
    const [item] = itemsOf(made);
    assertEquals([item.name, item.template, item.labels], ["cache", "command", { env: "prod" }]);
    assertEquals(item.configuration.serverConfiguration, {
      command: ["redis-server", "--port", "7001"],
    });
  }));

Deno.test("create reads YAML or JSON from a file or from the standard input, and flags come before it", () =>
  withCli(async ({ draas }) => {
    const yaml = "name: from-file\nlabels: {a: '1'}\nserverConfiguration:\n  port: 9000\n";
    const [first] = itemsOf(
      await draas("create -f web.yaml --json", { files: { "web.yaml": yaml } }),
    );
    assertEquals([first.name, first.configuration.serverConfiguration.port], ["from-file", 9000]);
    const piped = await draas("create other -l b=2 -f - --json", {
      typed: '{"name":"x","labels":{"a":"1"}}',
    });
    assertEquals([itemsOf(piped)[0].name, itemsOf(piped)[0].labels], ["other", { a: "1", b: "2" }]);
  }));

Deno.test("a program after -- is refused where no name stands before it, also with a file", () =>
  withCli(async ({ draas }) => {
    const files = { "web.yaml": "name: web\ntemplate: command\n" };
    for (const line of ["create -f web.yaml -- node server.js", "create -- node"]) {
      const { code, stderr } = await draas(line, { files });
      assertEquals(code, 2, line);
      assertStringIncludes(stderr, "hint: Say `draas create NAME -- PROGRAM …`");
    }
    assertEquals(itemsOf(await draas("list --json")), []);
    const named = await draas("create web -f web.yaml --json -- node -- server.js", { files });
    assertEquals(itemsOf(named)[0].configuration.serverConfiguration.command, [
      "node",
      "--",
      "server.js",
    ]);
  }));

Deno.test("a path is taken from where the user called, not from where the program is", () =>
  withCli(async ({ draas }) => {
    const files = { "/home/me/web.yaml": "name: web\n" };
    const made = await draas("create -f web.yaml", {
      files,
      environment: { INIT_CWD: "/home/me" },
    });
    assertMatch(made.stdout, /^web created: /);
  }));

Deno.test("a specification with faults is refused with each fault in a line, as called wrongly", () =>
  withCli(async ({ draas }) => {
    const files = { "bad.yaml": "name: web\nserverConfiguration: {port: -1}\nmode: fast\n" };
    const { code, stdout, stderr } = await draas("create -f bad.yaml", { files });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, "error: web: The request is not valid (invalid)\n");
    assertStringIncludes(stderr, "  serverConfiguration.port: ");
    assertStringIncludes(stderr, "  mode: ");
    assertEquals(stderr.split("\n").length, 5, stderr);
  }));

Deno.test("what cannot be read as a specification is said, and nothing is asked", () =>
  withCli(async ({ draas }) => {
    for (
      const [text, words] of [["[1]", "does not hold an object"], [
        "a: b: c",
        "neither JSON nor YAML",
      ]]
    ) {
      const { code, stderr } = await draas("create -f x", { files: { x: text! } });
      assertEquals(code, 2);
      assertStringIncludes(stderr, words!);
    }
    assertEquals((await draas("create")).code, 2);
    assertEquals(itemsOf(await draas("list --json")), []);
  }));

Deno.test("a table on a terminal is coloured and fits; NO_COLOR takes the colours away", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "a-name-".repeat(20) });
    await draas("start --all --yes");
    const shown = await draas("list", { isTerminal: true });
    assertStringIncludes(shown.stdout, "\u001b[32mRunning");
    const bare = await draas("list", { isTerminal: true, environment: { NO_COLOR: "1" } });
    assert(!bare.stdout.includes("\u001b"), bare.stdout);
    assert(bare.stdout.split("\n").every((line) => line.length <= 100), bare.stdout);
    assertStringIncludes(bare.stdout, "…");
  }));
