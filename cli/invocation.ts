/** One run of a command: its client, its voice and its host, made from the options that all commands share. */
import { OperationalError, reasonOf } from "../events/errors.ts";
import type { RemoteOptions } from "../http/client/remote_call.ts";
import { RemoteClient } from "../http/client/remote_client.ts";
import type { ClientFlags, ClientSettings } from "../settings/client_settings.ts";
import { clientSettingsOf } from "./client_place.ts";
import type { CliHost } from "./host.ts";
import type { Format } from "./output/envelope.ts";
import { Printer } from "./output/printer.ts";
import { printable } from "../tui/terminal_text.ts";

/** The options that every command has. */
export interface SharedOptions extends ClientFlags {
  output: Format;
  json?: boolean;
}

/** What a command works with that asks no control plane. */
export interface Voice {
  host: CliHost;
  printer: Printer;
}

/** What a command works with. */
export interface Invocation extends Voice {
  client: RemoteClient;
  /** For what the client has no call for. */
  remote: RemoteOptions;
  settings: ClientSettings;
}

/** A command's voice, in the form that was asked for. */
export function voiceOf(host: CliHost, { json, output }: SharedOptions): Voice {
  return { host, printer: new Printer(host, json === true ? "json" : output) };
}

/**
 * @param isQuiet for who is no person: nothing is said of what is tried again
 * @throws {UsageError} with every fault of the settings
 */
export async function beginInvocation(
  host: CliHost,
  options: SharedOptions,
  isQuiet = false,
): Promise<Invocation> {
  const settings = await clientSettingsOf(host, options);
  const voice = voiceOf(host, options);
  const { clock, ids, randomness } = host;
  let told = isQuiet;
  const remote: RemoteOptions = {
    url: settings.url,
    token: settings.token,
    fetch: host.fetch,
    clock,
    ids,
    randomness,
    onRetry: (error) => {
      if (!told) voice.printer.say(`${printable(reasonOf(error))} Trying again …`);
      told = true;
    },
  };
  return { ...voice, client: new RemoteClient(remote), remote, settings };
}

/** Runs `work` with a signal that Ctrl-C aborts, instead of ending the program. */
export async function untilInterrupted<T>(
  { host }: Voice,
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
