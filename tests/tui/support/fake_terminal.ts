/** A terminal in memory for the real UI: what is written to it is kept, keys are given to it as bytes. */
import { PassThrough, Writable } from "node:stream";
import { hostIds } from "../../../adapters/host/host_chance.ts";
import { hostClock } from "../../../adapters/host/host_clock.ts";
import type { TuiHost } from "../../../tui/shell/host.ts";
import type { TuiParts } from "../../../tui/shell/open_tui.tsx";

export interface FakeTerminal {
  host: TuiHost;
  streams: NonNullable<TuiParts["streams"]>;
  /** What was written since the last look. */
  written(): string;
  type(bytes: string): void;
  bugs: unknown[];
}

export function fakeTerminal(columns = 80, rows = 24): FakeTerminal {
  const bugs: unknown[] = [];
  let text = "";
  const stdout = Object.assign(
    new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        text += new TextDecoder().decode(chunk);
        done();
      },
    }),
    { columns, rows, isTTY: true },
  );
  const stdin: PassThrough = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (): PassThrough => stdin,
    ref: (): PassThrough => stdin,
    unref: (): PassThrough => stdin,
  });
  return {
    bugs,
    streams: {
      stdin: stdin as unknown as NodeJS.ReadStream,
      stdout: stdout as unknown as NodeJS.WriteStream,
    },
    host: {
      clock: hostClock,
      ids: hostIds,
      terminal: { hasStyles: true, hasColor: true, hasUnicode: true },
      write: (raw) => text += raw,
      stop: async () => false,
      edit: async (before) => before,
      saveNew: async () => {},
      onBug: (error) => bugs.push(error),
    },
    written: () => {
      const now = text;
      text = "";
      return now;
    },
    type: (bytes) => void stdin.write(bytes),
  };
}
