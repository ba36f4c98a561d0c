/** Where text goes, as a host's stream takes it: whole, slowly where it must be, and no more once its reader has gone. */
import type { TextSink } from "./host.ts";

const encoder = new TextEncoder();

/** A stream of the host. */
export interface ByteStream {
  /** How many of them it has taken. Throws errors named `BrokenPipe` and `WouldBlock`, as Deno's are. */
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

/** @param pause waits a little, for a pipe that is full */
export function sinkOf(
  stream: ByteStream,
  size: Pick<TextSink, "columns" | "rows">,
  pause: () => void,
): TextSink {
  const sink = { isTerminal: stream.isTerminal(), isClosed: false, ...size, write };
  return sink;

  function write(text: string): void {
    let bytes = encoder.encode(text);
    while (bytes.length > 0 && !sink.isClosed) bytes = bytes.subarray(taken(bytes));
  }

  function taken(bytes: Uint8Array): number {
    try {
      return stream.writeSync(bytes);
    } catch (error) {
      const reason = error instanceof Error ? error.name : "";
      if (reason === "WouldBlock") pause();
      else if (reason === "BrokenPipe") sink.isClosed = true;
      else throw error;
      return 0;
    }
  }
}
