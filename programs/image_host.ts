/** What every worker that runs images has on its host: the right to its data folder, rules, and secrets. */
import { secretVariables } from "../config.ts";
import type { Settings } from "../settings/settings.ts";
import type { HostPolicy } from "../workers/policy/host_policy.ts";
import { SecretStore } from "../workers/secret_store.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { lockSite } from "./data_folder.ts";
import type { Undo } from "./parts.ts";
import { NO_IMAGES, readHostPolicy } from "./policy_file.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import type { Telemetry } from "./telemetry.ts";

export interface ImageHost {
  policy: HostPolicy;
  secrets: SecretStore;
}

/** Takes the data folder for this worker alone. */
export async function openImageHost(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  undo: Undo,
): Promise<ImageHost> {
  const policy = await readHostPolicy(settings.workerPolicy, NO_IMAGES);
  const lock = await lockSite(settings.dataDir);
  undo.push(async () => lock.close());
  const secrets = new SecretStore({
    folder: policy.secrets.folder ?? `${Deno.realPathSync(settings.dataDir)}/secrets`,
    variables: secretVariables(environment),
  });
  return { policy, secrets };
}

/** Opens what runs images; one that is about to start is waited for, as Redis is. */
export function whenRuntimeAnswers<T>(
  { redisWaitMs }: Settings,
  { voice }: Telemetry,
  open: () => Promise<T>,
): Promise<T> {
  return whenRedisAnswers({ clock: hostClock, voice, waitMs: redisWaitMs }, open);
}
