/** The process worker over any bus: its data folder, its platform, and the loop, put together. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { inheritedEnvironment, secretVariables } from "../config.ts";
import type { Registration, WorkerChannel } from "../events/worker_channel.ts";
import type { Settings } from "../settings/settings.ts";
import type { HostPolicy } from "../workers/policy/host_policy.ts";
import { openProcessPlatform, type ProcessPlatform } from "../workers/process/process_platform.ts";
import { Worker } from "../workers/worker_loop.ts";
import { lockSite } from "./data_folder.ts";
import { complain, tellBug } from "./terminal.ts";
import type { Undo } from "./parts.ts";
import { VERSION } from "./version.ts";

const MIB = 1_048_576;

type Environment = Readonly<Record<string, string>>;

/**
 * The platform over the site in the data folder, which is locked for this program.
 * @param policy what the host allows
 * @param undo gets what lets go of the lock
 * @throws {OperationalError} `data_folder_in_use`, `data_folder_unusable`, `host_unsupported`
 */
export async function openSite(
  settings: Settings,
  environment: Environment,
  policy: HostPolicy,
  undo: Undo,
): Promise<ProcessPlatform> {
  const dataFolder = `${settings.dataDir}/process`;
  const lock = await lockSite(dataFolder);
  undo.push(async () => lock.close());
  return await openProcessPlatform({
    dataFolder,
    clock: hostClock,
    ids: hostIds,
    hostEnvironment: inheritedEnvironment(environment),
    policy: withSecretsFolder(policy, `${Deno.realPathSync(settings.dataDir)}/secrets`),
    secretVariables: secretVariables(environment),
    logLimits: {
      keepBytes: settings.logMib * MIB,
      keepMs: settings.logAgeMs,
      deletedBytesMax: settings.deletedLogsMib * MIB,
    },
    drasiServer: {
      drasiServerBin: settings.drasiServerBin,
      standIn: settings.standIn,
      pluginsFolder: settings.drasiPluginsDir,
      standInCommand: standInCommand(),
    },
  });
}

/** Where the host's owner names no folder for secrets, they are in the data folder. */
function withSecretsFolder(policy: HostPolicy, folder: string): HostPolicy {
  return { ...policy, secrets: { ...policy.secrets, folder: policy.secrets.folder ?? folder } };
}

/** Who a worker is, and how it reaches the bus. */
export interface WorkerSeat {
  identity: Pick<Registration, "workerId" | "machineId" | "slots" | "labels">;
  platform: ProcessPlatform;
  openChannel(registration: Registration): WorkerChannel;
  /** Another incarnation has taken over, and this one has left. */
  onSuperseded(): void;
}

/** A worker that is yet to be started. */
export function seatWorker({ identity, platform, openChannel, onSuperseded }: WorkerSeat): Worker {
  return new Worker({
    openChannel: () =>
      openChannel({
        ...identity,
        platform: platform.name,
        site: platform.site,
        incarnation: hostIds.next("incarnation"),
        version: VERSION,
      }),
    platform,
    clock: hostClock,
    ids: hostIds,
    slots: identity.slots,
    onBug: tellBug,
    onStranger: ({ instanceId, processId }) =>
      complain(
        `The server of instance ${instanceId} (process ${processId}) runs here, and the log does not know it.`,
        "The log was lost, or an older copy was put back. The server is left alone: put the newer log back, or end it.",
      ),
    onSuperseded,
  });
}

/** The built-in stand-in, run by this very Deno with its least permissions. */
function standInCommand(): string[] {
  const entry = new URL("../workers/templates/stand_in/main.ts", import.meta.url);
  const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-env"];
  return [
    Deno.execPath(),
    "run",
    "--no-prompt",
    "--quiet",
    ...permissions,
    decodeURIComponent(entry.pathname),
  ];
}
