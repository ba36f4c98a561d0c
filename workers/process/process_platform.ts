/** The process platform: servers as OS processes of this host, each under a shim that outlives us. */
import { ID_PATTERN } from "../../events/ids.ts";
import { OperationalError } from "../../events/errors.ts";
import type { HealthReport } from "../../events/health.ts";
import type { RunMetrics } from "../../events/metrics.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import {
  INTEREST_MS,
  type LogPage,
  type LogReading,
  plainText,
  TAIL_LINES_MAX,
} from "../../events/server_output.ts";
import type {
  Failure,
  Fence,
  Leases,
  Platform,
  StartOutcome,
  StartSpec,
  StopOutcome,
} from "../platform.ts";
import { inventoryOf } from "../side_by_side.ts";
import { endGroups } from "./confine_run.ts";
import { endRun } from "./end_run.ts";
import { EndedRuns } from "./ended_runs.ts";
import type { WatchedRun } from "./exit_watch.ts";
import { fenceNumber } from "./fence_number.ts";
import { hostError, hostFailure } from "./host_failure.ts";
import type { InstanceFolder, RunRecord } from "./instance_folder.ts";
import { Lanes } from "../lanes.ts";
import { LOOPBACK } from "./preflight.ts";
import { livenessAllowed } from "./probe_programs.ts";
import {
  endLeftovers,
  folderOf,
  type ProcessHost,
  raiseFence,
  type SettledState,
  settledStateOf,
} from "./process_host.ts";
import { openHost, type ProcessPlatformOptions } from "./open_host.ts";
import { endedInfo, identityOf, liveInfo } from "./run_state.ts";
import { readOutput, toldBefore } from "./logs/log_reader.ts";
import { openOutput } from "./logs/log_store.ts";
import { NOTHING } from "./logs/log_index.ts";
import { shownPage } from "./logs/shown_page.ts";
import { startRun } from "./start_run.ts";
import type { LivenessPlan } from "../templates/probe_plan.ts";

/** For a launch record that is gone: what most programs understand. */
const DEFAULT_STOP = { signal: "SIGTERM", graceMs: 10_000 };
/** A stop ends what comes to life meanwhile, too; more than this often is somebody else's doing. */
const STOP_TURNS_MAX = 4;
/** Instances that an inventory looks at at once. */
const LOOKS_AT_ONCE = 16;

/**
 * Opens the site in `dataFolder`.
 * @throws {OperationalError} `data_folder_unusable`, `host_unsupported`
 * @example
 * ```ts ignore
 * const platform = await openProcessPlatform({
 *   dataFolder: ".draas",
 *   clock: hostClock,
 *   ids: hostIds,
 *   hostEnvironment: Deno.env.toObject(),
 *   drasiServer: { drasiServerBin: null, standIn: "never", standInCommand: null },
 * });
 * ```
 */
export async function openProcessPlatform(
  options: ProcessPlatformOptions,
): Promise<ProcessPlatform> {
  const listeners: ((info: RuntimeInfo) => void)[] = [];
  const healthListeners: ((report: HealthReport) => void)[] = [];
  const host = await openHost(options, {
    onUnexpectedEnd: (info) => listeners.forEach((listener) => listener(info)),
    onHealth: (report) => healthListeners.forEach((listener) => listener(report)),
  });
  return new ProcessPlatform(host, listeners, healthListeners);
}

/** Servers as processes of this host. Made by `openProcessPlatform`. */
export class ProcessPlatform implements Platform {
  readonly name = "process";
  readonly site: string;
  readonly leases: Leases;
  readonly #host: ProcessHost;
  readonly #listeners: ((info: RuntimeInfo) => void)[];
  readonly #healthListeners: ((report: HealthReport) => void)[];
  readonly #lanes = new Lanes();
  /** What a worker before left of control groups is taken away once, beside the first look. */
  #swept: Promise<void> | null = null;
  readonly #ended = new EndedRuns();

  constructor(
    host: ProcessHost,
    listeners: ((info: RuntimeInfo) => void)[],
    healthListeners: ((report: HealthReport) => void)[],
  ) {
    this.#host = host;
    this.#listeners = listeners;
    this.#healthListeners = healthListeners;
    this.site = host.site;
    this.leases = host.leases;
  }

  /** Without the instances whose records the host does not let us read: nothing of theirs is touched. */
  async inventory(which: "all" | "live" = "all"): Promise<RuntimeInfo[]> {
    this.#swept ??= this.#host.confinement.sweep().catch(() => {});
    const ids = await this.#instanceIds();
    this.#ended.keepOnly(ids);
    return await inventoryOf(
      ids,
      LOOKS_AT_ONCE,
      (id) => this.#lookInto(id, which).catch((error) => this.#passOver(error)),
    );
  }

