/** Tells how live servers are by what the kubelet's probes find, and where starts are. */
import type { HealthReport, StartStep } from "../../events/health.ts";
import { REASON_CHARACTERS_MAX } from "../../events/health.ts";
import { OperationalError } from "../../events/errors.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import type { StartSpec } from "../platform.ts";
import { startReport } from "../start_outcomes.ts";
import type { KeptPlan } from "../templates/image.ts";
import { type ClusterSite, look } from "./cluster_site.ts";
import { podName, RUN } from "./object_names.ts";
import { probeWords } from "./pod_events.ts";
import { viewPod } from "./pod_view.ts";

export class RunHealth {
  /** Runs that are told of, by their ids. */
  readonly #followed = new Set<string>();
  readonly #closing = new AbortController();

  constructor(
    private readonly site: ClusterSite,
    private readonly onHealth: (report: HealthReport) => void,
  ) {}

  /** Tells where a start is; a step with the time at which it began. */
  tellStart(spec: StartSpec, step: StartStep, since: number, reason: string | null): void {
    this.onHealth(startReport(spec, step, since, reason));
  }

  /** Tells of a run from now on, until it ends; one that has no liveness probe is left at that. */
  follow(info: RuntimeInfo, liveness: KeptPlan["liveness"]): void {
    const { runId } = info;
    if (liveness === null || this.#followed.has(runId)) return;
    this.#followed.add(runId);
    void this.#tellOn(info, liveness.intervalMs).finally(() => this.#followed.delete(runId));
  }

  /** What a probe of the instance has found last, in words. */
  async problemOf(instanceId: string): Promise<string> {
    const { pod } = await look(this.site, instanceId);
    const words = pod && await probeWords(this.site.api, pod.metadata.uid);
    return words ?? "its probe has not passed, and the cluster does not say why";
  }

  close(): void {
    this.#closing.abort();
  }

  async #tellOn({ instanceId, runId, generation }: RuntimeInfo, intervalMs: number): Promise<void> {
    const { signal } = this.#closing;
    let [wasReady, wasSeen] = [false, false];
    while (!signal.aborted) {
      try {
        // What the watch has told is enough: the kubelet asks, and a thousand servers would be a thousand questions.
        const pod = this.site.pods.latest(podName(instanceId));
        const view = pod?.metadata.annotations?.[RUN] === runId ? viewPod(pod) : null;
        if (view ? view.kind !== "running" : wasSeen || pod) return;
        wasSeen ||= view !== null;
        const isReady = view?.kind === "running" && view.isReady;
        wasReady ||= isReady;
        // Until it was ready once its probe has not failed so often as it takes.
        if (view !== null && wasReady) {
          const reason = isReady ? null : await this.problemOf(instanceId);
          this.onHealth({
            instanceId,
            runId,
            runGeneration: generation,
            health: isReady ? "healthy" : "unhealthy",
            ...(reason === null
              ? {}
              : { cause: "liveness", reason: reason.slice(0, REASON_CHARACTERS_MAX) }),
          });
        }
      } catch (error) {
        // A cluster that is away says nothing of its servers.
        if (!(error instanceof OperationalError)) throw error;
      }
      await this.site.pods.change(instanceId, signal, intervalMs);
    }
  }
}
