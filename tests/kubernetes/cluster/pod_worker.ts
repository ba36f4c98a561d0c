/** A kubelet's care for one pod, from its binding to this node to its end. */
import { ContainerWorker } from "./container_worker.ts";
import type { ReadSource } from "./container_plan.ts";
import type { ContainerLog } from "./container_logs.ts";
import type { EventNote } from "./event_recorder.ts";
import type { ImageStore } from "./image_store.ts";
import type { Pod, PodStatus } from "./kube_objects.ts";
import { pause } from "./pause.ts";
import { podStatus } from "./pod_status.ts";
import { mountVolumes, VolumeError } from "./pod_volumes.ts";

/** What the node gives to a pod. */
export interface PodHost {
  images: ImageStore;
  read: ReadSource;
  /** Of the node; the pod's own folder is made within. */
  folder: string;
  backOffBaseMs: number;
  backOffMaxMs: number;
  say(pod: Pod, note: EventNote): void;
  /** The status is other than it was. */
  changed(worker: PodWorker): void;
}

const MOUNT_RETRY_MS = 200;

/** One pod. */
export class PodWorker {
  pod: Pod;
  readonly #host: PodHost;
  readonly #folder: string;
  readonly #abort = new AbortController();
  readonly #begun: Promise<void>;
  readonly #startedAtMs = Date.now();
  #containers: ContainerWorker[] = [];
  #status: PodStatus | null = null;
  #end: Promise<void> | null = null;
  #deadlineMs = Infinity;
  #eviction: string | null = null;

  constructor(pod: Pod, host: PodHost) {
    this.pod = pod;
    this.#host = host;
    this.#folder = `${host.folder}/pods/${pod.metadata.uid}`;
    this.#begun = this.#begin();
  }

  /** As it is to be told now; conditions keep the times at which they changed. */
  status(): PodStatus {
    const isOver = this.#end !== null && this.#containers.every(({ pid }) => pid === null);
    this.#status = podStatus(
      this.pod,
      this.#containers.map((container) => container.status()),
      this.#startedAtMs,
      this.#status ?? this.pod.status ?? {},
      isOver,
    );
    if (isOver && this.#eviction !== null) {
      const said = { reason: "Evicted", message: this.#eviction };
      this.#status = { ...this.#status, phase: "Failed", ...said };
    }
    return this.#status;
  }

  /** A container's log; null when there is no such container, or no such run of it. */
  log(name: string, isPrevious: boolean): ContainerLog | null {
    return this.#container(name)?.log(isPrevious) ?? null;
  }

  /** Why a container waits; null when it does not. */
  waitsFor(name: string): string | null {
    const { state } = this.#container(name)?.status() ?? {};
    if (!state) return "ContainerCreating";
    return state.waiting?.reason ?? null;
  }

  /** The host's ids of the containers' processes. */
  pids(): Map<string, number> {
    const running = this.#containers.map((each) => [each.status().name, each.pid] as const);
    return new Map(running.filter((each): each is [string, number] => each[1] !== null));
  }

  /** Ends a container as the kernel does when memory runs out. */
  killForMemory(name?: string): void {
    this.#container(name)?.killForMemory();
  }

  /** Ends all of it; done when nothing of it runs. A later call can only hasten it. */
  stop(graceMs: number, isTold = true): Promise<void> {
    const deadlineMs = performance.now() + graceMs;
    if (deadlineMs >= this.#deadlineMs) return this.#end ?? Promise.resolve();
    this.#deadlineMs = deadlineMs;
    this.#abort.abort();
    this.#end = this.#stop(graceMs, isTold && this.#end === null);
    return this.#end;
  }

  /** Ends all of it for the node's sake; the pod stays, as failed, until someone deletes it. */
  async evict(message: string): Promise<void> {
    this.#eviction = message;
    this.#host.say(this.pod, { type: "Warning", reason: "Evicted", message });
    await this.stop(0);
    this.#host.changed(this);
  }

  /** Removes its files. */
  async clear(): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  async #begin(): Promise<void> {
    const { signal } = this.#abort;
    const { images, read, folder, backOffBaseMs, backOffMaxMs } = this.#host;
    let volumes: Awaited<ReturnType<typeof mountVolumes>> | null = null;
    while (!volumes && !signal.aborted) {
      try {
        volumes = await mountVolumes(this.pod, this.#folder, `${folder}/claims`, read);
      } catch (error) {
        if (!(error instanceof VolumeError)) throw error;
        const { message } = error;
        this.#host.say(this.pod, { type: "Warning", reason: "FailedMount", message });
        await pause(MOUNT_RETRY_MS, signal);
      }
    }
    if (!volumes || signal.aborted) return;
    for (const container of this.pod.spec.containers) {
      const own = `${this.#folder}/containers/${container.name}`;
      await Deno.mkdir(own, { recursive: true });
      this.#containers.push(
        new ContainerWorker(this.pod, container, {
          images,
          read,
          volumes,
          folder: own,
          backOffBaseMs,
          backOffMaxMs,
          say: (note) => this.#host.say(this.pod, note),
          changed: () => this.#host.changed(this),
        }),
      );
    }
    this.#host.changed(this);
  }

  async #stop(graceMs: number, isTold: boolean): Promise<void> {
    await this.#begun;
    await Promise.all(this.#containers.map(async (container) => {
      const { name } = container.status();
      if (isTold && container.pid !== null) {
        this.#host.say(this.pod, {
          type: "Normal",
          reason: "Killing",
          message: `Stopping container ${name}`,
          fieldPath: `spec.containers{${name}}`,
        });
      }
      await container.stop(graceMs);
    }));
  }

  #container(name?: string): ContainerWorker | undefined {
    if (name === undefined) return this.#containers[0];
    return this.#containers.find((container) => container.status().name === name);
  }
}
