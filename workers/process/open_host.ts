/** Opens what a process platform stands on: the site's folder, the host's tools, and what is made from them. */
import type { Clock } from "../../events/clock.ts";
import type { Ids } from "../../events/ids.ts";
import { OperationalError } from "../../events/errors.ts";
import type { HealthReport } from "../../events/health.ts";
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { openCgroupConfinement } from "./cgroup_confinement.ts";
import { endGroups } from "./confine_run.ts";
import type { Confinement } from "./confinement.ts";
import { ExitWatch } from "./exit_watch.ts";
import { HealthWatch } from "./health_watch.ts";
import type { InstanceFolder } from "./instance_folder.ts";
import { type HostPolicy, openPolicy } from "../policy/host_policy.ts";
import { PortBook } from "./port_book.ts";
import { findProgram, portFailure } from "./preflight.ts";
import { type DrasiServerOptions, type ProcessHost } from "./process_host.ts";
import type { ProcessTable } from "./process_table.ts";
import { ProgramReleases } from "./program_releases.ts";
import { SecretStore } from "../secret_store.ts";
import { type FreeRange, hostFreeRange } from "./logs/free_range.ts";
import { DEFAULT_LOG_LIMITS, LogKeeper, type LogLimits } from "./logs/log_keeper.ts";
import { openShellProcessTable } from "./shell_process_table.ts";
import shimScript from "./shim.sh" with { type: "text" };
import { openSite } from "./site.ts";
import { UsageSampler } from "./usage_sampler.ts";
import { SiteLeases } from "./site_leases.ts";

/** What a process platform is made from. */
export interface ProcessPlatformOptions {
  /** Made if it is not there. One worker at a time uses it: the caller holds its lock. */
  dataFolder: string;
  clock: Clock;
  ids: Ids;
  /** The host's environment; servers get an allow-list of it, and `PATH` is searched for programs. */
  hostEnvironment: Readonly<Record<string, string>>;
  drasiServer: DrasiServerOptions;
  /** What may run here; absent: everything may, as the worker's own user. */
  policy?: HostPolicy;
  /** The `DRAAS_SECRET_…` variables of the worker. */
  secretVariables?: Readonly<Record<string, string>>;
  /** How much output is kept; `DEFAULT_LOG_LIMITS` where it is left out. */
  logLimits?: Partial<LogLimits>;
  /** Frees parts of files; by the host's fallocate where it is left out. */
  freeRange?: FreeRange;
  /** Looks at and signals processes; the host's by default. */
  openProcessTable?: (clock: Clock, instancesFolder: string, path: string) => ProcessTable;
  /** What holds servers in their limits; the host's control groups by default. */
  confinement?: Confinement;
}

/** Who hears of what comes unasked. */
export interface HostListeners {
  /** Of each run that ends without having been asked to. */
  onUnexpectedEnd(info: RuntimeInfo): void;
  /** Of how servers and starts are, each time that it is looked. */
  onHealth(report: HealthReport): void;
}

/**
 * Opens the site and all that works on it.
 * @throws {OperationalError} `data_folder_unusable`, `host_unsupported`
 */
export async function openHost(
  options: ProcessPlatformOptions,
  { onUnexpectedEnd, onHealth }: HostListeners,
): Promise<ProcessHost> {
  const { clock, ids, hostEnvironment, drasiServer } = options;
  const policy = options.policy ?? openPolicy("worker.yaml");
  const { id, dataRoot, instancesFolder, endedFolder, shimPath } = await openSite(
    options.dataFolder,
    ids,
    shimScript,
  );
  const searchPath = hostEnvironment.PATH ?? "";
  const setsidPath = await requireTool("setsid", searchPath);
  await requireTool("flock", searchPath);
  const openTable = options.openProcessTable ?? openShellProcessTable;
  const table = openTable(clock, instancesFolder, searchPath);
  const confinement = options.confinement ??
    openCgroupConfinement({ clock, site: id, path: searchPath });
  const endConfined = (folder: InstanceFolder, runId: string) =>
    endGroups({ clock, confinement }, folder, runId);
  const logs = new LogKeeper({
    clock,
    limits: { ...DEFAULT_LOG_LIMITS, ...options.logLimits },
    freeRange: options.freeRange ?? hostFreeRange(searchPath),
    deletedFolder: `${dataRoot}/deleted-logs`,
  });
  const health = new HealthWatch({ clock, table, setsidPath, onHealth });
  const usage: UsageSampler = new UsageSampler({
    clock,
    path: searchPath,
    roots: () => watch.live(),
  });
  const watch: ExitWatch = new ExitWatch({
    clock,
    table,
    site: id,
    output: logs,
    endedFolder,
    endConfined,
    onUnexpectedEnd,
    probesOf: (runId) => ({
      ...health.recordOf(runId) ?? { results: [], isFailed: false },
      resources: usage.curveOf(runId),
    }),
  });
  return {
    clock,
    table,
    watch,
    health,
    usage,
    logs,
    leases: new SiteLeases(table, dataRoot),
    site: id,
    instancesFolder,
    shimPath,
    setsidPath,
    hostEnvironment,
    drasiServer,
    policy,
    ports: new PortBook(id, policy.ports, (host, port) => portFailure(host, port) === null),
    releases: new ProgramReleases(clock, searchPath),
    secrets: new SecretStore({
      folder: policy.secrets.folder ?? `${dataRoot}/secrets`,
      variables: options.secretVariables ?? {},
    }),
    confinement,
  };
}

async function requireTool(name: string, searchPath: string): Promise<string> {
  const found = await findProgram(name, searchPath, "/");
  if ("path" in found) return found.path;
  throw new OperationalError(
    "host_unsupported",
    `the process platform needs ${name}, which is not on the worker's PATH`,
    false,
    "Install util-linux (Linux only).",
  );
}
