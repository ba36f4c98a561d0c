/** What a kubelet writes to the API server: the status of its pods and its Events, each in its order. */
import { type ApiClient, ApiRefusal } from "./api_client.ts";
import { isSame, type KubeObject, type PodStatus } from "./kube_objects.ts";
import { pause } from "./pause.ts";
import type { PodWorker } from "./pod_worker.ts";

const RETRY_MS = 100;

/** One after the other, and again until the server has it. */
export class KubeletReports {
  readonly #api: ApiClient;
  readonly #signal: AbortSignal;
  readonly #told = new Map<string, PodStatus>();
  readonly #last = new Map<string, Promise<void>>();
  /** While it is, nothing is written, and what was to be is lost. */
  isFrozen = false;

  /** Writes nothing any more when the signal is aborted. */
  constructor(api: ApiClient, signal: AbortSignal) {
    this.#api = api;
    this.#signal = signal;
  }

  /** Writes a pod's status if it is other than was told; done when the server has it. */
  status(worker: PodWorker): Promise<void> {
    const { uid = "" } = worker.pod.metadata;
    return this.#inTurn(uid, () => this.#writeStatus(worker, uid));
  }

  /** Records an Event; done when the server has it. */
  event(event: KubeObject, isNew: boolean): Promise<void> {
    const { name, namespace = "" } = event.metadata;
    return this.#inTurn("events", async () => {
      if (isNew) await this.#api.create("events", namespace, event);
      else {
        const { count, lastTimestamp } = event;
        await this.#api.merge("events", namespace, name, { count, lastTimestamp });
      }
    });
  }

  /** Forgets what was told of a pod, or of all: it is told again. */
  forget(uid?: string): void {
    if (uid === undefined) this.#told.clear();
    else {
      this.#told.delete(uid);
      this.#last.delete(uid);
    }
  }

  async #writeStatus(worker: PodWorker, uid: string): Promise<void> {
    const { name, namespace = "" } = worker.pod.metadata;
    const status = worker.status();
    if (isSame(status, this.#told.get(uid))) return;
    await this.#api.merge("pods", namespace, name, { metadata: { uid }, status }, "status");
    this.#told.set(uid, status);
  }

  #inTurn(line: string, write: () => Promise<void>): Promise<void> {
    const before = this.#last.get(line) ?? Promise.resolve();
    const next = before.then(() => this.#untilWritten(write));
    this.#last.set(line, next);
    return next;
  }

  async #untilWritten(write: () => Promise<void>): Promise<void> {
    while (!this.isFrozen && !this.#signal.aborted) {
      try {
        return await write();
      } catch (error) {
        if (isPointless(error) || this.#signal.aborted) return;
        await pause(RETRY_MS, this.#signal);
      }
    }
  }
}

/** The object is gone, or another one, or the namespace goes. */
export function isPointless(error: unknown): boolean {
  return error instanceof ApiRefusal && [403, 404, 409, 422].includes(error.code) &&
    !error.message.includes("the object has been modified");
}
