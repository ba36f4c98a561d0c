/**
 * A model of a kubelet and of the scheduler: registers a node at any API server, binds pods to it,
 * runs their containers as processes of this host, and tells their status as a real one does.
 */
import { type ApiAddress, ApiClient, ApiRefusal } from "./api_client.ts";
import type { KnownImage, ReadSource } from "./container_plan.ts";
import { EventRecorder } from "./event_recorder.ts";
import { ImageStore } from "./image_store.ts";
import type { HostCertificate } from "./host_certificate.ts";
import { serveKubelet } from "./kubelet_endpoint.ts";
import { isPointless, KubeletReports } from "./kubelet_reports.ts";
import { type KubeObject, kubeTime, type Pod } from "./kube_objects.ts";
import { nodeObject, nodeStatus } from "./node_object.ts";
import { pause } from "./pause.ts";
import { podUsage } from "./pod_usage.ts";
import { SchedulerModel } from "./scheduler_model.ts";
import { PodWorker } from "./pod_worker.ts";

/** How the model behaves. */
export interface KubeletOptions {
  nodeName: string;
  /** Whose pods it takes; empty for all. */
  namespace: string;
  /** The images that exist, by name. */
  images: Record<string, KnownImage>;
  /** Before the second restart of a container; doubles up to the maximum. */
  backOffBaseMs: number;
  backOffMaxMs: number;
  /** For a real API server. */
  certificate: HostCertificate | null;
}

const MANAGER = "kubelet";
const RETRY_MS = 100;

/** The model. */
export class KubeletModel {
  readonly images: ImageStore;
  readonly nodeName: string;
  readonly #options: KubeletOptions;
  readonly #api: ApiClient;
  readonly #folder: string;
  readonly #workers = new Map<string, PodWorker>();
  readonly #reports: KubeletReports;
  readonly #scheduler: SchedulerModel;
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #abort = new AbortController();
  readonly #events: EventRecorder;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #watching = new AbortController();

