/** Random lives of an output: whatever is written, noted, freed, renamed or begun anew, a follower misses nothing that is kept. */
import { assert } from "@std/assert";
import fc from "fast-check";
import { readOutput, toldBefore } from "../../workers/process/logs/log_reader.ts";
import { type Offsets, type StreamName, STREAMS } from "../../workers/process/logs/log_index.ts";
import { filesOf, openOutput, pathOf, readIndex } from "../../workers/process/logs/log_store.ts";
import { WatchedOutput } from "../../workers/process/logs/watched_output.ts";

const KEEP_BYTES = 4_000;
const RUNS = 150;

type Step =
  | { kind: "print"; stream: StreamName; lines: number; torn: boolean }
  | { kind: "look" | "free" | "restart" | "return" | "empty" | "follow" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("print" as const),
      stream: fc.constantFrom(...STREAMS),
      lines: fc.integer({ min: 1, max: 120 }),
      torn: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("look", "follow") }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom("free", "restart", "return") }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("empty" as const) }) },
) as fc.Arbitrary<Step>;

/** An instance's output, whoever writes and watches it, and one follower. */
class Life {
  now = 1_000;
  readonly #clock = { now: () => this.now, monotonic: () => this.now, after: () => () => {} };
  readonly #folder: string;
  #output: WatchedOutput;
  #runs = 0;
  #printed: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  #held: Record<StreamName, string> = { stdout: "", stderr: "" };
  #told: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  #cursor: string | undefined;
  /** A mark has said that what comes next may be gone. */
  #isDropped: Record<StreamName, boolean> = { stdout: false, stderr: false };
  /** Up to here somebody has emptied the files. */
  #emptied: Record<StreamName, number> = { stdout: 0, stderr: 0 };

  constructor(private readonly path: string, private readonly canFree: boolean) {
    this.#folder = `${path}/logs`;
    this.#output = new WatchedOutput(path, this.#clock);
    this.#begin();
  }

  take(one: Step): void {
    this.now += 300;
    switch (one.kind) {
      case "print":
        return this.#print(one.stream, one.lines, one.torn);
      case "look":
        return void this.#output.look();
      case "free":
        return this.#free();
      case "restart":
        return this.#begin();
      case "return":
        this.#output = new WatchedOutput(this.path, this.#clock);
        this.#output.look();
        this.#output.mark("returned", "", "r");
        this.#output.isUnsupervised = false;
        return;
      case "empty":
        return this.#empty();
      case "follow":
        return void this.follow();
    }
  }

  /** Reads one page; each number must follow the one before, unless something says that some are gone. */
  follow(): boolean {
    const reading = { ...(this.#cursor ? { cursor: this.#cursor } : {}), waitMs: 0 };
    const output = openOutput(this.path, true, this.now, toldBefore(reading));
    const page = readOutput(output, reading, this.now);
    this.#cursor = page.cursor!;
    for (const { stream, kind, text } of page.lines) {
      if (kind === "dropped") this.#isDropped = { stdout: true, stderr: true };
      if (stream === "marker") continue;
      const number = Number(text.trim().split(" ")[0]);
      const told = this.#told[stream];
      assert(Number.isInteger(number) && number > 0, `${stream}: a piece of a line: ${text}`);
      const isNext = number === told + 1 ||
        (number > told && (this.#isDropped[stream] || number - 1 <= this.#emptied[stream]));
      assert(isNext, `${stream}: ${number} after ${told}`);
      if (number !== told + 1) this.#isDropped[stream] = false;
      this.#told[stream] = number;
    }
    return page.hasMore;
  }

  /** Ends the run, and reads all that is left. */
  end(): void {
    for (const stream of STREAMS) this.#complete(stream);
    this.#output.look();
    this.#output.mark("ended", "", "r");
    while (this.follow());
    for (const stream of STREAMS) {
      const isGone = this.#isDropped[stream] || this.#printed[stream] <= this.#emptied[stream];
      const isWhole = this.#told[stream] === this.#printed[stream];
      assert(isWhole || isGone, `${stream} is told to its end`);
    }
  }

  #begin(): void {
    for (const stream of STREAMS) this.#complete(stream);
    if (this.#runs++ > 0) {
      this.#output.look();
      this.#output.mark("ended", "", "r");
    }
    this.#output.canFree = this.canFree;
    this.#output.begin("r", KEEP_BYTES);
    this.#output.isUnsupervised = false;
  }

  #print(stream: StreamName, lines: number, torn: boolean): void {
    let text = this.#held[stream];
    for (let at = 0; at < lines; at++) {
      this.#printed[stream]++;
      text += `${this.#printed[stream]} ${"x".repeat(this.#printed[stream] % 40)}\n`;
    }
    const kept = torn ? 1 : 0;
    this.#held[stream] = text.slice(text.length - kept);
    this.#write(stream, text.slice(0, text.length - kept));
  }

  #complete(stream: StreamName): void {
    if (this.#held[stream] !== "") this.#write(stream, this.#held[stream]);
    this.#held[stream] = "";
  }

  #write(stream: StreamName, text: string): void {
    const path = `${this.#folder}/${stream}.log`;
    Deno.writeTextFileSync(path, text, { append: true });
    Deno.utimeSync(path, this.now / 1_000, this.now / 1_000);
  }

  #free(): void {
    this.#output.look();
    const upTo = this.#output.release({ keepBytes: KEEP_BYTES, keepAfter: 0 });
    if (upTo) this.#wipe(upTo);
  }

  /** As the disk does it: what is freed reads as zeros, files that are freed as a whole are gone. */
  #wipe(upTo: Offsets): void {
    const files = filesOf(this.#folder, readIndex(this.#folder));
    for (const stream of STREAMS) {
      files[stream].forEach(({ file, base }, index) => {
        const path = pathOf(this.#folder, file);
        const partEnd = files[stream][index + 1]?.base ?? Infinity;
        try {
          if (partEnd <= upTo[stream]) return Deno.removeSync(path);
        } catch {
          return;
        }
        const bytes = upTo[stream] - base - 1;
        if (!this.canFree || bytes <= 0) return;
        using open = Deno.openSync(path, { write: true });
        open.writeSync(new Uint8Array(bytes));
      });
    }
  }

  /** By hand, and the worker has seen what was there: what it has not seen it cannot miss. */
  #empty(): void {
    for (const stream of STREAMS) this.#complete(stream);
    this.#output.look();
    for (const stream of STREAMS) {
      Deno.truncateSync(`${this.#folder}/${stream}.log`, 0);
      this.#emptied[stream] = this.#printed[stream];
    }
    this.#output.look();
  }
}

Deno.test("a follower of any life of an output is told every line that is kept, once and in order", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), fc.boolean(), (steps, canFree) => {
      const path = Deno.makeTempDirSync({ prefix: "draas-tape-" });
      try {
        const life = new Life(path, canFree);
        for (const one of steps) life.take(one);
        life.end();
      } finally {
        Deno.removeSync(path, { recursive: true });
      }
    }),
    { numRuns: RUNS },
  );
});
