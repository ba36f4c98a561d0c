/** `draas revisions` and `rollback`: what an instance was configured with, and going back to it. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  beginDraas,
  brokenConnection,
  itemsOf,
  scriptedApp,
  withCli,
} from "./support/cli_world.ts";

const CONFIGURATION = { host: "127.0.0.1", port: 8080, logLevel: "info" };

Deno.test("revisions are listed newest first, and what runs is marked; one is shown with its configuration", () =>
  withCli(async ({ draas, call, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    await draas("start web");
    await call(`PUT /api/configuration/instances/${id}`, { body: { port: 8081 } });
    const { code, stdout } = await draas("revisions web");
    assertEquals(code, 0);
    assertMatch(stdout, /^ +REVISION +AGE +SINCE +BY\n +2 +\d+s +\S+.*\n\* +1 +\d+s /);
    assertEquals(itemsOf(await draas("revisions web --json")).map(({ revision }) => revision), [
      2,
      1,
    ]);
    assertEquals((await draas("revisions web -o name")).stdout, "2\n1\n");
    const shown = await draas("revisions web --show 1");
    assertEquals(JSON.parse(shown.stdout), CONFIGURATION);
    assertEquals(itemsOf(await draas("revisions web --show 2 --json"))[0].configuration, {
      port: 8081,
    });
    const few = await draas("revisions web -n 1");
    assertStringIncludes(few.stderr, "There are older ones");
    assertEquals((await draas("revisions web --show 3")).code, 3);
  }));

Deno.test("a rollback makes a new revision, once, and says that what runs is another one", () =>
  withCli(async ({ draas, call, create, startWorker }) => {
    await startWorker();
    const id = await create({ name: "web" });
    await call(`PUT /api/configuration/instances/${id}`, { body: { port: 8081 } });
    await draas("start web");
    const named = `web (${id.slice(0, 8)})`;
    const back = await draas("rollback web --to 1");
    assertEquals([back.code, back.stdout], [
      0,
      `${named} is configured as in revision 1, which makes revision 3; \`draas restart ${
        id.slice(0, 8)
      }\` runs it\n`,
    ]);
    const again = await draas("rollback web --to 1 --json");
    assertEquals(itemsOf(again)[0].outcome, "unchanged");
    await draas("restart web");
    const [{ configuration }] = itemsOf(await draas("get web --json"));
    assertEquals(configuration.serverConfiguration, CONFIGURATION);
    const strange = await draas("rollback web --to 99");
    assertEquals(strange.code, 3);
    assertStringIncludes(strange.stderr, "hint: `draas revisions` lists those that there are.");
    assertEquals((await draas("rollback web")).code, 2);
  }));

Deno.test("the revisions of a deleted instance are listed by its whole id", () =>
  withCli(async ({ draas, create }) => {
    const id = await create({ name: "web" });
    await draas("delete web --yes");
    assertEquals((await draas(`revisions ${id} -o name`)).stdout, "1\n");
  }));

Deno.test("a rollback whose outcome is not known tells how to learn it, and its key", async () => {
  const known = Response.json({ id: "i-1", name: "web", labels: {} });
  const app = scriptedApp([known, ...Array.from({ length: 5 }, brokenConnection)]);
  const { code, stderr } = await beginDraas(app, ["rollback", "i-1", "--to", "3"]).ended;
  assertEquals(code, 5);
  const key = app.asked[1]!.headers.get("idempotency-key");
  assertStringIncludes(stderr, `\`draas rollback i-1 --idempotency-key ${key}\``);
  const answer = Response.json({ id: "i-1", revision: 4, drift: false, changed: true });
  const again = scriptedApp([answer]);
  const line = ["rollback", "i-1", "--to", "3", "--idempotency-key", key!];
  assertEquals((await beginDraas(again, line).ended).code, 0);
  assertEquals(again.asked[0]!.headers.get("idempotency-key"), key);
});