  async inspect(instanceId: string): Promise<RuntimeInfo | null> {
    const folder = folderOf(this.#host, instanceId);
    try {
      return await this.#infoOf(folder, await settledStateOf(this.#host, folder));
    } catch (error) {
      throw this.#told(error);
    }
  }

  start(spec: StartSpec, signal: AbortSignal): Promise<StartOutcome> {
    return this.#lanes.run(spec.instanceId, async (): Promise<StartOutcome> => {
      try {
        return await startRun(this.#host, spec, signal);
      } catch (error) {
        return { kind: "failed", failure: this.#failureOf(error), runtimeInfo: null };
      }
    });
  }

  fence(instanceId: string, fence: Fence): Promise<RuntimeInfo | null> {
    return this.#lanes.run(instanceId, async () => {
      const folder = folderOf(this.#host, instanceId);
      try {
        return await this.#infoOf(folder, (await raiseFence(this.#host, folder, fence)).state);
      } catch (error) {
        throw this.#told(error);
      }
    });
  }

  stop(instanceId: string, fence: Fence): Promise<StopOutcome> {
    return this.#lanes.run(instanceId, () => this.#stop(instanceId, fence));
  }

  remove(instanceId: string, fence: Fence): Promise<StopOutcome> {
    return this.#lanes.run(instanceId, async (): Promise<StopOutcome> => {
      const stopped = await this.#stop(instanceId, fence);
      if (stopped.kind === "failed") return stopped;
      try {
        const folder = folderOf(this.#host, instanceId);
        await this.#host.logs.retire(folder);
        await folder.remove();
        this.#host.ports.release(instanceId);
        return stopped;
      } catch (error) {
        const { runtimeInfo } = stopped;
        return { kind: "failed", failure: this.#failureOf(error), runtimeInfo };
      }
    });
  }

  onExit(listener: (runtimeInfo: RuntimeInfo) => void): void {
    this.#listeners.push(listener);
  }

  onHealth(listener: (report: HealthReport) => void): void {
    this.#healthListeners.push(listener);
  }

  async logs(instanceId: string, tailLines: number): Promise<string[]> {
    const { lines } = await this.readLogs(instanceId, {
      tail: Math.min(tailLines, TAIL_LINES_MAX),
    });
    return lines.flatMap((line) => plainText(line) ?? []);
  }

