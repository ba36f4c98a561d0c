/** Hears of every change of the fleet's pods: a list, and a watch from there on, begun anew wherever it breaks off. */
import { type Clock, sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { ClusterApi } from "./cluster_api.ts";
import { type PodObject, PODS } from "./cluster_objects.ts";
import { INSTANCE } from "./object_names.ts";

const PAUSE_MS_FIRST = 100;
const PAUSE_MS_MAX = 5_000;
/** Pods that are gone are remembered for a while: how they ended is asked after that. */
const GONE_KEPT = 1_000;
/** Whoever waits for a change looks at least so often, should the watch be away. */
const LOOK_EVERY_MS = 1_000;

/** Who hears of changes. */
export interface PodListeners {
  /** Something of this instance's pod is new. */
  onPod(instanceId: string): void;
  /** From here on nothing is missed; what was before may have been. */
  onOpen(): void;
}

export class PodWatch {
  readonly #pods = new Map<string, PodObject>();
  /** By uid, the oldest first. */
  readonly #gone = new Map<string, PodObject>();
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #closing = new AbortController();
  #listeners: PodListeners | null = null;

  constructor(
    private readonly api: ClusterApi,
    private readonly clock: Clock,
    private readonly selector: string,
  ) {}

  open(listeners: PodListeners): void {
    this.#listeners = listeners;
    void this.#hear();
  }

  close(): void {
    this.#closing.abort();
    for (const waiting of this.#waiting.values()) for (const wake of waiting) wake();
  }

  /** A pod as it was heard of last; also one that is gone. */
  lastOf(uid: string): PodObject | null {
    if (this.#gone.has(uid)) return this.#gone.get(uid)!;
    return [...this.#pods.values()].find(({ metadata }) => metadata.uid === uid) ?? null;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** A pod as it was heard of last; null for one that is gone, or that nobody has told of. */
  latest(name: string): PodObject | null {
    return this.#pods.get(name) ?? null;
  }

  /** Until the end of a pod was heard of, which tells how it ended; not for long, should the watch be away. */
  async untilGone(uid: string, instanceId: string): Promise<void> {
    if (!this.#gone.has(uid)) await this.change(instanceId, this.#closing.signal, LOOK_EVERY_MS);
  }

  /** Until something of the instance's pod is new, or a moment is over in which that may have been missed. */
  async change(instanceId: string, signal: AbortSignal, limitMs = LOOK_EVERY_MS): Promise<void> {
    const waiting = this.#waiting.get(instanceId) ?? new Set();
    this.#waiting.set(instanceId, waiting);
    const over = new AbortController();
    const wake = () => over.abort();
    waiting.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    if (signal.aborted) wake();
    await sleep(this.clock, limitMs, over.signal);
    signal.removeEventListener("abort", wake);
    waiting.delete(wake);
    if (waiting.size === 0) this.#waiting.delete(instanceId);
  }

  /** Wakes who waits for something of the instance to be new. */
  wake(instanceId: string): void {
    for (const wake of this.#waiting.get(instanceId) ?? []) wake();
  }

  async #hear(): Promise<void> {
    const { signal } = this.#closing;
    let from: string | null = null;
    let pauseMs = PAUSE_MS_FIRST;
    while (!signal.aborted) {
      try {
        from ??= await this.#list();
        const how = await this.api.watch<PodObject>(PODS, { labels: this.selector }, from, {
          onChange: (pod, kind) => this.#note(pod, kind),
          onProgress: (version) => {
            from = version;
            pauseMs = PAUSE_MS_FIRST;
          },
        }, signal);
        if (how === "expired") from = null;
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        from = null;
      }
      await sleep(this.clock, pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  async #list(): Promise<string> {
    const { items, resourceVersion } = await this.api.list<PodObject>(PODS, {
      labels: this.selector,
    });
    const there = new Set(items.map(({ metadata }) => metadata.uid));
    for (const pod of [...this.#pods.values()]) {
      if (!there.has(pod.metadata.uid)) this.#note(pod, "gone");
    }
    for (const pod of items) this.#note(pod, "there");
    this.#listeners?.onOpen();
    return resourceVersion;
  }

  #note(pod: PodObject, kind: "there" | "gone"): void {
    const { name, uid, annotations, resourceVersion } = pod.metadata;
    const isKnown = this.#pods.get(name)?.metadata.resourceVersion === resourceVersion;
    if (kind === "there" && isKnown) return;
    if (kind === "there") this.#pods.set(name, pod);
    else {
      if (this.#pods.get(name)?.metadata.uid === uid) this.#pods.delete(name);
      this.#gone.set(uid, pod);
      const [oldest] = this.#gone.keys();
      if (this.#gone.size > GONE_KEPT && oldest !== undefined) this.#gone.delete(oldest);
    }
    const instanceId = annotations?.[INSTANCE];
    if (instanceId === undefined) return;
    this.wake(instanceId);
    this.#listeners?.onPod(instanceId);
  }
}
