/** What the parts of the process platform share: the site, its ports and its settings. */
import { type Clock, sleep } from "../../events/clock.ts";
import { type ExitRecord, InstanceFolder, type RunRecord } from "./instance_folder.ts";
import { endGroups } from "./confine_run.ts";
import type { Confinement } from "./confinement.ts";
import { concludeRun, type ExitWatch } from "./exit_watch.ts";
import type { HostPolicy } from "../policy/host_policy.ts";
import type { PortBook } from "./port_book.ts";
import type { LogKeeper } from "./logs/log_keeper.ts";
import type { HealthWatch } from "./health_watch.ts";
import type { ProcessTable } from "./process_table.ts";
import type { ProgramReleases } from "./program_releases.ts";
import type { SecretStore } from "../secret_store.ts";
import { isAlive, runStateOf } from "./run_state.ts";
import type { UsageSampler } from "./usage_sampler.ts";
import type { SiteLeases } from "./site_leases.ts";
import { fenceNumber } from "./fence_number.ts";
import { endStragglers } from "./stragglers.ts";
import type { Fence } from "../platform.ts";

/** A shim takes a few milliseconds from its lock to its record. */
const RECORD_WITHIN_MS = 1_000;
const PAUSE_MS = 20;

/** How `drasi-server` instances run on this host. */
export interface DrasiServerOptions {
  /** The binary, absolute; null: look for `drasi-server` on the host's `PATH`. */
  drasiServerBin: string | null;
  /** Whether `standInCommand` may run where there is no binary. */
  standIn: "auto" | "never";
  /** Program and arguments of the stand-in; it gets the same flags as the product. */
  standInCommand: readonly string[] | null;
  /** Where its plugins are, absolute; absent or null: beside the binary, or else in each instance's own folder. */
  pluginsFolder?: string | null;
}

/** One site of the process platform. */
export interface ProcessHost {
  clock: Clock;
  table: ProcessTable;
  watch: ExitWatch;
  health: HealthWatch;
  usage: UsageSampler;
  leases: SiteLeases;
  logs: LogKeeper;
  site: string;
  /** Absolute. */
  instancesFolder: string;
  /** The shim that is run: a copy in the data folder that no upgrade changes. Absolute. */
  shimPath: string;
  /** The host's `setsid`, absolute: a server's own `PATH` may not have it. */
  setsidPath: string;
  hostEnvironment: Readonly<Record<string, string>>;
  drasiServer: DrasiServerOptions;
  /** What may run here. */
  policy: HostPolicy;
  ports: PortBook;
  releases: ProgramReleases;
  secrets: SecretStore;
  confinement: Confinement;
}

/** The latest run, with every doubt settled: live, ended with an exit, or none. */
export type SettledState =
  | { kind: "none" }
  | { kind: "live"; run: RunRecord }
  | { kind: "ended"; run: RunRecord; exit: ExitRecord; stoppedAt: number };

/** The folder of an instance. Throws a plain error for what cannot be an id: ids are made by us. */
export function folderOf(host: ProcessHost, instanceId: string): InstanceFolder {
  return new InstanceFolder(
    host.instancesFolder,
    instanceId,
    (given) => host.secrets.masker(given),
  );
}

/** Looks at the latest run; one that is gone without a record gets one. */
export async function settledStateOf(
  host: ProcessHost,
  folder: InstanceFolder,
): Promise<SettledState> {
  const state = await runStateOf(folder, host.table);
  const watched = host.watch.get(folder.instanceId);
  // Somebody removed the folder from under a server that we watch: it lives all the same, and can be stopped.
  if (state.kind === "none" && watched && await isAlive(watched.run, host.table)) {
    return { kind: "live", run: watched.run };
  }
  if (state.kind !== "gone") return state;
  const ended = await concludeRun(folder, state.run, null, host.table, host.clock);
  return { kind: "ended", run: state.run, ...ended };
}

/**
 * Makes sure that nothing of an instance without a live run holds its lock: an unknown holder, such as
 * a shim that froze before its record, or children that outlived their server. A shim in flight (of a
 * worker that is just being replaced) gets the time to record its run, which is then left alone.
 * @returns false when something is still there, or has become a live run
 */
export async function endLeftovers(host: ProcessHost, folder: InstanceFolder): Promise<boolean> {
  const { table, clock, site } = host;
  await restoreRecord(host, folder);
  const until = clock.monotonic() + RECORD_WITHIN_MS;
  while (await isShimInFlight(host, folder) && clock.monotonic() < until) {
    await sleep(clock, PAUSE_MS);
  }
  if ((await runStateOf(folder, table)).kind === "live") return false;
  const last = await folder.readRun();
  if (last !== null) await endGroups(host, folder, last.runId);
  const { instanceId } = folder;
  return await endStragglers(table, clock, { site, instanceId, runId: null }) &&
    !await table.isLocked(instanceId);
}

/** A live run whose record is torn or lost is no leftover: its copy becomes its record, and it is known again. */
async function restoreRecord(host: ProcessHost, folder: InstanceFolder): Promise<void> {
  if (await folder.readRun() !== null) return;
  for (const run of await folder.readRunCopies()) {
    if (await isAlive(run, host.table)) return await folder.restoreRun(run);
  }
}

/** How often a lock that is held by nobody known is looked into before a fence is given up. */
const FENCE_TRIES = 5;

/**
 * Raises the fence of an instance without a live run; one with a live run is left as it is. When it comes back clear,
 * no spawn below the fence is under way or can begin.
 */
export async function raiseFence(
  host: ProcessHost,
  folder: InstanceFolder,
  fence: Fence,
): Promise<{ state: SettledState; isClear: boolean }> {
  for (let tries = 0;; tries++) {
    const state = await settledStateOf(host, folder);
    if (state.kind === "live") return { state, isClear: false };
    // What is settling in the watch ends its stragglers itself; two that do it are one too many.
    await host.watch.get(folder.instanceId)?.ended;
    const isClear = await endLeftovers(host, folder);
    // A fence that cannot be written (a full disk) must not keep a server from being stopped: nothing is in flight.
    const isRaised = isClear &&
      await host.table.raiseFence(folder.instanceId, fenceNumber(fence)) !== "held";
    const now = await settledStateOf(host, folder);
    if (isRaised || now.kind === "live" || tries >= FENCE_TRIES) {
      return { state: now, isClear: isRaised };
    }
  }
}

async function isShimInFlight(host: ProcessHost, folder: InstanceFolder): Promise<boolean> {
  const recorded = await folder.readRun();
  return (await host.table.marked()).some((process) =>
    process.isShim && process.site === host.site && process.instanceId === folder.instanceId &&
    process.runId !== recorded?.runId
  );
}
