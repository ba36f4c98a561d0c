/** What was cut is not taken for lost, whenever it was cut. */
import { assertEquals } from "@std/assert";
import { RedisKeys } from "../../adapters/redis/keys.ts";
import { lookAtLog } from "../../adapters/redis/seen_events.ts";

Deno.test("an event that is cut while it is looked for counts as there; a later one that is gone does not", async () => {
  let cut: string | null = null;
  const isThere = lookAtLog(new RedisKeys("default"), (command) => {
    if (command === "HGET") return Promise.resolve(cut);
    // The leader's step comes just before the answer to this look.
    cut = "5-0";
    return Promise.resolve([]);
  });
  assertEquals(await isThere({ position: "3-0" }), true);
  assertEquals(await isThere({ position: "6-0" }), false);
});
