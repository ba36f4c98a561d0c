/** Notices the end of runs: whatever is new of a pod, and whenever news may have been missed, its instance is looked at. */
import { OperationalError } from "../../events/errors.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { type ClusterSite, hasOwnPod, look, stateOf } from "./cluster_site.ts";
import { endRun } from "./end_run.ts";
import { podName } from "./object_names.ts";

/** From a look that came to nothing to the next. */
const LOOK_AGAIN_MS = 1_000;

interface Entry {
  info: RuntimeInfo;
  /** Until its start has succeeded, its end is the start's outcome. */
  isStarting: boolean;
  isLookedAt: boolean;
  mustLookAgain: boolean;
  /** A stop of it has failed: whoever asked for its end does not wait for it any more. */
  isStopFailed: boolean;
}

export class RunWatch {
  /** By instance: live runs. */
  readonly #entries = new Map<string, Entry>();
  readonly #starting = new Set<string>();
  #isClosed = false;

  constructor(
    private readonly site: ClusterSite,
    private readonly onUnexpectedEnd: (info: RuntimeInfo) => void,
  ) {}

  /** Runs a start: until it is over, the end of the instance's run is its outcome and no news. */
  async whileStarting<T>(instanceId: string, start: () => Promise<T>): Promise<T> {
    this.#starting.add(instanceId);
    try {
      return await start();
    } finally {
      this.#starting.delete(instanceId);
      const entry = this.#entries.get(instanceId);
      if (entry?.isStarting) this.#entries.delete(instanceId);
    }
  }

  isStarting(instanceId: string): boolean {
    return this.#starting.has(instanceId);
  }

  /** All that is watched. */
  live(): RuntimeInfo[] {
    return [...this.#entries.values()].map(({ info }) => info);
  }

  /** Watches a live run; one that is watched already is left at that. */
  watch(info: RuntimeInfo): void {
    const { instanceId, runId } = info;
    if (this.#isClosed || this.#entries.get(instanceId)?.info.runId === runId) return;
    this.#entries.set(instanceId, {
      info,
      isStarting: this.isStarting(instanceId),
      isLookedAt: false,
      mustLookAgain: false,
      isStopFailed: false,
    });
    // It may have ended between the look that found it and now.
    void this.look(instanceId);
  }

  /** Its start has succeeded: from here on its end is news. */
  started(info: RuntimeInfo): void {
    this.watch(info);
    const entry = this.#entries.get(info.instanceId);
    if (entry) entry.isStarting = false;
  }

  /** A stop has come to nothing: the run's end is news, whenever and however it comes. */
  stopFailed(instanceId: string): void {
    const entry = this.#entries.get(instanceId);
    if (!entry) return;
    entry.isStopFailed = true;
    void this.look(instanceId);
  }

  /** Looks at those whose pod nobody has told of. */
  lookAtMissing(): void {
    for (const instanceId of [...this.#entries.keys()]) {
      if (this.site.pods.latest(podName(instanceId)) === null) void this.look(instanceId);
    }
  }

  /** Looks whether a watched run has ended, and settles its end. */
  async look(instanceId: string): Promise<void> {
    const entry = this.#entries.get(instanceId);
    if (!entry || entry.isStarting) return;
    if (entry.isLookedAt) {
      entry.mustLookAgain = true;
      return;
    }
    entry.isLookedAt = true;
    let isSure = true;
    try {
      await this.#lookNow(instanceId, entry);
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      isSure = false;
    } finally {
      entry.isLookedAt = false;
    }
    if (this.#entries.get(instanceId) !== entry || this.#isClosed) return;
    if (!isSure) this.site.clock.after(LOOK_AGAIN_MS, () => void this.look(instanceId));
    else if (entry.mustLookAgain) {
      entry.mustLookAgain = false;
      await this.look(instanceId);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#entries.clear();
  }

  async #lookNow(instanceId: string, entry: Entry): Promise<void> {
    const { runId } = entry.info;
    const sight = await look(this.site, instanceId);
    const state = stateOf(this.site, sight);
    if (state.kind === "live" && state.run.runId === runId) return;
    if (state.kind === "none" || state.run.runId !== runId) {
      // Its set was removed and its pod is about to go: that is when it has ended.
      if (sight.set === null && hasOwnPod(this.site, sight)) return;
      // Or its set says something else of it: whoever did so knows.
      this.#entries.delete(instanceId);
      if (sight.set === null) this.#tell(entry, removedInfo(entry.info, this.site.clock.now()));
      return;
    }
    if (state.kind === "ended") return this.#over(instanceId, entry, state.info);
    // Whoever has asked for its end waits for it.
    if (sight.record.isEndAsked && !entry.isStopFailed) return;
    const wish = { runId, isAsked: false, isOnlyIfOver: true };
    const ending = await endRun(this.site, instanceId, wish);
    if (ending.kind === "ended" && ending.info) this.#over(instanceId, entry, ending.info);
  }

  #over(instanceId: string, entry: Entry, info: RuntimeInfo): void {
    if (this.#entries.get(instanceId) !== entry) return;
    this.#entries.delete(instanceId);
    this.#tell(entry, info);
  }

  #tell({ isStopFailed }: Entry, info: RuntimeInfo): void {
    const { reason } = info.exit ?? {};
    const isAsked = reason === "Stopped" || reason === "Killed";
    if (this.#isClosed || (isAsked && !isStopFailed)) return;
    this.onUnexpectedEnd(info);
  }
}

/** What is said of a run whose set somebody has deleted. */
function removedInfo(last: RuntimeInfo, at: number): RuntimeInfo {
  return {
    ...last,
    status: "Stopped",
    stoppedAt: Math.max(at, last.startedAt),
    exit: {
      code: null,
      signal: null,
      reason: "Unknown",
      message: "ended, and somebody deleted its set: nobody can say how it ended",
    },
  };
}
