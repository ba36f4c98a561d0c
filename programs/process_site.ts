/** The process platform over the site in a data folder, as the programs open it. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { inheritedEnvironment, secretVariables } from "../config.ts";
import type { Settings } from "../settings/settings.ts";
import type { HostPolicy } from "../workers/policy/host_policy.ts";
import { openProcessPlatform, type ProcessPlatform } from "../workers/process/process_platform.ts";
import { lockSite } from "./data_folder.ts";
import type { Undo } from "./parts.ts";

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
