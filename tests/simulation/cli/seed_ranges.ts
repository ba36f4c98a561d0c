/** Which seeds were run, as ranges: a hundred thousand of them fit in a line of a file. */

/** The first and the last seed, both included. */
export type SeedRange = readonly [first: number, last: number];

/** `ranges` and `seed`: sorted, apart from each other, as few as can be. */
export function withSeed(ranges: readonly SeedRange[], seed: number): SeedRange[] {
  return mergedRanges([...ranges, [seed, seed]]);
}

/** The same seeds, sorted, with those that touch or overlap in one range. */
export function mergedRanges(ranges: readonly SeedRange[]): SeedRange[] {
  const merged: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

/** How many seeds there are in merged ranges. */
export function seedsIn(ranges: readonly SeedRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** At most `count` seeds from `from` on that are in none of the merged `ranges`, ascending. */
export function* seedsOutside(
  ranges: readonly SeedRange[],
  from: number,
  count: number,
): Generator<number> {
  let seed = from;
  let given = 0;
  for (const [first, last] of [...ranges, [Infinity, Infinity] as const]) {
    for (; seed < first && given < count; seed++, given++) yield seed;
    seed = Math.max(seed, last + 1);
  }
}

/** In words: `1-5,000, 7,001`. */
export function rangesText(ranges: readonly SeedRange[]): string {
  const text = (seed: number) => seed.toLocaleString("en-US");
  return ranges.map(([first, last]) =>
    first === last ? text(first) : `${text(first)}-${text(last)}`
  )
    .join(", ");
}
