/** The entry of `draas`: gives the command line the real machine. Design §8. */
import { hostIds, hostRandomness } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { readClientEnvironment } from "../config.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import { VERSION } from "../programs/version.ts";
import type { CliHost, TextSink } from "./host.ts";
import { runDraas } from "./program.ts";

const COLUMNS = 80;
const encoder = new TextEncoder();

/** The machine that this runs on. */
function realHost(): CliHost {
  return {
    stdout: sinkOf(Deno.stdout),
    stderr: sinkOf(Deno.stderr),
    stdin: {
      isTerminal: Deno.stdin.isTerminal(),
      text: () => new Response(Deno.stdin.readable).text(),
      line: readLine,
    },
    fetch: (request) => fetch(request),
    readTextFile,
    onInterrupt(run) {
      Deno.addSignalListener("SIGINT", run);
      return () => Deno.removeSignalListener("SIGINT", run);
    },
    environment: readClientEnvironment(),
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    version: VERSION,
  };
}

function sinkOf(stream: typeof Deno.stdout): TextSink {
  return {
    isTerminal: stream.isTerminal(),
    columns: () => columnsOrDefault(),
    write(text) {
      let bytes = encoder.encode(text);
      try {
        while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
      } catch (error) {
        // Who read it has enough, as in `draas list | head`.
        if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
        throw error;
      }
    },
  };
}

function columnsOrDefault(): number {
  try {
    return Deno.consoleSize().columns || COLUMNS;
  } catch {
    // Neither stream is a terminal.
    return COLUMNS;
  }
}

async function readLine(): Promise<string | null> {
  const bytes = new Uint8Array(1_024);
  const count = await Deno.stdin.read(bytes);
  return count === null ? null : new TextDecoder().decode(bytes.subarray(0, count));
}

async function readTextFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new OperationalError(
      "file_unreadable",
      `${path} cannot be read: ${reasonOf(error)}`,
      false,
      "Check the path and its permissions.",
      { cause: error },
    );
  }
}

if (import.meta.main) Deno.exit(await runDraas(Deno.args, realHost()));
