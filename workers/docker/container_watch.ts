/** Notices the end of containers: by the daemon's events, and by looking anew whenever those may have been missed. */
import { sleep } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { StartOutcome } from "../platform.ts";
import { type DockerSite, infoOf, isLive } from "./docker_site.ts";
import { removedInfo, type Run, runInfoOf } from "./run_info.ts";

/** From one try to hear the daemon's events to the next. */
const PAUSE_MS_FIRST = 100;
const PAUSE_MS_MAX = 2_000;
const LOOK_AGAIN_MS = 500;
/** Events are enough; this is for a daemon that keeps a connection open and says nothing on it. */
const LOOK_EVERY_MS = 10_000;
/** Of starts that failed, and of ends, the latest are remembered. */
const REMEMBERED_MAX = 1_000;

/** A live container that is being watched. */
export interface WatchedContainer {
  readonly run: Run;
  readonly ended: Promise<RuntimeInfo>;
  /** Its end was asked for, so that it is no news. */
  isAsked: boolean;
  /** Until its start has succeeded, its end is the start's outcome. */
  isStarting: boolean;
}

interface Entry extends WatchedContainer {
  settle(info: RuntimeInfo): void;
  looking: Promise<void> | null;
  /** It may have ended after it was looked at. */
  mustLookAgain: boolean;
  cancelRetry: (() => void) | null;
}

export class ContainerWatch {
  /** By container. */
  readonly #entries = new Map<string, Entry>();
  /** Those that have ended, by life: what was looked at before its end may be shown only after it. */
  readonly #ended = new Map<string, Entry>();
  /** Those whose start has not succeeded: it is under way, or is one of the latest that failed. */
  readonly #starting = new Set<string>();
  readonly #closing = new AbortController();
  #isListening = false;

  constructor(
    private readonly site: DockerSite,
    private readonly onUnexpectedEnd: (info: RuntimeInfo) => void,
  ) {}

  /**
   * Runs `start`, which brings a container to life: unless it succeeds, the end of that is its outcome and no news, whoever
   * looks at it when.
   */
  async whileStarting(
    containerId: string,
    start: () => Promise<StartOutcome>,
  ): Promise<StartOutcome> {
    dropOldest(this.#starting);
    this.#starting.add(containerId);
    const outcome = await start();
    if (outcome.kind === "running") this.#starting.delete(containerId);
    return outcome;
  }

  /** All that is watched. */
  live(): Run[] {
    return [...this.#entries.values()].map(({ run }) => run);
  }

  /** Watches a live container; one that is watched already is given back, as is one whose end was seen since. */
  watch(run: Run): WatchedContainer {
    const { id, startedAt } = run.state;
    const known = this.#entries.get(id) ?? this.#ended.get(lifeOf(id, startedAt));
    if (known) return known;
    const { promise: ended, resolve: settle } = Promise.withResolvers<RuntimeInfo>();
    const entry: Entry = {
      run,
      ended,
      settle,
      isAsked: false,
      isStarting: this.#starting.has(id),
      looking: null,
      mustLookAgain: false,
      cancelRetry: null,
    };
    this.#entries.set(id, entry);
    this.#listen();
    // Its event may have come before it was watched.
    void this.look(id);
    return entry;
  }

  /** Looks whether a container has ended, without waiting for the daemon to say so. */
  async look(containerId: string): Promise<void> {
    const entry = this.#entries.get(containerId);
    if (!entry) return;
    entry.mustLookAgain = true;
    entry.looking ??= this.#lookAt(containerId, entry);
    await entry.looking;
  }

  async #lookAt(containerId: string, entry: Entry): Promise<void> {
    try {
      while (entry.mustLookAgain && this.#entries.get(containerId) === entry) {
        entry.mustLookAgain = false;
        const info = await this.#endOf(entry);
        if (info !== null && !this.#closing.signal.aborted) this.#settle(containerId, entry, info);
      }
    } catch {
      // The daemon is away, or busy with it.
      if (this.#closing.signal.aborted) return;
      entry.cancelRetry ??= this.site.clock.after(LOOK_AGAIN_MS, () => {
        entry.cancelRetry = null;
        void this.look(containerId);
      });
    } finally {
      entry.looking = null;
    }
  }

  #settle(containerId: string, entry: Entry, info: RuntimeInfo): void {
    this.#entries.delete(containerId);
    entry.cancelRetry?.();
    dropOldest(this.#ended);
    this.#ended.set(lifeOf(containerId, info.startedAt), entry);
    entry.settle(info);
    // Another worker of this daemon may have stopped it: then its mark says so.
    const isNews = !entry.isAsked && info.exit?.reason !== "Stopped" &&
      info.exit?.reason !== "Killed";
    if (isNews && !entry.isStarting) this.onUnexpectedEnd(info);
  }

  close(): void {
    this.#closing.abort();
    for (const { cancelRetry } of this.#entries.values()) cancelRetry?.();
    this.#entries.clear();
  }

  /** Null: it lives. */
  async #endOf({ run, isAsked }: Entry): Promise<RuntimeInfo | null> {
    const { engine, identity, clock, marks } = this.site;
    const { instanceId, runId } = run.labels;
    const state = await engine.inspect(run.state.id);
    if (state === null) {
      const wasAsked = isAsked || (await marks.of(instanceId)).stops.has(runId);
      return removedInfo(runInfoOf(identity.id, run, false), clock.now(), wasAsked);
    }
    const now = { labels: run.labels, state };
    return isLive(now) ? null : await infoOf(this.site, now);
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    void this.#hearEvents();
    void this.#lookNowAndThen();
  }

  async #hearEvents(): Promise<void> {
    const { talk, clock } = this.site;
    const { signal } = this.#closing;
    const onEnd = (id: string) => void this.look(id);
    let pauseMs = PAUSE_MS_FIRST;
    const onOpen = () => {
      pauseMs = PAUSE_MS_FIRST;
      this.#lookAtAll();
    };
    while (!signal.aborted) {
      await talk.watchEnds({ onOpen, onEnd }, signal).catch(() => {});
      await sleep(clock, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  async #lookNowAndThen(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await sleep(this.site.clock, LOOK_EVERY_MS, signal);
      this.#lookAtAll();
    }
  }

  #lookAtAll(): void {
    for (const id of [...this.#entries.keys()]) void this.look(id);
  }
}

function dropOldest(kept: Set<string> | Map<string, unknown>): void {
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= REMEMBERED_MAX) kept.delete(oldest);
}

/** A container that somebody starts again lives once more. */
function lifeOf(containerId: string, startedAt: number | null): string {
  return `${containerId} ${startedAt ?? 0}`;
}
