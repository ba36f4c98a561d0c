/** How a run ended, in the words of an `Exit`. Pure. */
import type { Exit } from "../events/runtime_info.ts";

/** What is known of an end. */
export interface EndFacts {
  /** As a shell sees it: 128 + n for a signal; null where nobody saw it. */
  code: number | null;
  /** Set where it was found out later. */
  reason?: Exit["reason"] | undefined;
  /** The kernel ended a process of it that asked for more memory than its limit. */
  outOfMemory?: boolean | undefined;
}

/** Who asked for an end, and how: `Killed` once it had not ended on its signal within `graceMs`. */
export interface AskedEnd {
  reason: "Stopped" | "Killed";
  signal: string;
  graceMs: number;
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  31: "SIGSYS",
};

/**
 * The exit that a record stands for.
 * @param stop who asked for the end; null when nobody did
 * @param lifetimeMs from the spawn to the end
 * @param memoryBytes its memory limit, for one that ran into it
 */
export function describeExit(
  record: EndFacts,
  stop: AskedEnd | null,
  lifetimeMs: number,
  memoryBytes?: number,
): Exit {
  const signal = signalOf(record.code);
  const code = signal === null ? record.code : null;
  // Where nobody saw the end of a run that somebody was ending, it was that.
  const found = record.reason === "Unknown" && stop ? stop.reason : record.reason;
  const reason = found ?? stop?.reason ?? "Exited";
  const after = `after ${durationText(lifetimeMs)}`;
  const how = record.outOfMemory
    ? outOfMemory(signal, code, after, memoryBytes)
    : signal
    ? `was killed by ${signal} ${after}`
    : `exited with code ${code} ${after}`;
  return { code, signal, reason, message: messageOf(reason, how, record.code, stop) };
}

function messageOf(
  reason: Exit["reason"],
  how: string,
  code: number | null,
  stop: AskedEnd | null,
): string {
  switch (reason) {
    case "Exited":
      return how;
    case "Stopped":
      return code === null ? "was stopped; its exit code is not known" : `was stopped: ${how}`;
    case "Killed":
      return stop
        ? `was killed: it did not end within ${durationText(stop.graceMs)} of ${stop.signal}`
        : how;
    case "HostRebooted":
      return "ended when its host was rebooted";
    case "LeaseLapsed":
      return `was ended by its host, as its worker had not reached the log for as long as its lease: ${how}`;
    case "Unknown":
      return "ended; its exit code is not known, since its shim ended too";
    default:
      return unreachable(reason);
  }
}

/** In the words of the one who has to give it more memory, or mend it. */
function outOfMemory(
  signal: string | null,
  code: number | null,
  after: string,
  memoryBytes: number | undefined,
): string {
  const why = `out of memory${
    memoryBytes === undefined ? "" : ` (limit ${bytesText(memoryBytes)})`
  }`;
  return signal === "SIGKILL"
    ? `was ended by the kernel: ${why} ${after}`
    : `${signal ? `was killed by ${signal}` : `exited with code ${code}`} ${after}, ` +
      `and the kernel had ended a process of it: ${why}`;
}

/** `64 MiB`, `1.5 GiB`, `5000000 bytes`. */
function bytesText(bytes: number): string {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20]] as const) {
    if (bytes >= size && (bytes * 10) % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${bytes} bytes`;
}

/** The signal that a shell's exit code means; null for a code of the program's own. */
export function signalOf(code: number | null): string | null {
  return code === null ? null : SIGNALS[code - 128] ?? null;
}

/** Ends that say nothing of the server itself. */
const EXPLAINED: readonly Exit["reason"][] = ["Stopped", "HostRebooted", "LeaseLapsed"];

/** Whether an exit is a failure, whose last output is worth keeping. */
export function isFailure(exit: Exit): boolean {
  return !EXPLAINED.includes(exit.reason) && exit.code !== 0;
}

/** `840 ms`, `12 s`, `3 min 20 s`, `5 h 2 min`. */
export function durationText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 1) return `${Math.max(0, Math.round(ms))} ms`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return withRest(`${minutes} min`, seconds % 60, "s");
  return withRest(`${Math.floor(minutes / 60)} h`, minutes % 60, "min");
}

function withRest(text: string, rest: number, unit: string): string {
  return rest === 0 ? text : `${text} ${rest} ${unit}`;
}

function unreachable(reason: never): never {
  throw new Error(`unknown reason: ${reason}`);
}
