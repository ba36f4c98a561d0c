/** The programs' voice, and their ear for signals. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { type OperationalError, reasonOf } from "../events/errors.ts";
import { withoutRedisSecrets } from "../settings/redis_address.ts";

/** Where a program speaks. */
export interface Voice {
  say(text: string): void;
  complain(message: string, hint: string): void;
}

/** Signals that come within this time are one. */
const SAME_SIGNAL_MS = 500;
const encoder = new TextEncoder();

/** A line on standard output. */
export function say(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}

/** What is wrong, and on the next line what to do; on standard error, never with a secret. */
export function complain(message: string, hint = ""): void {
  const text = withoutRedisSecrets(`draas: ${message}\n${hint ? `  ${hint}\n` : ""}`);
  Deno.stderr.writeSync(encoder.encode(text));
}

/** The real terminal. */
export const terminal: Voice = { say, complain };

/** Tells of a fault of our own; the program goes on. */
export function tellBug(error: unknown): void {
  complain(
    `A fault in DRaaS itself: ${reasonOf(error)}`,
    "Please report it, with what you did before.",
  );
}

/** From now on what nobody has caught ends the program as any bug does: told in a line, never as a stack. */
export function endWithBugs(): void {
  const end = (event: Event, error: unknown) => {
    event.preventDefault();
    tellBug(error);
    Deno.exit(1);
  };
  globalThis.addEventListener("unhandledrejection", (event) => end(event, event.reason));
  globalThis.addEventListener("error", (event) => end(event, event.error));
}

/** Ends the program: it cannot go on, and what is in the log is safe. */
export function endAtOnce(error: OperationalError): never {
  complain(error.message, error.hint);
  Deno.exit(1);
}

/** Resolves with the first SIGINT or SIGTERM. From the call on they do not end the program by themselves. */
export function untilSignal(): Promise<void> {
  return new Promise(onSignal);
}

/** Whoever asks again does not want to wait. What is in the log is safe: it is as after a crash. */
export function endAtNextSignal(hint: string): void {
  const since = hostClock.monotonic();
  onSignal(() => {
    // `deno task` hands on what the terminal has sent to both: one Ctrl-C comes twice.
    if (hostClock.monotonic() - since < SAME_SIGNAL_MS) return;
    complain("Ended at once, as it was asked again.", hint);
    Deno.exit(1);
  });
}

function onSignal(run: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, run);
}
