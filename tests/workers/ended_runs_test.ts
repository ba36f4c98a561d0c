/** What is remembered of runs that ended: of instances that are there, and nothing else. */
import { assertEquals } from "@std/assert";
import { EndedRuns } from "../../workers/process/ended_runs.ts";

Deno.test("what is known of an instance's ended run is forgotten with the instance", () => {
  const ended = new EndedRuns();
  for (const id of ["i-1", "i-2"]) {
    ended.add(id, "stamp");
    ended.cleared(id, "r-1");
  }
  ended.keepOnly(["i-2"]);
  const known = (id: string) => [ended.has(id, "stamp"), ended.isCleared(id, "r-1")];
  assertEquals([known("i-1"), known("i-2")], [[false, false], [true, true]]);
  assertEquals(ended.isCleared("i-2", "r-2"), false, "its next run is another one");
});
