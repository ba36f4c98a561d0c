/** Looks for a line in what a server has written since its start; reads on from where it stopped. */
import { type LinePattern, parseLinePattern } from "../../events/line_pattern.ts";
import type { LogLinePlan } from "../templates/probe_plan.ts";

/** Read at once; what is written faster than this is looked at later. */
const CHUNK_BYTES = 256 * 1024;
/** Of a line without an end, this much is kept. */
const REST_CHARACTERS_MAX = 8 * 1024;

export class LogLineProbe {
  readonly #pattern: LinePattern;
  readonly #wanted: string;
  readonly #decoder = new TextDecoder();
  #offset: number;
  #rest = "";
  #isFound = false;

  /** @param offset where the run's output begins in the file, in bytes */
  constructor(plan: LogLinePlan, private readonly path: string, offset: number) {
    this.#offset = offset;
    this.#wanted = plan.contains ?? plan.matches ?? "";
    const parsed = parseLinePattern(plan.matches ?? ".");
    if ("fault" in parsed) throw new Error(`a pattern that was not checked: ${parsed.fault}`);
    const { contains } = plan;
    this.#pattern = contains === null ? parsed : { matches: (line) => line.includes(contains) };
  }

  /** Null once the line was there; else what is waited for. */
  async problem(): Promise<string | null> {
    while (!this.#isFound) {
      const text = this.#decoder.decode(await this.#read(), { stream: true });
      if (text === "") break;
      const lines = (this.#rest + text).split("\n");
      // A prompt, for one, has no end: what stands there counts as well.
      this.#rest = lines.at(-1)!.slice(-REST_CHARACTERS_MAX);
      this.#isFound = lines.some((line) => this.#pattern.matches(line));
    }
    return this.#isFound ? null : `no line of its output has ${JSON.stringify(this.#wanted)} yet`;
  }

  async #read(): Promise<Uint8Array> {
    using file = await Deno.open(this.path);
    await file.seek(this.#offset, Deno.SeekMode.Start);
    const buffer = new Uint8Array(CHUNK_BYTES);
    const read = await file.read(buffer) ?? 0;
    this.#offset += read;
    return buffer.subarray(0, read);
  }
}
