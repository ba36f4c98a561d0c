/** The example that tells another server of the fleet's events, as its page says it is used. */
import { assertEquals } from "@std/assert";
import { until, withProgram } from "./program.ts";
import { testWith } from "../support/tools.ts";

const EXAMPLE = new URL("../../docs/examples/webhook.mjs", import.meta.url).pathname;

testWith(
  ["node"],
  "the example tells another server of every event, in order, over its own end and a failure there",
  () =>
    withProgram(async ({ url, dataDir, create }) => {
      const told: string[] = [];
      let isWell = false;
      const other = Deno.serve({ port: 0, onListen() {} }, async (request) => {
        const { position } = await request.json();
        if (!isWell) return new Response(null, { status: 503 });
        told.push(position);
        return new Response();
      });
      const place = `${dataDir}/place`;
      const begin = () =>
        new Deno.Command("node", {
          args: [EXAMPLE, `http://127.0.0.1:${other.addr.port}/hook`, place],
          env: { DRAAS_URL: url },
          stdout: "null",
          stderr: "null",
        }).spawn();
      const first = begin();
      await create({ name: "a" });
      isWell = true;
      await until("the first event", () => Promise.resolve(told.length === 1));
      await until("its place", async () => (await Deno.readTextFile(place)).endsWith(told[0]!));
      first.kill("SIGKILL");
      await first.status;
      await create({ name: "b" });
      const second = begin();
      await until("the second event", () => Promise.resolve(told.length === 2));
      second.kill("SIGKILL");
      await second.status;
      await other.shutdown();
      assertEquals(told, [...new Set(told)].sort((a, b) => parseInt(a) - parseInt(b)));
    }),
);
