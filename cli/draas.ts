/** The entry of `draas`: gives the command line the real machine. Design §8. */
import { hostIds, hostRandomness, hostSecret } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { readClientEnvironment } from "../config.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import { VERSION } from "../programs/version.ts";
import type { CliHost } from "./host.ts";
import { runDraas } from "./program.ts";
import { sinkOf } from "./text_sink.ts";

const COLUMNS = 80;
const PAUSE_MS = 5;

/** The machine that this runs on. */
function realHost(): CliHost {
  return {
    stdout: sinkOf(Deno.stdout, columnsOrDefault, pause),
    stderr: sinkOf(Deno.stderr, columnsOrDefault, pause),
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
    newSecret: hostSecret,
    version: VERSION,
  };
}

/** Without a turn of the event loop: what is written next must not come before. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
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
