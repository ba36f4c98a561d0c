/** When Redis refuses what it is asked, and with which words: those of Redis 7.4. */
import { ReplyError } from "./reply.ts";

/** Why it refuses. `loading`: it reads its data. `busy`: a function of somebody else runs for long. */
export type RefusalKind = "loading" | "full" | "misconf" | "read-only" | "busy";

/** What a command is, as far as a refusal asks. */
export interface Nature {
  writes: boolean;
  needsMemory: boolean;
  /** Answered in every state: INFO tells of the loading itself. */
  isAllowedLoading: boolean;
  isPing: boolean;
}

const ORDER: readonly RefusalKind[] = ["full", "misconf", "read-only", "loading", "busy"];
const NO_SAVE =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may " +
  "modify the data set are disabled, because this instance is configured to report errors during writes if RDB " +
  "snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";

export class Refusals {
  private readonly until = new Map<RefusalKind, number>();
  /** The end of the last of them: what is asked after it need not be looked at. */
  private last = 0;

  constructor(private readonly fsync: "everysec" | "always") {}

  set(kind: RefusalKind, untilMs: number): void {
    this.until.set(kind, untilMs);
    this.last = Math.max(this.last, untilMs);
  }

  /** A new process is neither full nor busy; it may still be a replica. */
  restarted(): void {
    for (const kind of ["full", "misconf", "busy"] as const) this.until.delete(kind);
  }

  isAny(now: number): boolean {
    return this.last > now;
  }

  isNow(kind: RefusalKind, now: number): boolean {
    return (this.until.get(kind) ?? 0) > now;
  }

  /** @throws {ReplyError} when this is refused now */
  check(nature: Nature, now: number): void {
    for (const kind of ORDER) {
      if (this.isNow(kind, now) && isFor(kind, nature)) throw new ReplyError(this.textOf(kind));
    }
  }

  private textOf(kind: RefusalKind): string {
    switch (kind) {
      case "full":
        return "OOM command not allowed when used memory > 'maxmemory'.";
      case "misconf":
        // With `always` a Redis that cannot write its file ends; the other reason for this error remains.
        return this.fsync === "always"
          ? NO_SAVE
          : "MISCONF Errors writing to the AOF file: No space left on device";
      case "read-only":
        return "READONLY You can't write against a read only replica.";
      case "loading":
        return "LOADING Redis is loading the dataset in memory";
      case "busy":
        return "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
    }
  }
}

function isFor(kind: RefusalKind, nature: Nature): boolean {
  switch (kind) {
    case "full":
      return nature.needsMemory;
    case "misconf":
      return nature.writes || nature.isPing;
    case "read-only":
      return nature.writes;
    case "loading":
      return !nature.isAllowedLoading;
    case "busy":
      return true;
  }
}
