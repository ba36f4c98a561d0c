/** The stand-in's two output streams: whole writes, and silence once the reader has gone. */
import { isLogged, type Level, logLine } from "./log_lines.ts";

/** A stream that takes bytes, as `Deno.stdout` does; it blocks while a pipe is full. */
export interface Sink {
  writeSync(bytes: Uint8Array): number;
}

/** Writes one text as a whole. */
export type Write = (text: string) => void;

/** Writes one log line, if the filter lets its level through. */
export type Log = (level: Level, target: string, message: string) => void;

/** A writer over `sink`. When nobody reads any more (a broken pipe), it goes quiet: the server lives on. */
export function writerTo(sink: Sink): Write {
  let isOpen = true;
  return (text) => {
    let bytes = new TextEncoder().encode(text);
    try {
      while (isOpen && bytes.length > 0) bytes = bytes.subarray(sink.writeSync(bytes));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      isOpen = false;
    }
  };
}

/** A log on `write`. `noColor` is the variable `NO_COLOR`: colours are on unless it has a value. */
export function logTo(
  write: Write,
  settings: { filter: string; noColor: string | undefined; nowMs: () => number },
): Log {
  const coloured = !settings.noColor;
  return (level, target, message) => {
    if (!isLogged(level, settings.filter)) return;
    write(logLine({ atMs: settings.nowMs(), level, target, message, coloured }));
  };
}
