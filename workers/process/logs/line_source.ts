/** The lines of one stream, from any offset on, forward and backward. */
import { type Part } from "./log_index.ts";
import { readRange } from "./log_store.ts";

/** A longer line is told in pieces. */
const LINE_BYTES_MAX = 64 * 1024;
const WINDOW_BYTES = 256 * 1024;
const NEW_LINE = 0x0a;
/** Of one unit of a text. */
const UTF8_BYTES_MAX = 3;
/** Which are lost where a text is read. */
const BYTE_ORDER_MARK_BYTES = 3;

/** A line, and where the next one begins. */
export interface FoundLine {
  text: string;
  next: number;
}

/** Whether a text may be a piece of a line that goes on in the next one. */
export function goesOn(text: string): boolean {
  const mayBe = text.length * UTF8_BYTES_MAX >= LINE_BYTES_MAX;
  return mayBe && new TextEncoder().encode(text).length >= LINE_BYTES_MAX - BYTE_ORDER_MARK_BYTES;
}

/** Reads in windows, so that many small steps cost one read. */
export class LineSource {
  readonly #decoder = new TextDecoder();
  #bytes = new Uint8Array();
  #from = 0;

  /** `end` is where the stream ends: nothing after it is looked at. */
  constructor(
    private readonly folder: string,
    private readonly parts: readonly Part[],
    private readonly end: number,
  ) {}

  /**
   * The line at `from` if it ends by `to`; null if not.
   * @param isCut whether no more of a line comes after `to`: then what is there is a line
   */
  lineAt(from: number, to: number, isCut: boolean): FoundLine | null {
    if (from >= to) return null;
    const most = Math.min(to, from + LINE_BYTES_MAX);
    const bytes = this.#window(from, most);
    const at = bytes.indexOf(NEW_LINE);
    if (at >= 0) return { text: this.#decoder.decode(bytes.subarray(0, at)), next: from + at + 1 };
    // Gone, or not as long as it was said to be: there is nothing to wait for.
    if (bytes.length === 0) return null;
    if (bytes.length < LINE_BYTES_MAX && !isCut) return null;
    return { text: this.#decoder.decode(bytes), next: from + bytes.length };
  }

  /** Where the first whole line at or after `from` begins. */
  lineStart(from: number, begin: number): number {
    if (from <= 0 || from >= this.end) return Math.max(from, begin);
    if (this.#isFileBegin(from)) return from;
    if (this.#window(from - 1, from)[0] === NEW_LINE) return from;
    const at = this.#window(from, Math.min(this.end, from + LINE_BYTES_MAX)).indexOf(NEW_LINE);
    // The end of the very last line begins none: then a part of that is better than nothing.
    return at < 0 || from + at + 1 === this.end ? from : from + at + 1;
  }

  /** Where the line begins that `from` is in; `from` itself where that is further back than a line may be long. */
  lineBegin(from: number, begin: number): number {
    if (this.#isFileBegin(from)) return from;
    const least = Math.max(begin, from - LINE_BYTES_MAX);
    const at = this.#window(least, from).lastIndexOf(NEW_LINE);
    return at >= 0 ? least + at + 1 : least === begin ? begin : from;
  }

  /** Where the last `lines` lines begin, within the last `bytesMax` bytes. */
  tailBegin(lines: number, begin: number, bytesMax: number): number {
    if (lines === 0) return this.end;
    const least = Math.max(begin, this.end - bytesMax);
    let left = lines;
    for (let to = this.end; to > least;) {
      const from = Math.max(least, to - WINDOW_BYTES);
      const bytes = this.#window(from, to);
      for (let at = bytes.length - 1; at >= 0; at--) {
        // The line end of the very last line begins no line.
        if (bytes[at] !== NEW_LINE || from + at + 1 === this.end) continue;
        if (--left === 0) return from + at + 1;
      }
      to = from;
    }
    return least === begin ? begin : this.lineStart(least, begin);
  }

  /** No line goes on in another file, and the one before may be gone. */
  #isFileBegin(from: number): boolean {
    return this.parts.some(({ base }) => base === from);
  }

  #window(from: number, to: number): Uint8Array {
    const isIn = from >= this.#from && to <= this.#from + this.#bytes.length;
    if (!isIn) {
      this.#from = from;
      const most = Math.min(this.end, Math.max(to, from + WINDOW_BYTES));
      this.#bytes = readRange(this.folder, this.parts, from, most) as Uint8Array<ArrayBuffer>;
    }
    return this.#bytes.subarray(from - this.#from, Math.max(0, to - this.#from));
  }
}
