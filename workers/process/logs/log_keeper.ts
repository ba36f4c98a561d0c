/**
 * Looks after the output of a site's servers, which they write by themselves: notes how much was there when, marks
 * starts and ends, frees what is too much or too old, and wakes who waits for more.
 *
 * By `stat`, not by file events: a look costs 3 µs, so a thousand idle servers cost 1 % of a core; inotify, as Deno
 * offers it, costs a thousand times more for each write of a server that writes much, and has limits of the host.
 */
import type { Clock } from "../../../events/clock.ts";
import type { InstanceFolder } from "../instance_folder.ts";
import { formerOutputs } from "./former_outputs.ts";
import type { FreeRange } from "./free_range.ts";
import { type Offsets, SLACK, STREAMS } from "./log_index.ts";
import { filesOf, pathOf, readIndex, sizeOf } from "./log_store.ts";
import { WatchedOutput } from "./watched_output.ts";

/** How much output a site keeps. */
export interface LogLimits {
  /** Of one instance, both streams together. */
  keepBytes: number;
  /** Older output is removed. */
  keepMs: number;
  /** Of all deleted instances together. */
  deletedBytesMax: number;
}

export const DEFAULT_LOG_LIMITS: Readonly<LogLimits> = {
  keepBytes: 64 * 1024 * 1024,
  keepMs: 7 * 24 * 3_600_000,
  deletedBytesMax: 1024 * 1024 * 1024,
};

const TICK_MS = 250;
/** While somebody waits for more. */
const HURRIED_TICK_MS = 100;
/** Of those that write nothing one in so many is looked at in a tick. */
const IDLE_SHARE = 4;
/** Its first lines are the ones that somebody waits for. */
const BEGINS_FOR_MS = 2_000;
/** After a longer pause of the worker itself nobody knows when what came meanwhile was written. */
const ASLEEP_AFTER_MS = 5_000;
const FIRST_AGE_CHECK_MS = 60_000;
const AGE_CHECK_MS = 10 * 60_000;
/** Where files cannot be freed in part, they are emptied at this many times what is kept: the disk comes first. */
const EMPTIED_AT = 4;
/** A part of a file is freed up to a whole block. */
const BLOCK_BYTES = 4_096;

export interface LogKeeperParts {
  clock: Clock;
  limits: LogLimits;
  freeRange: FreeRange;
  /** Where the output of deleted instances goes. */
  deletedFolder: string;
}

export class LogKeeper {
  readonly #outputs = new Map<string, WatchedOutput>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #freeing = new Map<WatchedOutput, Promise<void>>();
  #cancelTick: (() => void) | null = null;
  #tickDelay = TICK_MS;
  #tickedAt: number;
  #cancelAgeCheck: (() => void) | null = null;
  #tick = 0;
  #isClosed = false;

  constructor(private readonly parts: LogKeeperParts) {
    this.#tickedAt = parts.clock.monotonic();
  }

  /** Makes ready for a run; gives where its output begins. Throws what the disk says. */
  prepare(folder: InstanceFolder, runId: string): Offsets {
    const output = this.#outputOf(folder);
    const begin = output.begin(runId, this.parts.limits.keepBytes);
    output.isUnsupervised = false;
    void this.#free(output);
    this.#wake(folder.instanceId);
    return begin;
  }

  /** A run that was made ready does not come to life. */
  refused(folder: InstanceFolder, runId: string): void {
    this.#mark(folder, "ended", `run ${runId} did not start`, runId);
  }

  /** Its server lives. `isAdopted`: the worker has found it, and has not seen what it wrote before. */
  watch(folder: InstanceFolder, runId: string, isAdopted: boolean): void {
    quietly(() => {
      const output = this.#outputOf(folder);
      output.isLive = true;
      output.busyUntil = this.parts.clock.monotonic() + BEGINS_FOR_MS;
      if (isAdopted) this.#adopt(output, runId);
    });
    this.#wake(folder.instanceId);
    this.#schedule();
  }

