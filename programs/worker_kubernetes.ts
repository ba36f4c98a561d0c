/** `deno task worker:kubernetes`: a worker that runs images as pods in a namespace of a cluster. Design §8. */
import { hostClock } from "../adapters/host/host_clock.ts";
import type { Settings } from "../settings/settings.ts";
import { accessOfHost } from "../workers/kubernetes/cluster_access.ts";
import { openKubernetesPlatform } from "../workers/kubernetes/kubernetes_platform.ts";
import { runFleetWorker } from "./fleet_worker.ts";
import { openImageHost, whenRuntimeAnswers } from "./image_host.ts";
import type { Undo } from "./parts.ts";
import type { Telemetry } from "./telemetry.ts";

/** Runs the program until it is told to end; gives its exit code. */
export async function runKubernetesWorker(
  settings: Settings,
  environment: Readonly<Record<string, string>>,
  telemetry: Telemetry,
): Promise<number> {
  const undo: Undo = [];
  const host = await openImageHost(settings, environment, undo);
  const access = accessOfHost({
    context: settings.kubernetesContext,
    namespace: settings.kubernetesNamespace,
  });
  const options = {
    ...host,
    access,
    fleet: settings.namespace,
    clock: hostClock,
    drasiServerImage: settings.drasiServerImage,
    volumeSize: settings.kubernetesVolumeSize,
  };
  const platform = await whenRuntimeAnswers(
    settings,
    telemetry,
    () => openKubernetesPlatform(options),
  );
  const runs = `images as pods in namespace ${access.namespace} of ${access.server}`;
  return await runFleetWorker(settings, { platform, policy: host.policy, runs, undo }, telemetry);
}
