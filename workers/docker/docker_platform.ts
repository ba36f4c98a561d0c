/** The docker platform: images as containers of one daemon, which outlive us and which any worker of it finds again. */
// @ts-types="./dockerode.d.ts"
import Docker from "dockerode";
import type { Clock } from "../../events/clock.ts";
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
import { inventoryOf } from "../side_by_side.ts";
import { failed, failureOf, STALE } from "../start_outcomes.ts";
import type { SecretStore } from "../secret_store.ts";
import { ContainerHealth } from "./container_health.ts";
import { readRunLabels } from "./container_labels.ts";
import { ContainerUsage } from "./container_usage.ts";
import { ContainerWatch } from "./container_watch.ts";
import { DockerodeEngine } from "./dockerode_engine.ts";
import { DockerodeTalk } from "./dockerode_talk.ts";
import { DockerodeVolumes } from "./dockerode_volumes.ts";
import { type DockerSite, infoOf, isLive, latestOf, printedRuns, runsOf } from "./docker_site.ts";
import type { DockerAddress } from "./docker_address.ts";
import type { DockerWay } from "./docker_way.ts";
import { endContainer } from "./end_container.ts";
import { EngineCalls } from "./engine_calls.ts";
import { InstanceMarks } from "./instance_marks.ts";
import type { RegistryLogins } from "./registry_logins.ts";
import { removeObjects } from "./remove_objects.ts";
import type { Run } from "./run_info.ts";
import { startContainer } from "./start_container.ts";

/** What a docker platform is made from. */
export interface DockerPlatformOptions {
  address: DockerAddress;
  /** The certificates of a daemon over TLS; null: it is reached without. */
  tls: { ca: string; cert: string; key: string } | null;
  /** To a daemon that is reached over ssh; null: one that the client reaches by itself. */
  way: DockerWay | null;
  /** Of the fleet: another one on the same daemon is not seen. */
  namespace: string;
  clock: Clock;
  policy: HostPolicy;
  secrets: SecretStore;
  /** What runs for the template `drasi-server`. */
  drasiServerImage: string;
  /** What private registries are asked with. */
  logins: RegistryLogins;
  /** So much is kept of what one run prints. */
  logMib: number;
}

/** A stop ends what comes to life meanwhile, too; more than this often is somebody else's doing. */
const STOP_TURNS_MAX = 4;
/** Instances that an inventory looks at at once. */
const LOOKS_AT_ONCE = 16;

/**
 * Opens the daemon at `address`.
 * @throws {OperationalError} `docker_unreachable`, retryable
 */
export async function openDockerPlatform(options: DockerPlatformOptions): Promise<DockerPlatform> {
  const { address, tls, way, logins, ...others } = options;
  const { namespace, clock } = others;
  const docker = openDocker(address, tls, way);
  const calls = new EngineCalls(address.text, clock, way);
  const engine = new DockerodeEngine(docker, calls, address.publishedAt, namespace);
  const volumes = new DockerodeVolumes(docker, calls, namespace);
  return new DockerPlatform({
    ...others,
    engine,
    volumes,
    talk: new DockerodeTalk(docker, calls, namespace, logins),
    marks: new InstanceMarks(volumes, namespace),
    identity: await engine.identity(),
  });
}

/** The client of the daemon at `address`; nothing is asked yet. */
export function openDocker(
  address: DockerAddress,
  tls: DockerPlatformOptions["tls"],
  way: DockerWay | null = null,
): Docker {
  const { host, port } = address;
  const socketPath = way?.socketPath ?? address.socketPath;
  // The client reads DOCKER_HOST by itself, and would go its own way to a host that is named there.
  if (socketPath !== null) return new Docker({ socketPath, host: undefined, protocol: "http" });
  return new Docker({
    host: host!,
    port: port!,
    ...(tls ? { protocol: "https", ...tls } : { protocol: "http" }),
  });
}

/** Images as containers of one daemon. Made by `openDockerPlatform`. */
export class DockerPlatform implements Platform {
  readonly name = "docker";
  readonly site: string;
  readonly leases: Leases = NO_LEASES;
  readonly #site: DockerSite;
  readonly #watch: ContainerWatch;
  readonly #health: ContainerHealth;
  readonly #usage: ContainerUsage;
  readonly #lanes = new Lanes();
  readonly #closing = new AbortController();
  readonly #listeners: ((info: RuntimeInfo) => void)[] = [];
  readonly #healthListeners: ((report: HealthReport) => void)[] = [];

