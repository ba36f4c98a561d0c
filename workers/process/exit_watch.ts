/**
 * Notices the end of runs: of those that this worker started by their shim, of adopted ones by the mark that their shim
 * leaves, and of those whose shim was killed by their process. What it costs does not grow with the number of runs.
 */
import { type Clock, sleep } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { ExitRecord, InstanceFolder, RunRecord, StopRecord } from "./instance_folder.ts";
import type { ProbeRecord } from "./probe_record.ts";
import type { ProcessTable } from "./process_table.ts";
import { bareEndedInfo, endedInfo, isAlive, runStateOf } from "./run_state.ts";
import { endStragglers } from "./stragglers.ts";

const TICK_MS = 100;
/** While somebody waits for a stop. */
const HURRIED_TICK_MS = 10;
/** Exit records that are looked at in a tick, by turns: a shim of an older release, or on a full disk, leaves no mark. */
const RECORDS_PER_TICK = 20;
/** Processes that are looked at each 100 ms, by turns, and as many of those being stopped: questions to the table. */
const LOOKS_AT_ONCE = 5;
/** How long a shim gets to write down the exit of a server that is gone. */
const RECORD_WITHIN_MS = 1_000;
const RECORD_PAUSE_MS = 20;

/** A live run that is being watched. */
export interface WatchedRun {
  readonly folder: InstanceFolder;
  readonly run: RunRecord;
  /** Its last word, after its children are gone too. Never rejects. */
  readonly ended: Promise<RuntimeInfo>;
  /** Set by whoever ends it: its end is then no news. */
  stop: StopRecord | null;
  /** Once it has ended: whether nothing that it had left behind is there any more. */
  isSwept: boolean;
  /** True until its start has succeeded: until then its end is the start's outcome. */
  isStarting: boolean;
}

interface Entry extends WatchedRun {
  settle: (info: RuntimeInfo) => void;
  isSettling: boolean;
  isPolled: boolean;
}

/** What the watch needs, and whom it tells of ends that nobody asked for. */
export interface ExitWatchParts {
  clock: Clock;
  table: ProcessTable;
  site: string;
  /** Ends what is in the run's control groups, and takes those away. */
  endConfined: (folder: InstanceFolder, runId: string) => Promise<void>;
  output: RunOutput;
  /** Where shims leave a mark for each instance whose run has ended. */
  endedFolder: string;
  onUnexpectedEnd: (info: RuntimeInfo) => void;
  /** What the probes of a run have said, and what it used; null where nothing is known. */
  probesOf: (runId: string) => ProbeRecord | null;
}

/** Who looks after what servers print. */
export interface RunOutput {
  watch(folder: InstanceFolder, runId: string, isAdopted: boolean): void;
  ended(folder: InstanceFolder, runId: string, how: string, at: number): void;
}

/** The runs that are live on this site, by instance. */
export class ExitWatch {
  readonly #runs = new Map<string, Entry>();
  readonly #parts: ExitWatchParts;
  #cancelTick: (() => void) | null = null;
  #isHurried = false;
  #recordTurn = 0;
  #lookTurn = 0;
  #lookedAt = -Infinity;
  #isLooking = false;
  #isClosed = false;

  constructor(parts: ExitWatchParts) {
    this.#parts = parts;
  }

  get(instanceId: string): WatchedRun | undefined {
    return this.#runs.get(instanceId);
  }

