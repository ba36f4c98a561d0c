/** The lines of docs/wire-protocol.md that are a worker by hand do what the page says. */
import { assert, assertEquals } from "@std/assert";
import { RedisServer } from "../support/redis_server.ts";
import { testWith } from "../support/tools.ts";
import { ForeignWorld } from "./foreign_worker.ts";

const PAGE = Deno.readTextFileSync(new URL("../../docs/wire-protocol.md", import.meta.url));

testWith(
  ["redis-server", "redis-cli", "sh"],
  "the page's worker by hand starts an instance",
  async () => {
    const server = await RedisServer.start();
    const world = await ForeignWorld.open(server);
    try {
      const lines = /```sh\n([^]*?)```/.exec(PAGE)?.[1];
      assert(lines, "the page has the lines");
      const id = await world.create({ command: ["sleep", "1000"] });
      const asked = world.ask(id, { type: "start" }, { timeoutMs: 30_000 });
      await world.heard(id, "StartRequested");
      const { code, stdout, stderr } = await new Deno.Command("sh", {
        args: ["-eu", "-c", lines.replaceAll("{draas:default}", `{draas:${world.namespace}}`)],
        env: { REDIS_URL: server.url },
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assertEquals(code, 0, said);
      const outcome = await asked;
      assert(outcome.kind === "done", `${JSON.stringify(outcome)}\n${said}`);
      assertEquals(outcome.state.context.run?.runtimeInfo?.processId, "12345");
      assertEquals((await world.system.workers())[0]?.draining, true, "it has left");
    } finally {
      await world.close();
      await server.close();
    }
  },
);

Deno.test("the page names every function of a worker, and every schema that it links to is there", () => {
  for (const step of ["register", "heartbeat", "take", "accept", "complete", "observe", "stand"]) {
    assert(PAGE.includes(`| \`${step}\``), step);
  }
  const links = [...PAGE.matchAll(/\]\(((?:schemas|examples)\/[^)]+)\)/g)].map(([, link]) => link);
  assert(links.length > 8);
  for (const link of links) Deno.statSync(new URL(`../../docs/${link}`, import.meta.url));
});
