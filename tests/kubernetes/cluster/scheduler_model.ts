/** A model of the scheduler for one node: binds pods to it, or says why they find no place. */
import { type ApiClient, ApiRefusal } from "./api_client.ts";
import { EventRecorder } from "./event_recorder.ts";
import { kubeTime, type Pod } from "./kube_objects.ts";
import type { KubeletReports } from "./kubelet_reports.ts";

/** Binds pods. */
export class SchedulerModel {
  readonly #api: ApiClient;
  readonly #nodeName: string;
  readonly #events: EventRecorder;
  #refusal: string | null = null;

  constructor(api: ApiClient, nodeName: string, reports: KubeletReports) {
    this.#api = api;
    this.#nodeName = nodeName;
    this.#events = new EventRecorder(
      "default-scheduler",
      "",
      (event, isNew) => reports.event(event, isNew),
    );
  }

  /** No pod finds a place, for a reason such as `1 Insufficient memory`; null: they do again. */
  refuse(reason: string | null): void {
    this.#refusal = reason;
  }

  /** Binds a pod that has no node yet; fails when the server does. */
  async place(pod: Pod): Promise<void> {
    if (this.#refusal !== null) return this.#leave(pod, this.#refusal);
    const { name, namespace = "" } = pod.metadata;
    const target = { apiVersion: "v1", kind: "Node", name: this.#nodeName };
    const binding = { apiVersion: "v1", kind: "Binding", metadata: { name, namespace }, target };
    try {
      const path = this.#api.path("pods", namespace, name, "binding");
      await this.#api.call("POST", path, { body: binding });
    } catch (error) {
      // It has a node by now, or is gone.
      if (error instanceof ApiRefusal && [404, 409].includes(error.code)) return;
      throw error;
    }
    const message = `Successfully assigned ${namespace}/${name} to ${this.#nodeName}`;
    await this.#events.record(pod, { type: "Normal", reason: "Scheduled", message });
  }

  async #leave(pod: Pod, reason: string): Promise<void> {
    const { name, namespace = "" } = pod.metadata;
    const message = `0/1 nodes are available: ${reason}.`;
    if (pod.status?.conditions?.some((condition) => condition.message === message)) return;
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime: kubeTime(),
    };
    const status = { conditions: [condition] };
    await this.#api.merge("pods", namespace, name, { status }, "status");
    await this.#events.record(pod, { type: "Warning", reason: "FailedScheduling", message });
  }
}
