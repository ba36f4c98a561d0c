/** The programs' own streams, and their ear for signals. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { hasColours } from "../cli/output/paint.ts";
import { secretVariables } from "../config.ts";
import { type OperationalError, reasonOf } from "../events/errors.ts";
import type { Command, Settings } from "../settings/settings.ts";
import { type Fields, openVoice, usageLines, type Voice } from "./voice.ts";

/** Signals that come within this time are one. */
const SAME_SIGNAL_MS = 500;
const encoder = new TextEncoder();

/** Who has the whole terminal: the terminal UI. */
export interface Holder {
  /** Gives the terminal back as it was, at once. */
  giveBack(): void;
  /** What was told meanwhile, for the screen. */
  hear(text: string): void;
}

/** What is told while somebody holds the terminal waits; the last of it. */
const UNSAID_MAX = 50;
let holder: Holder | null = null;
let unsaid: (() => void)[] = [];

/** From now on nobody else writes to the terminal; the function that comes back says what was kept back. */
export function holdTerminal(by: Holder): () => void {
  holder = by;
  return () => {
    if (holder === by) holder = null;
    for (const sayIt of unsaid.splice(0)) sayIt();
  };
}

/** Whoever holds the terminal gives it back: the program is about to end. */
function freeTerminal(): void {
  const held = holder;
  holder = null;
  held?.giveBack();
  for (const sayIt of unsaid.splice(0)) sayIt();
}

/** A line on standard output. */
export function say(text: string): void {
  out(`${text}\n`);
}

/** What was called wrongly, and on the next line what to do; on standard error, never with a secret. */
export function complainOfUse(message: string, hint = ""): void {
  log(usageLines(message, hint));
}

/** The voice of a program that has no log to set up. */
export const plainVoice: Voice = {
  say,
  tell: (_level, message, { hint } = {}) => complainOfUse(message, hint),
};

/** The real voice of a program, as it is set. */
export function programVoice(
  command: Command,
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Voice {
  const isTerminal = Deno.stderr.isTerminal();
  const { logFormat, logLevel, apiToken, redisUrl } = settings;
  return openVoice({
    level: logLevel,
    format: logFormat === "auto" ? isTerminal ? "text" : "json" : logFormat,
    hasColours: hasColours(isTerminal, environment),
    program: command,
    secrets: [
      ...apiToken === null ? [] : [apiToken],
      ...redisUrl === null ? [] : [passwordIn(redisUrl)],
      ...Object.values(secretVariables(environment)),
    ],
    now: hostClock.now,
    out,
    log,
  });
}

/** Tells of a fault of our own; the program goes on. */
export function tellBug(voice: Voice, error: unknown, where: Fields = {}): void {
  voice.tell("error", `A fault in DRaaS itself: ${reasonOf(error)}`, {
    hint: "Please report it, with what you did before.",
    ...where,
  });
}

/** From now on what nobody has caught ends the program as any bug does: told in a line, never as a stack. */
export function endWithBugs(voice: Voice): void {
  const end = (event: Event, error: unknown) => {
    event.preventDefault();
    freeTerminal();
    tellBug(voice, error);
    Deno.exit(1);
  };
  globalThis.addEventListener("unhandledrejection", (event) => end(event, event.reason));
  globalThis.addEventListener("error", (event) => end(event, event.error));
}

/** Tells why the program ends: it cannot go on, and what is in the log is safe. */
export function tellEnd(voice: Voice, { message, hint, code }: OperationalError): void {
  voice.tell("error", message, { hint, code });
}

/** Ends the program at once, and tells why. */
export function endAtOnce(voice: Voice, error: OperationalError): never {
  freeTerminal();
  tellEnd(voice, error);
  Deno.exit(1);
}

/** Resolves with the first SIGINT or SIGTERM. From the call on they do not end the program by themselves. */
export function untilSignal(): Promise<void> {
  return new Promise(onSignal);
}

/** Resolves when the terminal is gone. Only for who shows something there: `nohup` keeps the others alive. */
export function untilHangUp(): Promise<void> {
  return new Promise((resolve) => Deno.addSignalListener("SIGHUP", resolve));
}

/** Whoever asks again does not want to wait. What is in the log is safe: it is as after a crash. */
export function endAtNextSignal(voice: Voice, hint: string): void {
  const since = hostClock.monotonic();
  onSignal(() => {
    // `deno task` hands on what the terminal has sent to both: one Ctrl-C comes twice.
    if (hostClock.monotonic() - since < SAME_SIGNAL_MS) return;
    voice.tell("warn", "Ended at once, as it was asked again.", { hint });
    Deno.exit(1);
  });
}

function onSignal(run: () => void): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, run);
}

function out(text: string): void {
  write(Deno.stdout, text);
}

function log(text: string): void {
  holder?.hear(text);
  write(Deno.stderr, text);
}

/** What goes elsewhere than to the terminal does not disturb who holds that. */
function write(stream: typeof Deno.stdout, text: string): void {
  if (holder === null || !stream.isTerminal()) return writeAll(stream, text);
  unsaid = [...unsaid, () => writeAll(stream, text)].slice(-UNSAID_MAX);
}

/** Whoever read it may be gone: that is no reason to end. */
function writeAll(stream: Pick<typeof Deno.stderr, "writeSync">, text: string): void {
  let left = encoder.encode(text);
  try {
    while (left.length > 0) left = left.subarray(stream.writeSync(left));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** As it stands in the address, and as it is. */
function passwordIn(redisUrl: string): string {
  const found = /^[^:]+:\/\/[^/@]*?:([^/@]*)@/.exec(redisUrl)?.[1] ?? "";
  return decodeURIComponent(found);
}
