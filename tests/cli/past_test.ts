/** `draas why` and `at`: the chain in words, and what an instance was, also of one that is gone. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { itemsOf, withCli } from "./support/cli_world.ts";

Deno.test("why tells in one sentence, link by link, and what comes next", () =>
  withCli(async ({ draas, create, startWorker, platform }) => {
    await startWorker();
    const id = await create({ name: "web" });
    platform.failure = { code: "binary_missing", message: "No such program.", retryable: false };
    assertEquals((await draas("start web")).code, 1);
    const { code, stdout, stderr } = await draas("why web");
    assertEquals([code, stderr], [0, ""]);
    const [first, ...links] = stdout.trimEnd().split("\n");
    assertStringIncludes(
      first!,
      `web (${id.slice(0, 8)}): It is Failed: an anonymous caller asked to start it;`,
    );
    assertEquals(links.map((line) => line.trim().split(/ +/)[1]), [
      "request",
      "command",
      "accept",
      "answer",
      "policy",
    ]);
    assertMatch(links[0]!, /^ {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}request {2}An anonymous caller/);
    const [item] = itemsOf(await draas("why web --json"));
    assertEquals([item.id, item.status, item.next], [id, "Failed", []]);
    assertStringIncludes((await draas("why web -o wide")).stdout, "Z  v2  request");
  }));

Deno.test("what is owed is told under Next", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    await draas("start web --no-wait");
    const { stdout } = await draas("why web");
    assertMatch(stdout, /\n {2}Next:\n {2}\S+Z +expire +The command ends at /);
  }));

Deno.test("at tells what it was after a version or at a time, and by which event", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    await create({ name: "web" });
    await draas("start web");
    const before = await draas("at web --version 1");
    assertEquals(before.code, 0, before.stderr);
    assertMatch(before.stdout, /^After InstanceCreated by anonymous \(version 1\) at \S+Z:\nweb\n/);
    assertMatch(before.stdout, /\n {2}Status +Created, wanted stopped\n/);
    const [now] = itemsOf(await draas("at web --at 0s --json"));
    assertEquals([now.status, now.event.type], ["Running", "CommandSucceeded"]);
    const [then] = itemsOf(await draas(`at web --at ${now.createdAt} -o json`));
    assertEquals(then.status, "Created");
    assertMatch((await draas("at web --version 1 -o wide")).stdout, /^ID +NAME +STATUS/);
  }));

Deno.test("both tell of an instance that was deleted, by its whole id", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    await draas("delete web --yes");
    assertStringIncludes((await draas(`why ${id}`)).stdout, "asked to delete it");
    assertEquals(itemsOf(await draas(`at ${id} --version 1 --json`))[0].status, "Created");
    assertEquals((await draas("why web")).code, 3);
  }));

Deno.test("a moment that was not, is not yet, or is not said, is refused with what to do", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web" });
    const wrong: [string, number, string][] = [
      ["at web", 2, "which moment is meant"],
      ["at web --version 1 --at 10m", 2, "two ways to say one thing"],
      ["at web --at yesterday", 2, "or how long ago: 90s, 10m, 2h, 7d"],
      ["at web --at 2026-13-41T99:00Z", 2, "a time such as"],
      ["at web --version 9", 3, "hint: `draas events` shows what it has been through"],
      ["at web --at 7d", 3, "There was no instance"],
      ["at web --version", 2, "argument missing"],
    ];
    for (const [line, code, words] of wrong) {
      const end = await draas(line);
      assertEquals([end.code, end.stdout], [code, ""], line);
      assertStringIncludes(end.stderr, words);
    }
  }));

Deno.test("the release is the program's first word alone, as `at --version` asks for something else", () =>
  withCli(async ({ draas }) => {
    assertEquals((await draas("--version")).stdout, "0.0.0-cli\n");
    assertEquals((await draas("-V")).stdout, "0.0.0-cli\n");
    assertEquals((await draas("list --version")).code, 2);
    assertStringIncludes((await draas("--help")).stdout, "-V, --version");
  }));
