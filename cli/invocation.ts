/** One run of a command: its client, its voice and its host, made from the options that all commands share. */
import { OperationalError, reasonOf } from "../events/errors.ts";
import { RemoteClient } from "../http/client/remote_client.ts";
import { parseClientSettings } from "../settings/client_settings.ts";
import { UsageError } from "./exit_codes.ts";
import type { CliHost } from "./host.ts";
import type { Format } from "./output/envelope.ts";
import { Printer } from "./output/printer.ts";

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
      if (!told) printer.say(`${reasonOf(error)} Trying again …`);
      told = true;
    },
  });
  return { host, printer, client };
}

/** Runs `work` with a signal that Ctrl-C aborts, instead of ending the program. */
export async function untilInterrupted(
  { host }: Invocation,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const leaving = new AbortController();
  const undo = host.onInterrupt(() => leaving.abort());
  try {
    await work(leaving.signal);
  } finally {
    leaving.abort();
    undo();
  }
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
