/** The command line in process, against the API in process: what it writes, what it asks, what it ends with. */
import { hostIds, hostRandomness, hostSecret } from "../../../adapters/host/host_chance.ts";
import { hostClock } from "../../../adapters/host/host_clock.ts";
import type { CliHost } from "../../../cli/host.ts";
import { runDraas } from "../../../cli/program.ts";
import { OperationalError } from "../../../events/errors.ts";
import type { HttpOptions } from "../../../http/options.ts";
import type { Fetching } from "../../http/support/api_client.ts";
import { type ApiWorld, withApi } from "../../http/support/api_world.ts";

/** What one call came to. */
export interface CliEnd {
  code: number;
  stdout: string;
  stderr: string;
}

/** How the host of a call differs from a machine without a terminal. */
export interface HostChanges extends Partial<Omit<CliHost, "stdout" | "stderr" | "stdin">> {
  /** On a terminal; of 100 columns. */
  isTerminal?: boolean;
  /** What is typed or piped. */
  typed?: string;
  files?: Readonly<Record<string, string>>;
  /** The file of contexts, which commands write; `isPrivate`: nobody else can read it. */
  contexts?: { text: string | null; isPrivate?: boolean };
  /** Whoever reads the standard output leaves after the first that is written, as `head -1` does. */
  isLeft?: boolean;
}

/** A call that is under way. */
export interface CliRun {
  /** What it has written so far. */
  stdout: string;
  stderr: string;
  /** Ctrl-C. */
  interrupt(): void;
  ended: Promise<CliEnd>;
}

/** Begins `draas <args>` against an app. */
export function beginDraas(
  app: Fetching,
  args: readonly string[],
  { isTerminal = false, typed = "", files = {}, isLeft = false, contexts, ...changes }:
    HostChanges = {},
): CliRun {
  let onInterrupt = () => {};
  const run: CliRun = { stdout: "", stderr: "", interrupt: () => onInterrupt(), ended: null! };
  const sink = (name: "stdout" | "stderr") => ({
    isTerminal,
    get isClosed() {
      return isLeft && name === "stdout" && run.stdout !== "";
    },
    columns: () => 100,
    rows: () => 30,
    write: (text: string) => void (run[name] += text),
  });
  const host: CliHost = {
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    stdin: {
      isTerminal,
      text: () => Promise.resolve(typed),
      line: () => Promise.resolve(typed === "" ? null : typed),
    },
    fetch: (request) => app.fetch(request),
    readTextFile: (path) => {
      const text = files[path];
      if (text !== undefined) return Promise.resolve(text);
      throw new OperationalError("file_unreadable", `${path} cannot be read`, false, "");
    },
    showFleet: () => Promise.resolve(),
    contextFile: {
      path: "/home/me/.config/draas/contexts.yaml",
      read: () => {
        const { text = null, isPrivate = true } = contexts ?? {};
        return Promise.resolve(text === null ? null : { text, isPrivate });
      },
      write: (text) => {
        if (contexts) contexts.text = text;
        return Promise.resolve();
      },
    },
    onInterrupt(interrupted) {
      onInterrupt = interrupted;
      return () => onInterrupt = () => {};
    },
    environment: {},
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    newSecret: hostSecret,
    version: "0.0.0-cli",
    ...changes,
  };
  run.ended = runDraas(args, host)
    .then((code) => ({ code, stdout: run.stdout, stderr: run.stderr }));
  return run;
}

/** `draas("list -o json")`; words in arrays are taken as they are. */
export type Draas = (line: string | readonly string[], changes?: HostChanges) => Promise<CliEnd>;

/** The API's world with a command line that asks it. */
export interface CliWorld extends ApiWorld {
  draas: Draas;
  /** Begins a call that does not end by itself. */
  begin(line: string, changes?: HostChanges): CliRun;
}

/** Runs `test` in a world of its own and takes it down. */
export async function withCli(
  test: (world: CliWorld) => Promise<void>,
  changed: Partial<HttpOptions> = {},
): Promise<void> {
  await withApi(async (api) => {
    const begin = (line: string | readonly string[], changes?: HostChanges) =>
      beginDraas(api.app, typeof line === "string" ? line.split(" ") : line, changes);
    await test({ ...api, begin, draas: (line, changes) => begin(line, changes).ended });
  }, changed);
}

/** The items of an answer in JSON. */
// deno-lint-ignore no-explicit-any -- tests look into items of every kind
export function itemsOf({ stdout }: CliEnd): any[] {
  return JSON.parse(stdout).items;
}

/** An app that answers with `answers`, one after the other, and keeps what it was asked. */
export function scriptedApp(
  answers: readonly (Response | Error)[],
): Fetching & { asked: Request[] } {
  const waiting = [...answers];
  const asked: Request[] = [];
  return {
    asked,
    fetch(request) {
      asked.push(request);
      const answer = waiting.shift();
      if (answer === undefined) throw new Error(`no answer is left for ${request.url}`);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

/** What `fetch` throws when nobody listens. */
export function refusedConnection(): Error {
  return new TypeError(
    "error sending request for url (http://127.0.0.1:4700/): client error (Connect): tcp connect error: " +
      "Connection refused (os error 111)",
  );
}

/** What `fetch` throws when the server dies before it answers. */
export function brokenConnection(): Error {
  return new TypeError("error sending request for url (http://127.0.0.1:4700/): connection reset");
}
