/** Seeded chance: every stream of numbers has a name of its own, so that taking one draw away shifts no other. */
import type { Ids, Randomness } from "../../events/ids.ts";

/** Numbers that look random and are the same for the same seed (mulberry32, T. Ettinger 2017). */
export class Chance implements Randomness {
  private state: number;

  constructor(private readonly seed: number) {
    this.state = seed >>> 0;
  }

  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** True with probability `p`. */
  happens(p: number): boolean {
    return this.fraction() < p;
  }

  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.fraction() * items.length)]!;
  }

  /** Another stream, named; independent of how much of this one was used. */
  stream(name: string): Chance {
    let hash = this.seed ^ 0x9e3779b9;
    for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193) >>> 0;
    return new Chance(hash);
  }
}

/** Ids that count: `run-17`. Unique over all lives of a world. */
export function countingIds(): Ids {
  let count = 0;
  return { next: (kind) => `${kind}-${++count}` };
}