  #adopt(output: WatchedOutput, runId: string): void {
    output.isUnsupervised = true;
    // Of a server that an older release has started there is none. It is there, mostly; or the instance's folder is gone.
    quietly(() => Deno.mkdirSync(output.folder, { mode: 0o700 }));
    quietly(() => {
      output.look();
      output.mark("returned", "a worker watches again: until here, times are not known", runId);
    });
    output.isUnsupervised = false;
    void this.#free(output);
  }

  /** Its server has ended; told of again, or for a run that has its mark, it changes nothing. */
  ended(folder: InstanceFolder, runId: string, how: string, at: number): void {
    const known = this.#outputs.get(folder.instanceId);
    if (known && !known.isLive && known.openRun !== runId) return;
    quietly(() => {
      const output = this.#outputOf(folder);
      if (output.openRun === runId) this.#mark(folder, "ended", `run ${runId} ${how}`, runId, at);
      output.isLive = false;
      output.isUnsupervised = true;
    });
  }

  /** Whether a worker here knows when what is written now is written. */
  isWatching(instanceId: string): boolean {
    const output = this.#outputs.get(instanceId);
    return output !== undefined && output.isLive && !output.isUnsupervised;
  }

  /** Resolves when there may be more, or when `withinMs` are over. */
  async changed(instanceId: string, withinMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(instanceId) ?? new Set();
    this.#waiting.set(instanceId, waiting.add(resolve));
    const cancel = this.parts.clock.after(withinMs, resolve);
    this.#schedule();
    await promise;
    cancel();
    waiting.delete(resolve);
    if (waiting.size === 0) this.#waiting.delete(instanceId);
  }

  /** Puts the output of an instance that is being deleted where it is kept for a while. */
  async retire(folder: InstanceFolder): Promise<void> {
    const output = this.#outputs.get(folder.instanceId);
    if (output) await this.#freeing.get(output);
    this.#outputs.delete(folder.instanceId);
    const { deletedFolder, clock } = this.parts;
    // What cannot be kept goes with the instance: a disk that is full must not keep it from being deleted.
    await formerOutputs(deletedFolder).keep(folder, clock.now()).catch(unlessOfHost);
    await this.#pruneDeleted();
    this.#wake(folder.instanceId);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTick?.();
    this.#cancelAgeCheck?.();
    for (const waiting of this.#waiting.values()) for (const wake of waiting) wake();
    await Promise.all(this.#freeing.values());
  }

  #outputOf(folder: InstanceFolder): WatchedOutput {
    const known = this.#outputs.get(folder.instanceId);
    if (known) return known;
    const output = new WatchedOutput(folder.path, this.parts.clock);
    this.#outputs.set(folder.instanceId, output);
    this.#cancelAgeCheck ??= this.#checkAgesIn(FIRST_AGE_CHECK_MS);
    return output;
  }

  #mark(folder: InstanceFolder, kind: string, text: string, runId: string, at?: number): void {
    quietly(() => {
      const output = this.#outputOf(folder);
      output.look();
      output.mark(kind, text, runId, at);
      output.tidy();
    });
    this.#wake(folder.instanceId);
  }

  #wake(instanceId: string): void {
    for (const wake of this.#waiting.get(instanceId) ?? []) wake();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const delay = this.#waiting.size > 0 ? HURRIED_TICK_MS : TICK_MS;
    if (this.#cancelTick && this.#tickDelay <= delay) return;
    // Nothing to look at is no sleep.
    if (!this.#cancelTick) this.#tickedAt = this.parts.clock.monotonic();
    this.#cancelTick?.();
    this.#tickDelay = delay;
    this.#cancelTick = this.parts.clock.after(delay, () => {
      this.#cancelTick = null;
      this.#lookRound();
      if (this.#hasWork()) this.#schedule();
    });
  }

  #hasWork(): boolean {
    return this.#outputs.values().some((output) => output.isLive);
  }

  #lookRound(): void {
    const now = this.parts.clock.monotonic();
    const wasAsleep = now - this.#tickedAt > ASLEEP_AFTER_MS;
    this.#tickedAt = now;
    this.#tick++;
    let index = 0;
    for (const [instanceId, output] of this.#outputs) {
      if (!output.isLive) continue;
      const isDue = wasAsleep || this.#waiting.has(instanceId) ||
        now < output.busyUntil || (this.#tick + index++) % IDLE_SHARE === 0;
      if (isDue) this.#lookAt(instanceId, output, wasAsleep);
    }
  }

  #lookAt(instanceId: string, output: WatchedOutput, wasAsleep: boolean): void {
    quietly(() => {
      output.isUnsupervised ||= wasAsleep;
      const grew = output.look();
      output.isUnsupervised = false;
      if (!grew) return;
      this.#wake(instanceId);
      output.tidy();
      void this.#free(output);
    });
  }

  #checkAgesIn(delayMs: number): () => void {
    return this.parts.clock.after(delayMs, () => {
      void this.#checkAges();
      this.#cancelAgeCheck = this.#checkAgesIn(AGE_CHECK_MS);
    });
  }

  async #checkAges(): Promise<void> {
    for (const output of this.#outputs.values()) await this.#free(output, true);
    await this.#pruneDeleted();
  }

  /** One at a time for an instance; what is freed is written down first. */
  #free(output: WatchedOutput, isAgeToo = false): Promise<void> {
    const { keepBytes, keepMs } = this.parts.limits;
    const running = this.#freeing.get(output);
    if (running) return running;
    if (!isAgeToo && output.kept <= keepBytes * SLACK) return Promise.resolve();
    const keepAfter = this.parts.clock.now() - keepMs;
    const work = this.#freeNow(output, { keepBytes, keepAfter })
      // A disk that is full or broken: the next look tries again.
      .catch(() => undefined)
      .finally(() => this.#freeing.delete(output));
    this.#freeing.set(output, work);
    return work;
  }

  async #freeNow(
    output: WatchedOutput,
    limits: { keepBytes: number; keepAfter: number },
  ): Promise<void> {
    const { freed } = output;
    const upTo = output.release(limits);
    if (upTo === null) return;
    const files = filesOf(output.folder, readIndex(output.folder));
    for (const stream of STREAMS) {
      const parts = files[stream];
      for (const [index, { file, base }] of parts.entries()) {
        const path = pathOf(output.folder, file);
        const partEnd = parts[index + 1]?.base ?? Infinity;
        if (partEnd <= upTo[stream]) await Deno.remove(path).catch(unlessGone);
        else if (output.canFree) {
          output.canFree = await this.#freePart(path, freed[stream] - base, upTo[stream] - base);
        }
      }
    }
    output.freed = upTo;
    const isFull = output.fileBytes > limits.keepBytes * EMPTIED_AT;
    if (!output.canFree && isFull) output.cutDown();
  }

  /** False where it cannot be done. The byte before `to` stays: it tells whether a line begins at `to`. */
  async #freePart(path: string, from: number, to: number): Promise<boolean> {
    const first = wholeBlocks(Math.max(0, from - 1));
    const length = wholeBlocks(Math.max(0, to - 1)) - first;
    if (length <= 0) return true;
    // Somebody has removed it: that says nothing of the filesystem.
    return await this.parts.freeRange(path, first, length) || sizeOf(path) === null;
  }

  async #pruneDeleted(): Promise<void> {
    const { deletedFolder, limits, clock } = this.parts;
    await formerOutputs(deletedFolder).prune(clock.now() - limits.keepMs, limits.deletedBytesMax)
      // It is tried again with the next one.
      .catch(() => undefined);
  }
}

/** A disk that is full or broken must neither end a server nor keep one from being ended. */
function quietly(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isOfHost(error)) throw error;
  }
}

function wholeBlocks(bytes: number): number {
  return Math.floor(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function isOfHost(error: unknown): boolean {
  return error instanceof Error && ("code" in error || error.name in Deno.errors);
}

function unlessOfHost(error: unknown): void {
  if (!isOfHost(error)) throw error;
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