  constructor(site: DockerSite) {
    this.#site = site;
    this.site = site.identity.id;
    this.#watch = new ContainerWatch(
      site,
      (info) => this.#listeners.forEach((listener) => listener(info)),
    );
    this.#usage = new ContainerUsage(site.talk, site.clock);
    this.#health = new ContainerHealth(
      site,
      (report) => this.#healthListeners.forEach((listener) => listener(report)),
    );
  }

  async inventory(_which: "all" | "live" = "all"): Promise<RuntimeInfo[]> {
    const seen = await this.#site.engine.list(null);
    const ids = new Set(seen.flatMap(({ labels }) => readRunLabels(labels)?.instanceId ?? []));
    return await inventoryOf(ids, LOOKS_AT_ONCE, (id) => this.inspect(id));
  }

  async inspect(instanceId: string): Promise<RuntimeInfo | null> {
    const latest = latestOf(await runsOf(this.#site, instanceId));
    if (latest === null) return null;
    if (isLive(latest)) {
      const watched = this.#watch.watch(latest);
      if (!watched.isStarting) this.#health.follow(watched);
    }
    return await infoOf(this.#site, latest);
  }

  start(spec: StartSpec, signal: AbortSignal): Promise<StartOutcome> {
    const parts = {
      site: this.#site,
      watch: this.#watch,
      health: this.#health,
      closing: this.#closing.signal,
    };
    return this.#lanes.run(spec.instanceId, async (): Promise<StartOutcome> => {
      try {
        return await startContainer(parts, spec, signal);
      } catch (error) {
        return failed(failureOf(error));
      }
    });
  }

  fence(instanceId: string, fence: Fence): Promise<RuntimeInfo | null> {
    return this.#lanes.run(instanceId, async () => {
      await this.#raise(instanceId, fence);
      return await this.inspect(instanceId);
    });
  }

  stop(instanceId: string, fence: Fence): Promise<StopOutcome> {
    return this.#lanes.run(instanceId, () => this.#stop(instanceId, fence, "spare-newer"));
  }

  /** Whatever runs, also a newer run that a rollback of the log has forgotten: what is deleted stays so. */
  remove(instanceId: string, fence: Fence): Promise<StopOutcome> {
    return this.#lanes.run(instanceId, async (): Promise<StopOutcome> => {
      const stopped = await this.#stop(instanceId, fence, "end-all");
      if (stopped.kind === "failed") return stopped;
      try {
        const failure = await removeObjects(this.#site, instanceId);
        return failure === null ? stopped : { ...stopped, kind: "failed", failure };
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
    const live = this.#watch.live();
    return this.#usage.latest(
      live.map(({ labels, state }) => ({ runId: labels.runId, containerId: state.id })),
    );
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
    this.#closing.abort();
    this.#watch.close();
    this.#health.close();
  }

  /** Marks the fence first: a start that has made its container looks for marks before it starts that. */
  async #raise(instanceId: string, fence: Fence): Promise<void> {
    const { engine, marks, volumes } = this.#site;
    // Where nothing of it ever was, there is nothing to keep from coming back.
    const isKnown = (await engine.list(instanceId)).length > 0 ||
      (await volumes.list(instanceId)).length > 0;
    if (!isKnown) return;
    await marks.raise(instanceId, fence);
    for (const { labels, state } of await runsOf(this.#site, instanceId)) {
      const isBelow = compareFences(labels.fence, fence) < 0;
      if (state.state === "created" && isBelow) await engine.remove(state.id);
    }
  }

  async #stop(
    instanceId: string,
    fence: Fence,
    what: "spare-newer" | "end-all",
  ): Promise<StopOutcome> {
    let ended: RuntimeInfo | null = null;
    try {
      await this.#raise(instanceId, fence);
      for (let turn = 0; turn < STOP_TURNS_MAX; turn++) {
        const runs = await runsOf(this.#site, instanceId);
        const live = runs.find(isLive);
        if (!live) {
          const latest = latestOf(runs);
          return {
            kind: "stopped",
            runtimeInfo: latest ? await infoOf(this.#site, latest) : ended,
          };
        }
        if (what === "spare-newer" && isNewer(live, fence)) {
          return { kind: "failed", failure: STALE, runtimeInfo: await infoOf(this.#site, live) };
        }
        ended = await endContainer(this.#site, this.#watch, this.#watch.watch(live), fence);
        if (ended === null) {
          return {
            kind: "failed",
            failure: stillRunning(live.state.id),
            runtimeInfo: await this.inspect(instanceId),
          };
        }
      }
      return { kind: "failed", failure: COMES_BACK, runtimeInfo: await this.inspect(instanceId) };
    } catch (error) {
      return { kind: "failed", failure: failureOf(error), runtimeInfo: null };
    }
  }
}

/** A stop that was overtaken ends nothing that was started since. One without a fence ends what there is. */
function isNewer({ labels }: Run, { generation }: Fence): boolean {
  return generation > 0 && labels.fence.generation > generation;
}

const COMES_BACK: Failure = {
  code: "still_running",
  message: "Another worker of this daemon starts the instance again and again.",
  retryable: true,
};

function stillRunning(id: string): Failure {
  return {
    code: "still_running",
    message: `Container ${id.slice(0, 12)} did not end on SIGKILL: its daemon or the kernel hangs.`,
    retryable: true,
  };
}
