/** Looks for a line in what a server has printed since its start, on either stream; reads on from where it stopped. */
import { type LinePattern, parseLinePattern } from "../../events/line_pattern.ts";
import type { LogLinePlan } from "../templates/probe_plan.ts";
import { type Offsets, type StreamName, STREAMS } from "./logs/log_index.ts";
import { openOutput, readRange, type StoredOutput } from "./logs/log_store.ts";

/** Read at once; what is written faster than this is looked at later. */
const CHUNK_BYTES = 256 * 1024;
/** Of a line without an end, this much is kept. */
const REST_CHARACTERS_MAX = 8 * 1024;

/** How far one stream was looked through. */
interface Looked {
  offset: number;
  rest: string;
  decoder: TextDecoder;
}

export class LogLineProbe {
  readonly #pattern: LinePattern;
  readonly #wanted: string;
  readonly #looked: Record<StreamName, Looked>;
  #isFound = false;

  /** @param begin where the run's output begins */
  constructor(plan: LogLinePlan, private readonly instancePath: string, begin: Offsets) {
    const from = (offset: number) => ({ offset, rest: "", decoder: new TextDecoder() });
    this.#looked = { stdout: from(begin.stdout), stderr: from(begin.stderr) };
    this.#wanted = plan.contains ?? plan.matches ?? "";
    const parsed = parseLinePattern(plan.matches ?? ".");
    if ("fault" in parsed) throw new Error(`a pattern that was not checked: ${parsed.fault}`);
    const { contains } = plan;
    this.#pattern = contains === null ? parsed : { matches: (line) => line.includes(contains) };
  }

  /** Null once the line was there; else what is waited for. */
  problem(): string | null {
    const output = openOutput(this.instancePath, true, 0);
    this.#isFound ||= STREAMS.some((stream) => this.#isIn(output, stream));
    return this.#isFound ? null : `no line of its output has ${JSON.stringify(this.#wanted)} yet`;
  }

  #isIn({ folder, parts }: StoredOutput, stream: StreamName): boolean {
    const looked = this.#looked[stream];
    for (;;) {
      const { offset } = looked;
      const bytes = readRange(folder, parts[stream], offset, offset + CHUNK_BYTES);
      if (bytes.length === 0) return false;
      looked.offset += bytes.length;
      const text = looked.decoder.decode(bytes, { stream: true });
      const lines = (looked.rest + text).split("\n");
      // A prompt, for one, has no end: what stands there counts as well.
      looked.rest = lines.at(-1)!.slice(-REST_CHARACTERS_MAX);
      if (lines.some((line) => this.#pattern.matches(line))) return true;
    }
  }
}
