/** What is done for many is done for some at a time, reading too. */
import { assertEquals } from "@std/assert";
import { READS_AT_ONCE, someAtATime } from "../../cli/fan_out.ts";
import { settled } from "../adapters/manual_clock.ts";
import { beginDraas } from "./support/cli_world.ts";

Deno.test("results stand in the order of what they are of, whichever was done first", async () => {
  const first = Promise.withResolvers<string>();
  const told = await someAtATime(["a", "b", "c"], 2, (one) => {
    if (one === "c") first.resolve("a");
    return one === "a" ? first.promise : Promise.resolve(one);
  });
  assertEquals(told, ["a", "b", "c"]);
});

Deno.test("many that are named are looked up and read eight at a time", async () => {
  for (const command of ["get", "logs", "events"]) {
    let [present, most] = [0, 0];
    const slow = {
      async fetch({ url }: Request) {
        most = Math.max(most, ++present);
        await settled();
        present--;
        const id = new URL(url).pathname.split("/")[4]!;
        return Response.json({ id, name: id, labels: {}, items: [], position: "1-0" });
      },
    };
    const ids = Array.from({ length: 20 }, (_, n) => `i-${n}`);
    assertEquals((await beginDraas(slow, [command, ...ids, "--json"]).ended).code, 0);
    assertEquals(most, READS_AT_ONCE, command);
  }
});
