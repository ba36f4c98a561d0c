/** What a worker does about a live run that it finds, by what the log holds of its instance. */
import { assertEquals } from "@std/assert";
import { judgeLive } from "../../workers/adoption.ts";
import { running } from "../support/recorded.ts";

const found = { ...running("found", 1_000), generation: 3 };

const live = (
  generation: number,
  runId: string | null,
  startedAt: number | null = null,
  hasOpenCommand = false,
) => judgeLive(found, { generation, runId, startedAt, hasOpenCommand });

Deno.test("the run that the log names is kept, and one that it has given up is ended", () => {
  assertEquals(live(3, "found", 1_000), "keep");
  assertEquals([live(3, null), live(4, "another", 2_000)], ["end", "end"]);
});

Deno.test("a run that is newer than all that the log knows is reported where the log knows of no other", () => {
  assertEquals(live(2, null), "report");
  assertEquals(judgeLive(found, undefined), "stranger");
});

Deno.test("beside a run that began later, by those who no longer knew of it, it is ended", () => {
  assertEquals(live(2, "begun-since", 1_001), "end");
});

Deno.test("an older run may be a mere memory of the log: then it is left alone", () => {
  assertEquals([live(2, "of-before", 999), live(2, "of-an-unknown-time")], [
    "stranger",
    "stranger",
  ]);
});

Deno.test("a run of the generation whose command is open is left to whoever has that in work", () => {
  assertEquals([live(3, null, null, true), live(3, "another", 2_000, true)], ["keep", "keep"]);
  assertEquals(live(4, null, null, true), "end", "a newer command does not excuse an older run");
  assertEquals(live(2, null, null, true), "report");
});
