/** `deno task worker:kubernetes`: a worker that runs images as pods in a namespace of a cluster. Design §8. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { secretVariables } from "../config.ts";
import type { Settings } from "../settings/settings.ts";
import { accessOfHost } from "../workers/kubernetes/cluster_access.ts";
import { openKubernetesPlatform } from "../workers/kubernetes/kubernetes_platform.ts";
import { SecretStore } from "../workers/secret_store.ts";
import { lockSite } from "./data_folder.ts";
import { runFleetWorker } from "./fleet_worker.ts";
import type { Undo } from "./parts.ts";
import { NO_IMAGES, readHostPolicy } from "./policy_file.ts";
import { whenRedisAnswers } from "./redis_wait.ts";
import { terminal } from "./terminal.ts";

/** Runs the program until it is told to end; gives its exit code. */
export async function runKubernetesWorker(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const undo: Undo = [];
  const policy = await readHostPolicy(settings.workerPolicy, NO_IMAGES);
  const lock = await lockSite(settings.dataDir);
  undo.push(async () => lock.close());
  const access = accessOfHost({
    context: settings.kubernetesContext,
    namespace: settings.kubernetesNamespace,
  });
  const secrets = new SecretStore({
    folder: policy.secrets.folder ?? `${Deno.realPathSync(settings.dataDir)}/secrets`,
    variables: secretVariables(environment),
  });
  const options = {
    access,
    fleet: settings.namespace,
    clock: hostClock,
    policy,
    secrets,
    volumeSize: settings.kubernetesVolumeSize,
  };
  // A cluster that is about to start is waited for, as Redis is.
  const wait = { clock: hostClock, voice: terminal, waitMs: settings.redisWaitMs };
  const platform = await whenRedisAnswers(wait, () => openKubernetesPlatform(options));
  const runs = `images as pods in namespace ${access.namespace} of ${access.server}`;
  return await runFleetWorker(settings, { platform, policy, runs, undo });
}