  /** All that is watched. */
  live(): RunRecord[] {
    return [...this.#runs.values()].map(({ run }) => run);
  }

  /** Watches a live run; one that is watched already is given back. `shim` is null for adopted ones. */
  watch(
    folder: InstanceFolder,
    run: RunRecord,
    shim: Promise<Deno.CommandStatus> | null,
  ): WatchedRun {
    const known = this.#runs.get(folder.instanceId);
    if (known?.run.runId === run.runId) {
      // Somebody inspected it between its spawn and its report: it is ours all the same.
      if (shim) this.#follow(known, shim);
      return known;
    }
    const { promise: ended, resolve: settle } = Promise.withResolvers<RuntimeInfo>();
    const entry: Entry = {
      folder,
      run,
      ended,
      settle,
      stop: null,
      isSwept: false,
      isStarting: false,
      isSettling: false,
      isPolled: true,
    };
    this.#runs.set(folder.instanceId, entry);
    this.#parts.output.watch(folder, run.runId, shim === null);
    if (shim) this.#follow(entry, shim);
    else this.#schedule();
    return entry;
  }

  /** Looks more often, now that somebody waits. */
  hurry(): void {
    // Once only: stops that come faster than ticks would put off the tick for ever.
    if (this.#isHurried || !this.#polled().some((entry) => entry.stop)) return;
    this.#cancelTick?.();
    this.#cancelTick = null;
    this.#schedule();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTick?.();
    this.#runs.clear();
  }

  #follow(entry: Entry, shim: Promise<Deno.CommandStatus>): void {
    entry.isStarting = true;
    entry.isPolled = false;
    shim.then((status) => this.#afterShim(entry, status));
  }

  async #afterShim(entry: Entry, status: Deno.CommandStatus): Promise<void> {
    if (this.#isClosed) return;
    try {
      // Somebody killed the shim: the server lives on without it.
      if (status.signal !== null && await isAlive(entry.run, this.#parts.table)) {
        entry.isPolled = true;
        return this.#schedule();
      }
    } catch {
      // The process table is away; polling asks it again.
      entry.isPolled = true;
      return this.#schedule();
    }
    await this.#settle(entry, status.signal === null ? status.code : null);
  }

  #schedule(): void {
    if (this.#isClosed || this.#cancelTick) return;
    const polled = this.#polled();
    if (polled.length === 0) return;
    this.#isHurried = polled.some((entry) => entry.stop);
    const tickMs = this.#isHurried ? HURRIED_TICK_MS : TICK_MS;
    this.#cancelTick = this.#parts.clock.after(tickMs, () => {
      this.#cancelTick = null;
      this.#isHurried = false;
      this.#poll();
      this.#schedule();
    });
  }

  #polled(): Entry[] {
    return [...this.#runs.values()].filter((entry) => entry.isPolled && !entry.isSettling);
  }

  #poll(): void {
    const polled = this.#polled();
    const turn = turnOf(polled, this.#recordTurn, RECORDS_PER_TICK);
    this.#recordTurn += turn.length;
    const stopping = polled.filter((entry) => entry.stop);
    for (const entry of new Set([...this.#takeMarks(), ...stopping, ...turn])) {
      if (entry.folder.isExitRecorded(entry.run.runId)) this.#settle(entry, null);
    }
    void this.#lookAtSome(polled, stopping);
  }

  /** The runs that their shims have told of since; the mark goes before its run is looked at, so that none is lost. */
  #takeMarks(): Entry[] {
    const { endedFolder } = this.#parts;
    const marked: Entry[] = [];
    try {
      for (const { name } of Deno.readDirSync(endedFolder)) {
        Deno.removeSync(`${endedFolder}/${name}`);
        const entry = this.#runs.get(name);
        if (entry?.isPolled && !entry.isSettling) marked.push(entry);
      }
    } catch {
      // Somebody removed the folder, or made it unreadable: the records are looked at by turns all the same.
    }
    return marked;
  }

  /** At a steady pace, and never while the last looks are not answered: however many stops wait, the table keeps up. */
  async #lookAtSome(polled: Entry[], stopping: Entry[]): Promise<void> {
    const now = this.#parts.clock.monotonic();
    if (this.#isLooking || now - this.#lookedAt < TICK_MS) return;
    this.#isLooking = true;
    this.#lookedAt = now;
    const turn = [polled, stopping].flatMap((some) => turnOf(some, this.#lookTurn, LOOKS_AT_ONCE));
    this.#lookTurn += LOOKS_AT_ONCE;
    await Promise.all([...new Set(turn)].map((entry) => this.#look(entry)));
    this.#isLooking = false;
  }

  async #look(entry: Entry): Promise<void> {
    try {
      if (await isAlive(entry.run, this.#parts.table)) return;
    } catch {
      // The process table is away for a moment: the next tick asks again.
      return;
    }
    void this.#settle(entry, null);
  }

  async #settle(entry: Entry, shimCode: number | null): Promise<void> {
    if (entry.isSettling || this.#isClosed) return;
    entry.isSettling = true;
    const { site, table, clock, endedFolder } = this.#parts;
    const { folder, run } = entry;
    const ended = await concludeRun(folder, run, shimCode, table, clock);
    await this.#parts.endConfined(folder, run.runId)
      // What is still in there is found by its marks, and its groups by the next worker.
      .catch(() => {});
    const whose = { site, instanceId: folder.instanceId, runId: run.runId };
    entry.isSwept = await endStragglers(table, clock, whose)
      // What is still there holds the lock: the next start finds it and says so.
      .catch(() => false);
    removeMark(`${endedFolder}/${folder.instanceId}`);
    const { message } = bareEndedInfo(site, folder.instanceId, run, ended, null, entry.stop).exit;
    this.#parts.output.ended(folder, run.runId, message, ended.stoppedAt);
    const probes = this.#parts.probesOf(run.runId) ?? { results: [], isFailed: false };
    const info = await endedInfo(site, folder, { run, ...ended }, entry.stop, probes)
      // Its records cannot be read any more; that it ended is still to be said.
      .catch(() => bareEndedInfo(site, folder.instanceId, run, ended));
    if (this.#isClosed) return;
    if (this.#runs.get(folder.instanceId) === entry) this.#runs.delete(folder.instanceId);
    entry.settle(info);
    // Another worker on this folder may have stopped it: then the record says so.
    const wasAsked = info.exit?.reason === "Stopped" || info.exit?.reason === "Killed";
    if (!wasAsked && !entry.isStarting) this.#parts.onUnexpectedEnd(info);
  }
}

/** Not in the background: of a deleted instance nobody would remove it later. */
function removeMark(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // There is none: an older shim, or the watch has taken it.
  }
}

/** The next `count` of them, from where the last turn ended. */
function turnOf(all: readonly Entry[], from: number, count: number): Entry[] {
  if (all.length <= count) return [...all];
  return Array.from({ length: count }, (_, index) => all[(from + index) % all.length]!);
}

/**
 * How a run whose process is gone ended. Its shim may be about to write that down; if it never does,
 * the exit is recorded here, so that everyone says the same of it from now on.
 */
export async function concludeRun(
  folder: InstanceFolder,
  run: RunRecord,
  shimCode: number | null,
  table: ProcessTable,
  clock: Clock,
): Promise<{ exit: ExitRecord; stoppedAt: number }> {
  const until = clock.monotonic() + RECORD_WITHIN_MS;
  const isOtherBoot = run.bootId !== await table.bootId().catch(() => run.bootId);
  const isWaiting = shimCode === null && !isOtherBoot;
  while (isWaiting && !folder.isExitRecorded(run.runId) && clock.monotonic() < until) {
    await sleep(clock, RECORD_PAUSE_MS);
  }
  const state = await runStateOf(folder, table).catch(() => null);
  if (state?.kind === "ended" && state.run.runId === run.runId) {
    return { exit: state.exit, stoppedAt: state.stoppedAt };
  }
  const exit: ExitRecord = shimCode !== null
    ? { runId: run.runId, code: shimCode }
    : { runId: run.runId, code: null, reason: isOtherBoot ? "HostRebooted" : "Unknown" };
  // A full disk must not hide an exit: it is reported all the same, and recorded by the next reader.
  await folder.writeExit(exit).catch(() => undefined);
  return { exit, stoppedAt: clock.now() };
}
