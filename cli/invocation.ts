/** One run of a command: its client, its voice and its host, made from the options that all commands share. */
import { OperationalError, reasonOf } from "../events/errors.ts";
import { RemoteClient } from "../http/client/remote_client.ts";
import { parseClientSettings } from "../settings/client_settings.ts";
import { UsageError } from "./exit_codes.ts";
import type { CliHost } from "./host.ts";
import type { Format } from "./output/envelope.ts";
import { Printer } from "./output/printer.ts";
import { printable } from "../tui/terminal_text.ts";

/** The options that every command has. */
export interface SharedOptions {
  output: Format;
  json?: boolean;
  url?: string;
}

/** What a command works with. */
export interface Invocation {
  host: CliHost;
  printer: Printer;
  client: RemoteClient;
}

/**
 * @param isQuiet for who is no person: nothing is said of what is tried again
 * @throws {UsageError} with every fault of the settings
 */
export function beginInvocation(
  host: CliHost,
  options: SharedOptions,
  isQuiet = false,
): Invocation {
  const settings = parseClientSettings(host.environment, options.url);
  if (!settings.ok) {
    throw new UsageError(
      settings.faults.map(({ path, message }) => `${path} ${message}.`).join(" "),
      "`draas --help` tells of the settings.",
    );
  }
  const printer = new Printer(host, options.json === true ? "json" : options.output);
  const { clock, ids, randomness } = host;
  let told = isQuiet;
  const client = new RemoteClient({
    ...settings.value,
    fetch: host.fetch,
    clock,
    ids,
    randomness,
    onRetry: (error) => {
      if (!told) printer.say(`${printable(reasonOf(error))} Trying again …`);
      told = true;
    },
  });
  return { host, printer, client };
}

/** Runs `work` with a signal that Ctrl-C aborts, instead of ending the program. */
export async function untilInterrupted<T>(
  { host }: Invocation,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const leaving = new AbortController();
  const undo = host.onInterrupt(() => leaving.abort());
  try {
    return await work(leaving.signal);
  } finally {
    leaving.abort();
    undo();
  }
}

/**
 * Waits for an answer no longer than until `signal` is aborted.
 * @throws {OperationalError} `interrupted`
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const left = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => left.reject(interrupted()), { once: true });
  return await Promise.race([work, left.promise]);
}

/** Of what Ctrl-C came in the middle of. */
export function interrupted(): OperationalError {
  return new OperationalError(
    "interrupted",
    "Ctrl-C ended the waiting; what was asked for goes on.",
    true,
    "Look at what became of it before you ask again.",
  );
}

/** Of what Ctrl-C came before. */
export function notAsked(): OperationalError {
  return new OperationalError("not_asked", "Ctrl-C came before; nothing was done.", true, "");
}

/** What `work` throws of the outside world, as a value; a bug goes on. */
export async function outcomeOf<T>(
  work: Promise<T>,
): Promise<{ ok: true; value: T } | { ok: false; error: OperationalError }> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    if (error instanceof OperationalError) return { ok: false, error };
    throw error;
  }
}
