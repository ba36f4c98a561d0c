/** The entry of `draas`: gives the command line the real machine. Design §8. */
import { hostIds, hostRandomness, hostSecret } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { readClientEnvironment } from "../config.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import { VERSION } from "../programs/version.ts";
import type { CliHost, ContextFile } from "./host.ts";
import { runDraas } from "./program.ts";
import { sinkOf } from "./text_sink.ts";

const PAUSE_MS = 5;
/** Of a file's mode: what anybody but its owner may do. */
const FOR_OTHERS = 0o077;
/** Where neither stream is a terminal. */
const SIZE = { columns: 80, rows: 24 };

/** The machine that this runs on. */
function realHost(): CliHost {
  const environment = readClientEnvironment();
  return {
    stdout: sinkOf(Deno.stdout, terminalSize, pause),
    stderr: sinkOf(Deno.stderr, terminalSize, pause),
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
    contextFile: contextFileOf(environment.HOME),
    async showFleet(fleet) {
      const { endWithBugs, plainVoice, tellBug, untilSignal } = await import(
        "../programs/terminal.ts"
      );
      const { showTui } = await import("../programs/tui_screen.ts");
      endWithBugs(plainVoice);
      const onBug = (error: unknown) => tellBug(plainVoice, error);
      await showTui({ fleet, environment, onBug }, untilSignal());
    },
    environment,
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

const terminalSize = {
  columns: () => sizeNow().columns || SIZE.columns,
  rows: () => sizeNow().rows || SIZE.rows,
};

function sizeNow(): { columns: number; rows: number } {
  try {
    return Deno.consoleSize();
  } catch {
    // There is no terminal to have one.
    return SIZE;
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
    throw unreadable(path, error);
  }
}

/** Where the task of `draas` may write, and nowhere else. */
function contextFileOf(home: string | undefined): ContextFile {
  const folder = home ? `${home}/.config/draas` : null;
  const path = folder && `${folder}/contexts.yaml`;
  return {
    path,
    async read() {
      if (path === null) return null;
      try {
        const text = await Deno.readTextFile(path);
        const { mode } = await Deno.stat(path);
        return { text, isPrivate: mode === null || (mode & FOR_OTHERS) === 0 };
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return null;
        throw unreadable(path, error);
      }
    },
    async write(text) {
      if (folder === null || path === null) throw unwritable("contexts.yaml", "HOME is not set");
      const draft = `${path}.${hostIds.next("request")}`;
      try {
        await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
        await Deno.writeTextFile(draft, text, { createNew: true, mode: 0o600 });
        // At once: whoever reads it meanwhile has the old one or the new one.
        await Deno.rename(draft, path);
      } catch (error) {
        throw unwritable(path, error);
      }
    },
  };
}

function unreadable(path: string, cause: unknown): OperationalError {
  const hint = "Check the path and its permissions.";
  const message = `${path} cannot be read: ${reasonOf(cause)}`;
  return new OperationalError("file_unreadable", message, false, hint, { cause });
}

function unwritable(path: string, cause: unknown): OperationalError {
  const hint = "Check the folder and its permissions.";
  const message = `${path} cannot be written: ${reasonOf(cause)}`;
  return new OperationalError("file_unwritable", message, false, hint, { cause });
}

if (import.meta.main) Deno.exit(await runDraas(Deno.args, realHost()));
