/** Notices the end of containers: by the daemon's events, and by looking anew whenever those may have been missed. */
import { sleep } from "../../events/clock.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { type DockerSite, infoOf, isLive } from "./docker_site.ts";
import { removedInfo, type Run, runInfoOf } from "./run_info.ts";

/** From one try to hear the daemon's events to the next. */
const PAUSE_MS_FIRST = 100;
const PAUSE_MS_MAX = 2_000;
const LOOK_AGAIN_MS = 500;
/** Events are enough; this is for a daemon that keeps a connection open and says nothing on it. */
const LOOK_EVERY_MS = 10_000;

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
  isLookedAt: boolean;
  /** It may have ended after it was looked at. */
  mustLookAgain: boolean;
}

export class ContainerWatch {
  /** By container. */
  readonly #entries = new Map<string, Entry>();
  readonly #starting = new Set<string>();
  readonly #closing = new AbortController();
  #isListening = false;

  constructor(
    private readonly site: DockerSite,
    private readonly onUnexpectedEnd: (info: RuntimeInfo) => void,
  ) {}

  /**
   * Runs `start`, which brings a container to life: until it is over, the end of that is its outcome and no news, whoever
   * looks at it meanwhile.
   */
  async whileStarting<T>(containerId: string, start: () => Promise<T>): Promise<T> {
    this.#starting.add(containerId);
    try {
      return await start();
    } finally {
      this.#starting.delete(containerId);
    }
  }

  /** All that is watched. */
  live(): Run[] {
    return [...this.#entries.values()].map(({ run }) => run);
  }

  /** Watches a live container; one that is watched already is given back. */
  watch(run: Run): WatchedContainer {
    const { id } = run.state;
    const known = this.#entries.get(id);
    if (known) return known;
    const { promise: ended, resolve: settle } = Promise.withResolvers<RuntimeInfo>();
    const entry: Entry = {
      run,
      ended,
      settle,
      isAsked: false,
      isStarting: this.#starting.has(id),
      isLookedAt: false,
      mustLookAgain: false,
    };
    this.#entries.set(id, entry);
    this.#listen();
    return entry;
  }

  /** Looks whether a container has ended, without waiting for the daemon to say so. */
  async look(containerId: string): Promise<void> {
    const entry = this.#entries.get(containerId);
    if (!entry) return;
    entry.mustLookAgain = entry.isLookedAt;
    if (entry.isLookedAt) return;
    entry.isLookedAt = true;
    try {
      const info = await this.#endOf(entry);
      if (info !== null && !this.#closing.signal.aborted) this.#settle(containerId, entry, info);
    } catch {
      // The daemon is away, or busy with it.
      this.site.clock.after(LOOK_AGAIN_MS, () => void this.look(containerId));
    } finally {
      entry.isLookedAt = false;
    }
    if (entry.mustLookAgain) await this.look(containerId);
  }

  #settle(containerId: string, entry: Entry, info: RuntimeInfo): void {
    this.#entries.delete(containerId);
    entry.settle(info);
    if (!entry.isAsked && !entry.isStarting) this.onUnexpectedEnd(info);
  }

  close(): void {
    this.#closing.abort();
    this.#entries.clear();
  }

  /** Null: it lives. */
  async #endOf({ run, isAsked }: Entry): Promise<RuntimeInfo | null> {
    const { engine, identity, clock } = this.site;
    const state = await engine.inspect(run.state.id);
    if (state === null) {
      return removedInfo(runInfoOf(identity.id, run, false), clock.now(), isAsked);
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
