/** `draas workers`, `drain`, `resume`, `forget`, and `version`, against the real system. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  beginDraas,
  itemsOf,
  refusedConnection,
  scriptedApp,
  withCli,
} from "./support/cli_world.ts";

Deno.test("workers are listed with their state; none is told beside the data", () =>
  withCli(async ({ draas, startWorker }) => {
    const none = await draas("workers");
    assertEquals([none.code, none.stdout], [0, ""]);
    assertStringIncludes(none.stderr, "No workers");
    await startWorker();
    const { code, stdout } = await draas("workers");
    assertEquals(code, 0);
    assertMatch(stdout, /^ID +PLATFORM +STATE +BUSY +VERSION +SEEN +LABELS\n/);
    assertMatch(stdout, /\nworker-1 +process +ready +0\/4 +0\.0\.0-test +\ds +-\n$/);
    assertEquals(itemsOf(await draas("workers --json"))[0].site, "site-1");
    assertEquals((await draas("workers -o name")).stdout, "worker-1\n");
  }));

Deno.test("a worker is drained and resumed, also by the beginning of its id", () =>
  withCli(async ({ draas, startWorker }) => {
    await startWorker();
    const drained = await draas("drain worker");
    assertEquals([drained.code, drained.stdout], [
      0,
      "worker-1 takes no new starts; what it has goes on\n",
    ]);
    assertMatch((await draas("workers")).stdout, / draining /);
    assertEquals((await draas("resume worker-1")).stdout, "worker-1 takes starts again\n");
    assertEquals(itemsOf(await draas("workers --json"))[0].draining, false);
  }));

Deno.test("three characters of a worker's id are too few, none of them are, and a whole id is not", async () => {
  const drained = async (reference: string) => {
    const workers = Response.json({ items: [{ id: "w1" }, { id: "worker-2" }] });
    const app = scriptedApp([workers, Response.json({ id: "w1" })]);
    return (await beginDraas(app, ["drain", reference]).ended).code;
  };
  const codes = await Promise.all(["", "wor", "work", "w1"].map(drained));
  assertEquals(codes, [3, 3, 0, 0]);
});

Deno.test("a worker that is heard is not forgotten, and none without --yes; one that there is not is not found", () =>
  withCli(async ({ draas, startWorker }) => {
    await startWorker();
    assertEquals((await draas("forget worker-1")).code, 2);
    const alive = await draas("forget worker-1 --yes");
    assertEquals(alive.code, 4, alive.stderr);
    assertStringIncludes(alive.stderr, "(worker_alive)");
    assertEquals((await draas("drain nobody")).code, 3);
  }));

Deno.test("a worker that is given up is told with how many instances may start elsewhere", async () => {
  const app = scriptedApp([
    Response.json({ items: [{ id: "w-1" }] }),
    Response.json({ id: "w-1", forgotten: true, instanceIds: ["a", "b"] }),
  ]);
  const { code, stdout } = await beginDraas(app, ["forget", "w-1", "--yes"]).ended;
  assertEquals([code, stdout], [0, "w-1 is forgotten; 2 of its instances may start elsewhere\n"]);
  assertMatch(app.asked[1]!.url, /\/api\/workers\/w-1\/forget$/);
});

Deno.test("version tells both releases; without a control plane its own, and code 6", () =>
  withCli(async ({ draas }) => {
    const both = itemsOf(await draas("version --json"));
    assertEquals(both.map(({ part, version }) => [part, version]), [
      ["client", "0.0.0-cli"],
      ["server", "0.0.0-test"],
    ]);
    const fetch = () => {
      throw refusedConnection();
    };
    const alone = await draas("version -o name", { fetch });
    assertEquals([alone.code, alone.stdout], [6, "0.0.0-cli\n"]);
    assertEquals((await draas("version --client", { fetch })).code, 0);
    assertEquals((await draas("--version", { fetch })).stdout, "0.0.0-cli\n");
  }));