  private constructor(address: ApiAddress, options: KubeletOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.nodeName = options.nodeName;
    this.images = new ImageStore(options.images);
    this.#api = new ApiClient(address, MANAGER);
    this.#reports = new KubeletReports(this.#api, this.#abort.signal);
    this.#scheduler = new SchedulerModel(this.#api, options.nodeName, this.#reports);
    this.#events = new EventRecorder(MANAGER, options.nodeName, (event, isNew) => {
      this.#task(this.#reports.event(event, isNew));
    });
    this.#server = serveKubelet({
      log: (namespace, pod, container, isPrevious) =>
        this.#find(namespace, pod)?.log(container, isPrevious) ?? null,
      waitsFor: (namespace, pod, container) =>
        this.#find(namespace, pod)?.waitsFor(container) ?? null,
      metrics: (namespace, pod) => podUsage(this.#find(namespace, pod)),
    }, options.certificate);
  }

  /** Registers the node and begins to work. */
  static async start(address: ApiAddress, options: KubeletOptions): Promise<KubeletModel> {
    const folder = await Deno.makeTempDir({ prefix: "draas-kubelet-" });
    const model = new KubeletModel(address, options, folder);
    try {
      await model.#register();
    } catch (error) {
      await model.close();
      throw error;
    }
    model.#task(model.#watchPods());
    return model;
  }

  /** Stops to look and to write; what runs goes on. Thawed, it does what it should have done meanwhile. */
  freeze(isFrozen: boolean): void {
    this.#reports.isFrozen = isFrozen;
    if (isFrozen) return;
    this.#watching.abort();
    for (const worker of this.#workers.values()) this.#tell(worker);
  }

  /** Begins anew, as after an update of the kubelet: it reads all its pods again, which run on. */
  restart(): void {
    this.#reports.forget();
    this.#watching.abort();
    for (const worker of this.#workers.values()) this.#tell(worker);
  }

  /** The node goes out of sight: the kubelet is silent and the cluster comes to know it. */
  async loseNode(): Promise<void> {
    this.freeze(true);
    const said = { lastTransitionTime: kubeTime() };
    const condition = {
      type: "Ready",
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      ...said,
    };
    await this.#api.merge(
      "nodes",
      "",
      this.nodeName,
      { status: { conditions: [condition] } },
      "status",
    );
    for (const { pod } of this.#workers.values()) {
      const { name, namespace = "" } = pod.metadata;
      const live = await this.#api.find<Pod>("pods", namespace, name);
      const conditions = live?.status?.conditions?.map((each) =>
        each.type === "Ready" ? { ...each, status: "False", ...said } : each
      );
      if (conditions) {
        await this.#api.merge("pods", namespace, name, { status: { conditions } }, "status");
      }
    }
  }

  /** The node is back. */
  async returnNode(): Promise<void> {
    await this.#register();
    this.#reports.forget();
    this.freeze(false);
  }

  /** No pod finds a place, for a reason such as `1 Insufficient memory`; null: they do again. */
  refusePods(reason: string | null): void {
    this.#scheduler.refuse(reason);
    if (reason === null) this.#watching.abort();
  }

  /** Kills a container of a pod as the kernel does when memory runs out. */
  killForMemory(namespace: string, pod: string, container?: string): void {
    this.#find(namespace, pod)?.killForMemory(container);
  }

  /** Ends a pod because the node lacks something, such as `memory`. */
  async evict(namespace: string, pod: string, resource: string): Promise<void> {
    await this.#find(namespace, pod)?.evict(`The node was low on resource: ${resource}. `);
  }

  /** The host's ids of a pod's processes, by container. */
  pids(namespace: string, pod: string): Map<string, number> {
    return this.#find(namespace, pod)?.pids() ?? new Map();
  }

  /** Ends all that it runs, and itself. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#watching.abort();
    const workers = [...this.#workers.values()];
    await Promise.all(workers.map((worker) => worker.stop(0, false)));
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
    await this.#server.shutdown();
    this.#api.close();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #register(): Promise<void> {
    const node = nodeObject(this.nodeName);
    if (!await this.#api.find("nodes", "", this.nodeName)) {
      await this.#api.create("nodes", "", node);
    }
    const status = nodeStatus(this.#server.addr.port);
    await this.#api.merge("nodes", "", this.nodeName, { status }, "status");
  }

  async #watchPods(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      if (this.#reports.isFrozen) {
        await pause(RETRY_MS, signal);
        continue;
      }
      this.#watching = new AbortController();
      try {
        await this.#watchOnce(AbortSignal.any([signal, this.#watching.signal]));
      } catch {
        // The server is away, or the watch was broken off: it is looked for again.
        await pause(RETRY_MS, signal);
      }
    }
  }

  async #watchOnce(signal: AbortSignal): Promise<void> {
    const { namespace } = this.#options;
    const list = await this.#api.call<KubeObject & { items: Pod[] }>(
      "GET",
      this.#api.path("pods", namespace),
      { signal },
    );
    const seen = new Set(list.items.map(({ metadata }) => metadata.uid));
    for (const pod of list.items) this.#see({ ...pod, apiVersion: "v1", kind: "Pod" });
    for (const [uid, { pod }] of this.#workers) if (!seen.has(uid)) this.#gone(pod);
    const resourceVersion = list.metadata.resourceVersion ?? "";
    for await (
      const { type, object } of this.#api.watch<Pod>("pods", namespace, { resourceVersion }, signal)
    ) {
      if (this.#reports.isFrozen || type === "ERROR") return;
      if (type === "DELETED") this.#gone(object);
      else if (type !== "BOOKMARK") this.#see(object);
    }
  }

  #see(pod: Pod): void {
    const { uid = "", deletionTimestamp } = pod.metadata;
    const { nodeName } = pod.spec;
    if (!nodeName && !deletionTimestamp) this.#task(this.#bind(pod));
    if (nodeName !== this.nodeName) return;
    const known = this.#workers.get(uid);
    if (!known && !isOver(pod)) {
      const worker = this.#newWorker(pod);
      this.#workers.set(uid, worker);
      this.#tell(worker);
    }
    const worker = this.#workers.get(uid);
    if (worker) worker.pod = pod;
    if (deletionTimestamp) this.#task(this.#endPod(pod));
  }

  #newWorker(pod: Pod): PodWorker {
    const { backOffBaseMs, backOffMaxMs } = this.#options;
    const { namespace = "" } = pod.metadata;
    const read: ReadSource = (plural, name) => this.#api.find(plural, namespace, name);
    return new PodWorker(pod, {
      images: this.images,
      read,
      folder: this.#folder,
      backOffBaseMs,
      backOffMaxMs,
      say: (about, note) => this.#events.record(about, note),
      changed: (worker) => this.#tell(worker),
    });
  }

  /** Until it has a place, or is gone. */
  async #bind({ metadata: { name, namespace = "" } }: Pod): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        const pod = await this.#api.find<Pod>("pods", namespace, name);
        if (pod && !pod.spec.nodeName) await this.#scheduler.place(pod);
        return;
      } catch {
        // The server is away or refuses for now.
        await pause(RETRY_MS, signal);
      }
    }
  }

  async #endPod(pod: Pod): Promise<void> {
    const { uid = "", deletionGracePeriodSeconds = 30 } = pod.metadata;
    const worker = this.#workers.get(uid);
    await worker?.stop(deletionGracePeriodSeconds * 1_000);
    if (worker) await this.#reports.status(worker);
    await this.#removePod(pod);
  }

  /** Until the server has let it go: then nothing of it runs any more. */
  async #removePod({ metadata: { name, namespace = "", uid } }: Pod): Promise<void> {
    const { signal } = this.#abort;
    while (!this.#reports.isFrozen && !signal.aborted) {
      try {
        const options = { gracePeriodSeconds: 0, preconditions: { uid } };
        await this.#api.delete("pods", namespace, name, options);
        return;
      } catch (error) {
        if (isPointless(error)) return;
        await pause(RETRY_MS, signal);
      }
    }
  }

  /** It is no longer on the server: what runs of it ends. */
  #gone({ metadata: { uid = "" } }: Pod): void {
    const worker = this.#workers.get(uid);
    if (!worker) return;
    this.#workers.delete(uid);
    this.#reports.forget(uid);
    this.#task(worker.stop(0, false).then(() => worker.clear()));
  }

  #tell(worker: PodWorker): void {
    this.#task(this.#reports.status(worker));
  }

  #find(namespace: string, name: string): PodWorker | undefined {
    return [...this.#workers.values()].filter(({ pod }) =>
      pod.metadata.namespace === namespace && pod.metadata.name === name
    ).at(-1);
  }

  /** Waited for at the end. What a server refuses (an object went meanwhile) is nothing to fail for. */
  #task(work: Promise<unknown>): void {
    const task = work.catch((error) => {
      const isAway = error instanceof ApiRefusal || error instanceof TypeError;
      if (!isAway && !this.#abort.signal.aborted) throw error;
    });
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }
}

/** A pod that has come to its end is not run again. */
function isOver({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}
