/** Virtual time: one queue of everything that will happen, in one event loop. Nothing here waits for real time. */
import { setImmediate } from "node:timers";
import { steadyWall } from "../../adapters/host/host_clock.ts";
import type { Clock } from "../../events/clock.ts";
import type { Chance } from "./chance.ts";

/** One life of a process: what it has scheduled happens only while it lives, and not while it is frozen. */
export class Life {
  isAlive = true;
  frozenUntil = 0;
  /** Its wall clock is so much ahead; no other clock of it is. */
  wallAheadMs = 0;
}

interface Entry {
  at: number;
  /** Drawn, so that things of the same time come in an order that the seed decides. */
  tie: number;
  run: () => void;
  life: Life | null;
  isCancelled: boolean;
}

const START_AT = 1_700_000_000_000;

export class VirtualTime {
  now = START_AT;
  /** A digest of all that happened, and in which order. */
  trace = 0x811c9dc5;
  private readonly heap: Entry[] = [];

  constructor(private readonly chance: Chance) {}

  /** Milliseconds since the world began. */
  get elapsed(): number {
    return this.now - START_AT;
  }

  /** Schedules `run`; for a life, only if that lives then. The returned function takes it back. */
  after(delayMs: number, run: () => void, life: Life | null = null): () => void {
    const entry = {
      at: this.now + Math.max(0, delayMs),
      tie: this.chance.fraction(),
      run,
      life,
      isCancelled: false,
    };
    push(this.heap, entry);
    return () => entry.isCancelled = true;
  }

  /** The clock of one life: steady, as a host's is. */
  clockOf(life: Life): Clock & Pick<ReturnType<typeof steadyWall>, "neverBefore"> {
    const monotonic = () => this.elapsed;
    const { now, neverBefore } = steadyWall(() => this.now + life.wallAheadMs, monotonic);
    return { now, neverBefore, monotonic, after: (delayMs, run) => this.after(delayMs, run, life) };
  }

  /** Lets the next thing happen, and all that follows from it at once; false when nothing is left. */
  async step(): Promise<boolean> {
    const entry = pop(this.heap);
    if (!entry) return false;
    if (entry.isCancelled || entry.life?.isAlive === false) return true;
    if (entry.life && entry.life.frozenUntil > entry.at) {
      push(this.heap, { ...entry, at: entry.life.frozenUntil });
      return true;
    }
    this.now = Math.max(this.now, entry.at);
    this.trace = Math.imul(this.trace ^ Math.floor(entry.at) ^ entry.tie * 0x100000000, 0x01000193);
    entry.run();
    await settled();
    return true;
  }

  /** When the next thing happens, since the beginning; infinite when nothing does. */
  get next(): number {
    return this.heap.length > 0 ? this.heap[0]!.at - START_AT : Infinity;
  }

  /** Steps until `isDone` or until nothing happens before `untilMs` (since the beginning). */
  async run(
    untilMs: number,
    afterEach: () => void,
    isDone: () => boolean = () => false,
  ): Promise<void> {
    while (!isDone() && this.heap.length > 0 && this.heap[0]!.at - START_AT <= untilMs) {
      if (!await this.step()) return;
      afterEach();
    }
  }
}

/** Resolves when every microtask has run: promises are the only thing that the code under test waits on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(heap[at]!, heap[parent]!)) return;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function pop(heap: Entry[]): Entry | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || first === last) return first;
  heap[0] = last;
  for (let at = 0;;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
    }
    if (least === at) return first;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
