/** A change of which nobody knows how it ended: Ctrl-C, a lost answer, a silent server; its key is always told. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hostClock } from "../../adapters/host/host_clock.ts";
import { until } from "../http/support/until.ts";
import { beginDraas, brokenConnection, itemsOf, withCli } from "./support/cli_world.ts";

/** Whose waits are never over: none of them is left behind by what Ctrl-C ends. */
const clock = { ...hostClock, after: () => () => {} };

Deno.test("a creation whose answers are lost tells its key, and is done once with it", () =>
  withCli(async ({ app, draas }) => {
    const fetch = async (request: Request) => {
      await app.fetch(request);
      throw brokenConnection();
    };
    const { code, stdout, stderr } = await draas("create web", { fetch });
    assertEquals([code, stdout], [5, ""]);
    const [, key] = /^error: web: .*\n {2}hint: The same command with --idempotency-key (\S+) /m
      .exec(stderr) ?? [];
    assertEquals((await draas(`create web --idempotency-key ${key}`)).code, 0, stderr);
    assertEquals(itemsOf(await draas("list --json")).length, 1);
  }));

Deno.test("Ctrl-C while a creation waits tells its key and ends with 130", async () => {
  let isAsked = false;
  const silent = {
    fetch() {
      isAsked = true;
      return new Promise<Response>(() => {});
    },
  };
  const run = beginDraas(silent, ["create", "web", "--idempotency-key", "k-1"], { clock });
  await until("it is asked", () => isAsked);
  run.interrupt();
  const { code, stderr } = await run.ended;
  assertEquals(code, 130);
  assertStringIncludes(stderr, "The same command with --idempotency-key k-1 tells how it ended");
});

Deno.test("Ctrl-C while several wait tells the key of each that was asked, and asks no other", () =>
  withCli(async ({ begin, create, app }) => {
    const ids = [await create({ name: "a" }), await create({ name: "b" })];
    let posted = 0;
    const fetch = (request: Request) => {
      if (request.method === "GET") return app.fetch(request);
      posted++;
      return new Promise<Response>(() => {});
    };
    const run = begin(`start ${ids.join(" ")} --parallel 1`, { clock, fetch });
    await until("the first is asked", () => posted === 1);
    run.interrupt();
    const { code, stdout, stderr } = await run.ended;
    assertEquals([code, stdout, posted], [130, "", 1]);
    assertMatch(stderr, new RegExp(`hint: \`draas start ${ids[0]} --idempotency-key \\S+\``));
    assertMatch(stderr, /error: b \(\w+\): Ctrl-C came before; nothing was done\.\n$/);
  }));
