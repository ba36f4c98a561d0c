/** Which processes belong to which run, and what they use together. Pure: from lines of `/proc/PID/stat`. */
import type { RunMetrics } from "../../events/metrics.ts";

/** A process as its `stat` tells. */
export interface UsedBy {
  pid: number;
  parent: number;
  session: number;
  /** Clock ticks from boot to its start: with the pid, what tells it from every other. */
  startTicks: string;
  /** Clock ticks of CPU, of its own and of its ended children that it has waited for. */
  cpuTicks: number;
  /** Pages in memory. */
  pages: number;
}

/** A live run, by its server's process. */
export interface RootOf {
  runId: string;
  pid: number;
  startTicks: string;
}

/** Clock ticks a second in `/proc`: the same on every Linux. */
const TICKS_PER_SECOND = 100;
/** A chain of parents is as long as a deep process tree; longer ones are a circle that a reused pid makes. */
const PARENTS_MAX = 64;

/** Lines such as `/proc/12/stat:12 (name) S 1 …`; a name may have any character, a line break too. */
export function parseStats(lines: readonly string[]): Map<number, UsedBy> {
  const texts = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const path = line.slice(0, colon);
    const before = texts.get(path);
    const text = line.slice(colon + 1);
    texts.set(path, before === undefined ? text : `${before}\n${text}`);
  }
  const found = new Map<number, UsedBy>();
  for (const text of texts.values()) {
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const pid = parseInt(text);
    // Less than this: it ended while it was read.
    if (fields.length < 22 || fields[0] === "Z") continue;
    const number = (field: number) => Number(fields[field - 3]);
    found.set(pid, {
      pid,
      parent: number(4),
      session: number(6),
      startTicks: fields[19]!,
      cpuTicks: number(14) + number(15) + number(16) + number(17),
      pages: number(24),
    });
  }
  return found;
}

/** Tells a process from every other one. */
export function keyOf({ pid, startTicks }: Pick<UsedBy, "pid" | "startTicks">): string {
  return `${pid}:${startTicks}`;
}

/**
 * The run of each process that belongs to one: a server, what is in its session, and what descends from those.
 * @param known runs of processes that left both, by `keyOf`
 */
export function runsOf(
  processes: ReadonlyMap<number, UsedBy>,
  roots: readonly RootOf[],
  known: ReadonlyMap<string, string | null>,
): Map<number, string> {
  const found = new Map<number, string>();
  for (const { pid, startTicks, runId } of roots) {
    if (processes.get(pid)?.startTicks === startTicks) found.set(pid, runId);
  }
  const servers = new Map(found);
  const runOf = (process: UsedBy, parents: number): string | undefined => {
    const own = found.get(process.pid) ?? servers.get(process.session) ??
      known.get(keyOf(process)) ?? undefined;
    if (own !== undefined || parents === PARENTS_MAX) return own;
    const parent = processes.get(process.parent);
    return parent && runOf(parent, parents + 1);
  };
  for (const process of processes.values()) {
    const runId = runOf(process, 0);
    if (runId !== undefined) found.set(process.pid, runId);
  }
  return found;
}

/** What was used up to a sample. */
export interface Tallied {
  /** By the monotonic clock, milliseconds. */
  at: number;
  cpuSeconds: number;
}

/** What the processes of one run use together. */
export function usageOf(
  runId: string,
  processes: readonly UsedBy[],
  openFiles: ReadonlyMap<number, number>,
  pageBytes: number,
  at: number,
  before: Tallied | undefined,
): RunMetrics {
  let ticks = 0;
  let pages = 0;
  let files: number | null = 0;
  for (const { pid, cpuTicks, pages: own } of processes) {
    ticks += cpuTicks;
    pages += own;
    const open = openFiles.get(pid);
    files = files === null || open === undefined ? null : files + open;
  }
  // A child that nobody waited for takes its time with it.
  const cpuSeconds = Math.max(ticks / TICKS_PER_SECOND, before?.cpuSeconds ?? 0);
  const elapsed = before ? (at - before.at) / 1_000 : 0;
  const share = before && elapsed > 0 ? (cpuSeconds - before.cpuSeconds) / elapsed : 0;
  return {
    runId,
    cpuShare: Math.round(share * 1_000) / 1_000,
    cpuSeconds,
    memoryBytes: pages * pageBytes,
    openFiles: files,
    processes: processes.length,
  };
}
