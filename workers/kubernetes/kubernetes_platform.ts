/** The kubernetes platform: images as sets of one pod in a namespace of a cluster, which outlive us. Design §4 rule 10. */
import type { Clock } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { HealthReport } from "../../events/health.ts";
import type { RunMetrics } from "../../events/metrics.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { type LogPage, type LogReading, plainText } from "../../events/server_output.ts";
import { Lanes } from "../lanes.ts";
import {
  compareFences,
  type Failure,
  type Fence,
  type Leases,
  NO_LEASES,
  type Platform,
  type StartOutcome,
  type StartSpec,
  type StopOutcome,
} from "../platform.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import { readPrinted } from "../printed_output.ts";
import type { SecretStore } from "../secret_store.ts";
import { inventoryOf } from "../side_by_side.ts";
import { failed, failureOf, STALE } from "../start_outcomes.ts";
import type { ClusterAccess } from "./cluster_access.ts";
import { type PodObject, PODS, type SetObject, SETS } from "./cluster_objects.ts";
import {
  changeRecord,
  type ClusterSite,
  look,
  notePod,
  persistently,
  printedRuns,
  type Sight,
  sightOf,
  stateOf,
} from "./cluster_site.ts";
import { stillThere } from "./begin_run.ts";
import { endRun } from "./end_run.ts";
import { HttpClusterApi } from "./http_cluster_api.ts";
import { fleetSelector, objectName, podName } from "./object_names.ts";
import { PodWatch } from "./pod_watch.ts";
import { RunHealth } from "./run_health.ts";
import { raised, readSet } from "./run_record.ts";
import { RunUsage } from "./run_usage.ts";
import { RunWatch } from "./run_watch.ts";
import { startRun } from "./start_run.ts";

/** What a kubernetes platform is made from. */
export interface KubernetesPlatformOptions {
  access: ClusterAccess;
  /** Of ours: another one in the same namespace of the cluster is not seen. */
  fleet: string;
  clock: Clock;
  policy: HostPolicy;
  secrets: SecretStore;
  /** What runs for the template `drasi-server`. */
  drasiServerImage: string;
  /** Of each volume of an instance, as the cluster writes quantities. */
  volumeSize: string;
}

/** A stop that has begun goes on for so long while the cluster is away. */
const STOP_AWAY_MS = 60_000;
/** Of an instance whose set is changed by others all the time. */
const TRIES_MAX = 20;
/** Instances that an inventory settles at once. */
const LOOKS_AT_ONCE = 16;
/** Until the cluster has removed a set. */
const REMOVED_WITHIN_MS = 30_000;
const NEVER: AbortSignal = new AbortController().signal;

/**
 * Opens the namespace that `access` names.
 * @throws {OperationalError} `kubernetes_unreachable`, retryable; or why the cluster lets nobody in
 */
export async function openKubernetesPlatform(
  options: KubernetesPlatformOptions,
): Promise<KubernetesPlatform> {
  const { access, clock, fleet, ...others } = options;
  const api = new HttpClusterApi(access, clock);
  const pods = new PodWatch(api, clock, fleetSelector(fleet));
  const { namespace } = access;
  const id = `kubernetes-${await api.namespaceUid()}`;
  return new KubernetesPlatform({ ...others, api, pods, clock, id, namespace, fleet }, access);
}

/** Images as pods of one namespace. Made by `openKubernetesPlatform`. */
export class KubernetesPlatform implements Platform {
  readonly name = "kubernetes";
  readonly site: string;
  readonly leases: Leases = NO_LEASES;
  readonly #site: ClusterSite;
  readonly #access: ClusterAccess;
  readonly #watch: RunWatch;
  readonly #health: RunHealth;
  readonly #usage: RunUsage;
  readonly #lanes = new Lanes();
  readonly #listeners: ((info: RuntimeInfo) => void)[] = [];
  readonly #healthListeners: ((report: HealthReport) => void)[] = [];

