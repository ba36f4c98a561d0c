/** Which instances a name means: by id, by its beginning, by name; and nothing is done where that is not clear. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { itemsOf, withCli } from "./support/cli_world.ts";

Deno.test("an instance is known by its id, by the beginning of it, and by its name", () =>
  withCli(async ({ draas, create }) => {
    const id = await create({ name: "the web" });
    for (const reference of [id, id.slice(0, 8), "the web"]) {
      assertEquals(itemsOf(await draas(["get", reference, "--json"]))[0].id, id, reference);
    }
  }));

Deno.test("a name that two have is ambiguous: the candidates are listed and nothing is done", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const ids = [await create({ name: "twin" }), await create({ name: "twin" })];
    await create({ name: "other" });
    const { code, stdout, stderr } = await draas("start other twin");
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, '"twin" means 2 instances; nothing was done.');
    for (const id of ids) assertStringIncludes(stderr, `${id.slice(0, 8)} (twin)`);
    const statuses = itemsOf(await draas("list --json")).map(({ status }) => status);
    assertEquals(statuses, ["Created", "Created", "Created"]);
  }));

Deno.test("a name that nobody has is not found, those that are similar are told, and nothing is done", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "web-1" });
    const { code, stdout, stderr } = await draas("start web-1 web");
    assertEquals([code, stdout], [3, ""]);
    assertMatch(
      stderr,
      /^error: There is no instance "web"\.\n {2}hint: Similar: web-1 \(\w{8}\)\.\n$/,
    );
  }));

Deno.test("three characters of an id are too few", () =>
  withCli(async ({ draas, create }) => {
    const id = await create({ name: "web" });
    assertEquals((await draas(`get ${id.slice(0, 3)}`)).code, 3);
  }));

Deno.test("a deleted instance is not found, and who deleted it is told", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    await draas("delete web --yes");
    const { code, stderr } = await draas(`get ${id}`);
    assertEquals(code, 3);
    assertStringIncludes(stderr, "was deleted at");
    assertEquals((await draas("get web")).code, 3);
  }));

Deno.test("one that is named twice is asked once", () =>
  withCli(async ({ draas, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    assertEquals(itemsOf(await draas(`start web ${id} web --json`)).length, 1);
  }));

Deno.test("names, --label and --all are three ways, of which one is taken", () =>
  withCli(async ({ draas }) => {
    for (const line of ["stop", "stop web --all", "stop web -l a=b", "stop --all -l a=b"]) {
      assertEquals((await draas(`${line} --yes`)).code, 2, line);
    }
  }));

Deno.test("names of the world are printed and found as they are, and move no cursor", () =>
  withCli(async ({ draas, create }) => {
    await create({ name: "日本語 \u001b[2J" });
    const { stdout } = await draas("list");
    assertStringIncludes(stdout, "日本語  [2J");
    assertEquals((await draas(["get", "日本語 \u001b[2J"])).code, 0);
  }));