  async readLogs(instanceId: string, reading: LogReading): Promise<LogPage> {
    const folder = folderOf(this.#host, instanceId);
    const { logs, clock } = this.#host;
    const readNow = (from = NOTHING) => {
      const now = clock.now();
      const isWatched = logs.isWatching(instanceId);
      const output = openOutput(folder.path, isWatched, now, toldBefore(reading));
      return readOutput(output, reading, now, from);
    };
    try {
      const page = readNow();
      if (page.lines.length === 0 && !page.hasMore && reading.waitMs) {
        await logs.changed(instanceId, Math.min(reading.waitMs, INTEREST_MS));
      }
      return await shownPage(folder, readNow);
    } catch (error) {
      throw this.#told(error);
    }
  }

  metrics(): readonly RunMetrics[] | undefined {
    return this.#host.usage.take();
  }

  async close(): Promise<void> {
    this.#host.health.close();
    this.#host.watch.close();
    await this.#host.usage.close();
    await this.#host.confinement.close();
    await this.#host.logs.close();
    await this.#host.table.close();
  }

  /** Ends what lives and raises the fence, until both hold: a slow spawn may come to life in between. */
  async #stop(instanceId: string, fence: Fence): Promise<StopOutcome> {
    const folder = folderOf(this.#host, instanceId);
    try {
      let ended: StopOutcome | null = null;
      for (let turn = 0; turn < STOP_TURNS_MAX; turn++) {
        const { state, isClear } = await raiseFence(this.#host, folder, fence);
        if (state.kind === "live") {
          const raised = await this.#raiseUnder(state.run, folder, fence);
          const watched = this.#host.watch.watch(folder, state.run, null);
          ended = await this.#end(watched);
          if (ended.kind === "failed") return ended;
          // Raised while it had the lock, and nothing of it is left: nothing has come in its place, nor will.
          if (raised && watched.isSwept && await isLatest(folder, state.run)) return ended;
          continue;
        }
        const runtimeInfo = await this.#infoOf(folder, state);
        if (isClear) return ended ?? { kind: "stopped", runtimeInfo };
        return { kind: "failed", failure: leftoversFailure(), runtimeInfo };
      }
      return {
        kind: "failed",
        failure: leftoversFailure(),
        runtimeInfo: await this.inspect(instanceId),
      };
    } catch (error) {
      return { kind: "failed", failure: this.#failureOf(error), runtimeInfo: null };
    }
  }

  async #end(watched: WatchedRun): Promise<StopOutcome> {
    const { folder, run } = watched;
    const launch = await folder.readLaunch(run.runId);
    const request = launch
      ? { signal: launch.stopSignal, graceMs: launch.stopGraceMs }
      : DEFAULT_STOP;
    const result = await endRun(this.#host, watched, request);
    if ("ended" in result) return { kind: "stopped", runtimeInfo: result.ended };
    const runtimeInfo = liveInfo(this.site, folder.instanceId, run, launch);
    return { kind: "failed", failure: result.failure, runtimeInfo };
  }

  async #raiseUnder(run: RunRecord, folder: InstanceFolder, fence: Fence): Promise<boolean> {
    const { table } = this.#host;
    const { instanceId } = folder;
    return await table.raiseFence(instanceId, fenceNumber(fence), identityOf(run)) === "raised";
  }

  async #instanceIds(): Promise<string[]> {
    const ids: string[] = [];
    try {
      for await (const entry of Deno.readDir(this.#host.instancesFolder)) {
        if (entry.isDirectory && ID_PATTERN.test(entry.name)) ids.push(entry.name);
      }
    } catch (error) {
      throw this.#told(error);
    }
    return ids.sort();
  }

  /** One folder that cannot be read must not hide the others; without the process table, none can be judged. */
  #passOver(error: unknown): null {
    if (this.#told(error).code === "process_table_lost") throw error;
    return null;
  }

  /** Of a run that an earlier worker started. */
  async #askOn(watched: WatchedRun, liveness: LivenessPlan | null): Promise<void> {
    const { health, policy } = this.#host;
    if (health.isFollowing(watched.run.runId)) return;
    health.follow(watched, await livenessAllowed(policy, liveness));
  }

  /** As `inspect`, and ends what holds the lock of an instance without a live run; null for one known to have ended. */
  async #lookInto(instanceId: string, which: "all" | "live"): Promise<RuntimeInfo | null> {
    const folder = folderOf(this.#host, instanceId);
    const stamp = await this.#ended.stampOf(folder);
    if (which === "live" && this.#ended.has(instanceId, stamp)) return null;
    // A start or stop under way knows its own processes; waiting for it could take minutes.
    if (this.#lanes.isBusy(instanceId)) return this.inspect(instanceId);
    return await this.#lanes.run(instanceId, async () => {
      const state = await settledStateOf(this.#host, folder);
      if (state.kind === "ended") await this.#clear(folder, state.run.runId);
      const isIdle = state.kind !== "live" && !this.#host.watch.get(instanceId);
      if (!isIdle) return await this.#infoOf(folder, state);
      if (!await this.#host.table.isLocked(instanceId)) {
        this.#ended.add(instanceId, stamp);
        return await this.#infoOf(folder, state);
      }
      await endLeftovers(this.#host, folder);
      return await this.#infoOf(folder, await settledStateOf(this.#host, folder));
    });
  }

  /** What a run that ended without us left in its groups: once, since they are gone then. */
  async #clear(folder: InstanceFolder, runId: string): Promise<void> {
    if (this.#ended.isCleared(folder.instanceId, runId)) return;
    await endGroups(this.#host, folder, runId);
    this.#ended.cleared(folder.instanceId, runId);
  }

  async #infoOf(folder: InstanceFolder, state: SettledState): Promise<RuntimeInfo | null> {
    const info = await this.#readInfo(folder, state);
    if (info?.port !== undefined) {
      const { ports } = this.#host;
      const claim = [info.instanceId, info.host ?? LOOPBACK, info.port] as const;
      if (state.kind === "live") ports.note(...claim);
      else ports.noteEnded(...claim);
    }
    return info;
  }

  async #readInfo(folder: InstanceFolder, state: SettledState): Promise<RuntimeInfo | null> {
    switch (state.kind) {
      case "none":
        return null;
      case "live": {
        const watched = this.#host.watch.watch(folder, state.run, null);
        const launch = await folder.readLaunch(state.run.runId);
        if (launch?.leaseMs) this.#host.leases.hold();
        if (!watched.isStarting) await this.#askOn(watched, launch?.liveness ?? null);
        return liveInfo(this.site, folder.instanceId, state.run, launch);
      }
      case "ended": {
        const info = await endedInfo(this.site, folder, state);
        const { message } = info.exit ?? { message: "ended" };
        this.#host.logs.ended(folder, info.runId, message, state.stoppedAt);
        return info;
      }
    }
  }

  /** What the world did wrong, as an error for the caller; our own mistakes go on as they are. */
  #told(error: unknown): OperationalError {
    const told = hostError(error, this.#host.instancesFolder);
    if (told === null) throw error;
    return told;
  }

  /** The same, as a failed outcome. */
  #failureOf(error: unknown): Failure {
    const failure = hostFailure(error, this.#host.instancesFolder);
    if (failure === null) throw error;
    return failure;
  }
}

async function isLatest(folder: InstanceFolder, { runId }: RunRecord): Promise<boolean> {
  return (await folder.readRun())?.runId === runId;
}

function leftoversFailure(): Failure {
  return {
    code: "still_running",
    message: "The server has ended, but processes that it left behind cannot be ended.",
    retryable: true,
  };
}
