/** When a worker compares with the log: after a silence, and every half minute. */
import { assertEquals } from "@std/assert";
import { ComparePace } from "../../events/compare_pace.ts";

/** The heartbeats, by the log's clock, at which it is time. */
function dueAt(beats: readonly number[]): number[] {
  const pace = new ComparePace();
  return beats.filter((at) => pace.isDue(at));
}

Deno.test("a worker that is heard each second compares every half minute, from its first heartbeat on", () => {
  const beats = Array.from({ length: 70 }, (_, index) => 1_000 * index);
  assertEquals(dueAt(beats), [31_000, 62_000]);
});

Deno.test("after a silence of more than 5 s it compares at once, and then half a minute later", () => {
  assertEquals(dueAt([0, 5_000, 10_001, 12_000]), [10_001]);
  const beats = Array.from({ length: 40 }, (_, index) => 6_000 + 1_000 * index);
  assertEquals(dueAt([0, ...beats]), [6_000, 37_000]);
});

Deno.test("a clock that is set back puts off the next look by no more than half a minute", () => {
  const beats = Array.from({ length: 40 }, (_, index) => 10_000 + 1_000 * index);
  assertEquals(dueAt([3_600_000, ...beats]), [41_000]);
});