  constructor(site: ClusterSite, access: ClusterAccess) {
    this.#site = site;
    this.#access = access;
    this.site = site.id;
    this.#watch = new RunWatch(site, (info) => this.#listeners.forEach((hear) => hear(info)));
    this.#health = new RunHealth(
      site,
      (report) => this.#healthListeners.forEach((hear) => hear(report)),
    );
    this.#usage = new RunUsage(site.api, site.clock, fleetSelector(site.fleet));
    site.pods.open({
      onPod: (instanceId) => void this.#watch.look(instanceId),
      onOpen: () => this.#watch.lookAtMissing(),
    });
  }

  async inventory(which: "all" | "live" = "all"): Promise<RuntimeInfo[]> {
    const { api, fleet } = this.#site;
    const labels = fleetSelector(fleet);
    // The sets first, as in a look at one.
    const sets = await api.list<SetObject>(SETS, { labels });
    const pods = await api.list<PodObject>(PODS, { labels });
    const podOf = new Map(pods.items.map((pod) => [pod.metadata.name, pod]));
    const sights = sets.items.flatMap((set): Sight[] => {
      const instanceId = readSet(set)?.instanceId;
      if (instanceId === undefined || set.metadata.name !== objectName(instanceId)) return [];
      return [sightOf(this.#site, instanceId, set, podOf.get(podName(instanceId)) ?? null)];
    });
    const found = await inventoryOf(sights, LOOKS_AT_ONCE, (sight) => this.#infoIn(sight));
    return which === "all" ? found : found.filter(({ status }) => status === "Running");
  }

  async inspect(instanceId: string): Promise<RuntimeInfo | null> {
    return await this.#infoIn(await look(this.#site, instanceId));
  }

  start(spec: StartSpec, signal: AbortSignal): Promise<StartOutcome> {
    const parts = { site: this.#site, watch: this.#watch, health: this.#health };
    return this.#lanes.run(spec.instanceId, async (): Promise<StartOutcome> => {
      try {
        return await startRun(parts, spec, signal);
      } catch (error) {
        return failed(failureOf(error));
      }
    });
  }

  fence(instanceId: string, fence: Fence): Promise<RuntimeInfo | null> {
    return this.#lanes.run(instanceId, async () => {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const sight = await look(this.#site, instanceId);
        const state = stateOf(this.#site, sight);
        if (sight.set === null || !sight.isOurs) return null;
        if (state.kind === "pending" && compareFences(state.run, fence) < 0) {
          // It has not come to life, and will not.
          const { runId } = state.run;
          const ending = await endRun(this.#site, instanceId, { runId, isAsked: true, fence });
          if (ending.kind === "stays") throw unfenced(ending.words);
          continue;
        }
        const record = raised(sight.record, fence);
        if (record === sight.record || await changeRecord(this.#site, sight.set, record)) {
          return await this.inspect(instanceId);
        }
      }
      throw unfenced("Somebody else keeps changing its set.");
    });
  }

  stop(instanceId: string, fence: Fence): Promise<StopOutcome> {
    return this.#lanes.run(instanceId, () => this.#stop(instanceId, fence, false));
  }

  remove(instanceId: string, fence: Fence): Promise<StopOutcome> {
    return this.#lanes.run(instanceId, async (): Promise<StopOutcome> => {
      // What was asked to be deleted is not to live on, whoever began it when.
      const stopped = await this.#stop(instanceId, fence, true);
      if (stopped.kind === "failed") return stopped;
      try {
        return await this.#removeSet(instanceId) ? stopped : { ...stopped, ...REMAINS };
      } catch (error) {
        return { ...stopped, kind: "failed", failure: failureOf(error) };
      }
    });
  }

  onExit(listener: (runtimeInfo: RuntimeInfo) => void): void {
    this.#listeners.push(listener);
  }

  onHealth(listener: (report: HealthReport) => void): void {
    this.#healthListeners.push(listener);
  }

  metrics(): readonly RunMetrics[] | undefined {
    return this.#usage.latest(this.#watch.live());
  }

  async logs(instanceId: string, tailLines: number): Promise<string[]> {
    if (tailLines === 0) return [];
    const { lines } = await this.readLogs(instanceId, { tail: tailLines });
    return lines.flatMap((line) => plainText(line) ?? []);
  }

  readLogs(instanceId: string, reading: LogReading): Promise<LogPage> {
    return readPrinted(printedRuns(this.#site, instanceId), this.#site.clock, reading);
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#health.close();
    this.#site.pods.close();
    this.#access.close();
  }

  /** What is said of an instance; the end of a run that nobody has recorded yet is settled first. */
  async #infoIn(sight: Sight): Promise<RuntimeInfo | null> {
    const { instanceId, record } = sight;
    const state = stateOf(this.#site, sight);
    switch (state.kind) {
      case "none":
      case "pending":
        return null;
      case "ended":
        return state.info;
      case "live":
        // Whoever began it may have died before that was written down.
        if (state.run.podUid === null) await notePod(this.#site, sight);
        this.#watch.watch(state.info);
        if (!this.#watch.isStarting(instanceId)) {
          this.#health.follow(state.info, sight.plan?.liveness ?? null);
        }
        return state.info;
      case "over": {
        const { runId } = state.run;
        const wish = { runId, isAsked: record.isEndAsked, isOnlyIfOver: true };
        const ending = await endRun(this.#site, instanceId, wish);
        // Another one has taken its place since it was looked at, or it had never begun.
        const isOther = ending.kind === "lives" || ending.info === null;
        return isOther ? await this.inspect(instanceId) : ending.info;
      }
    }
  }

  async #stop(instanceId: string, fence: Fence, endsNewer: boolean): Promise<StopOutcome> {
    const generationMost = endsNewer || fence.generation === 0 ? Infinity : fence.generation;
    try {
      const ending = await persistently(
        this.#site,
        STOP_AWAY_MS,
        () =>
          endRun(this.#site, instanceId, {
            runId: null,
            isAsked: true,
            generationMost,
            fence,
          }),
      );
      switch (ending.kind) {
        case "ended":
          return { kind: "stopped", runtimeInfo: ending.info };
        case "lives": {
          const runtimeInfo = await this.inspect(instanceId);
          return { kind: "failed", failure: STALE, runtimeInfo };
        }
        case "stays": {
          this.#watch.stopFailed(instanceId);
          return {
            kind: "failed",
            failure: stillThere(ending.words),
            runtimeInfo: ending.info,
          };
        }
      }
    } catch (error) {
      this.#watch.stopFailed(instanceId);
      return { kind: "failed", failure: failureOf(error), runtimeInfo: null };
    }
  }

  /** The set with all that belongs to it; false: it stays. */
  async #removeSet(instanceId: string): Promise<boolean> {
    const { api, clock, pods } = this.#site;
    const end = clock.monotonic() + REMOVED_WITHIN_MS;
    for (;;) {
      const { set, isOurs } = await look(this.#site, instanceId);
      if (set === null || !isOurs) return true;
      if (clock.monotonic() > end) return false;
      await api.remove(SETS, set.metadata.name, set.metadata.uid);
      if (await api.get(SETS, set.metadata.name) === null) return true;
      await pods.change(instanceId, NEVER);
    }
  }
}

function unfenced(words: string): OperationalError {
  return new OperationalError(
    "still_running",
    `An earlier start of the instance cannot be called off. ${words}`,
    true,
    "Look at its set: kubectl get statefulset -o yaml --show-managed-fields",
  );
}

const REMAINS: { kind: "failed"; failure: Failure } = {
  kind: "failed",
  failure: {
    code: "still_there",
    message: "The cluster has not removed the instance's set yet: something holds it (a " +
      "finalizer). See: kubectl get statefulset -o yaml",
    retryable: true,
  },
};
