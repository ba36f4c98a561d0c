/** Ranges of seeds against plain sets of them. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  mergedRanges,
  rangesText,
  type SeedRange,
  seedsIn,
  seedsOutside,
  withSeed,
} from "./seed_ranges.ts";

const seeds = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 30 });

Deno.test("ranges hold exactly the seeds that were added, in whatever order, with gaps between", () => {
  fc.assert(fc.property(seeds, (added) => {
    const ranges = added.reduce(withSeed, [] as SeedRange[]);
    assertEquals(allIn(ranges), [...new Set(added)].sort((a, b) => a - b));
    assertEquals(seedsIn(ranges), new Set(added).size);
    for (let i = 1; i < ranges.length; i++) {
      assertEquals(ranges[i]![0] > ranges[i - 1]![1] + 1, true, "they touch");
    }
  }));
});

Deno.test("ranges that overlap, touch or repeat are merged", () => {
  assertEquals(mergedRanges([[5, 9], [1, 4], [12, 15], [13, 13], [20, 20]]), [
    [1, 9],
    [12, 15],
    [20, 20],
  ]);
});

Deno.test("what is left to run is what is in no range", () => {
  fc.assert(fc.property(seeds, fc.nat(45), fc.nat(20), (done, from, count) => {
    const expected = [];
    for (let seed = from; expected.length < count; seed++) {
      if (!done.includes(seed)) expected.push(seed);
    }
    assertEquals([...seedsOutside(done.reduce(withSeed, []), from, count)], expected);
  }));
});

Deno.test("ranges read as people write them", () => {
  assertEquals(rangesText([[1, 5_000], [7_001, 7_001]]), "1-5,000, 7,001");
});

function allIn(ranges: readonly SeedRange[]): number[] {
  return ranges.flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i)
  );
}
