/** Takes a container's output apart: the daemon sends both streams in frames, each with the time it came at. Pure. */
import type { PrintedLine } from "../printed_output.ts";

/** Stream, three zeros, length: Docker Engine API, "Attach to a container", stream format. */
const HEADER_BYTES = 8;
const STREAMS: Readonly<Record<number, PrintedLine["stream"]>> = { 1: "stdout", 2: "stderr" };
/** The daemon cuts longer lines into entries of 16 KiB; of a line without end, so much is put together again. */
const LINE_CHARACTERS_MAX = 65_536;

/** What is left over between two chunks: the begin of a frame, and of each stream the begin of a line. */
export class PrintedFrames {
  #rest: Uint8Array = new Uint8Array(0);
  readonly #begun = new Map<PrintedLine["stream"], PrintedLine>();
  readonly #decoder = new TextDecoder();

  /** The lines that are whole with these bytes. */
  push(bytes: Uint8Array): PrintedLine[] {
    const all = this.#rest.length === 0 ? bytes : joined(this.#rest, bytes);
    const lines: PrintedLine[] = [];
    let at = 0;
    while (all.length - at >= HEADER_BYTES) {
      const size = new DataView(all.buffer, all.byteOffset + at + 4, 4).getUint32(0);
      const end = at + HEADER_BYTES + size;
      if (end > all.length) break;
      const stream = STREAMS[all[at]!];
      const line = stream &&
        this.#entry(stream, this.#decoder.decode(all.subarray(at + HEADER_BYTES, end)));
      if (line) lines.push(line);
      at = end;
    }
    this.#rest = all.slice(at);
    return lines;
  }

  /** What was begun and has no end. */
  end(): PrintedLine[] {
    const left = [...this.#begun.values()];
    this.#begun.clear();
    return left;
  }

  #entry(stream: PrintedLine["stream"], payload: string): PrintedLine | null {
    const cut = payload.indexOf(" ");
    const text = payload.slice(cut + 1);
    const before = this.#begun.get(stream);
    const line = {
      stream,
      time: before?.time ?? payload.slice(0, cut),
      text: ((before?.text ?? "") + text.replace(/\r?\n$/, "")).slice(0, LINE_CHARACTERS_MAX),
    };
    const isWhole = text.endsWith("\n");
    if (isWhole) this.#begun.delete(stream);
    else this.#begun.set(stream, line);
    return isWhole ? line : null;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
