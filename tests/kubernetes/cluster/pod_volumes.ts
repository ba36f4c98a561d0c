/** The volumes of a pod as folders of this host. */
import type { Pod, PodVolume } from "./kube_objects.ts";
import { type ReadSource, valuesOf, type VolumeFolders } from "./container_plan.ts";

/** Why a volume isn't there yet: `FailedMount`, with the kubelet's message. */
export class VolumeError extends Error {}

/**
 * Makes them; claims outlive their pod, in `claimsFolder`.
 * @throws {VolumeError} when a source is missing
 */
export async function mountVolumes(
  pod: Pod,
  podFolder: string,
  claimsFolder: string,
  read: ReadSource,
): Promise<VolumeFolders> {
  const folders = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    const claim = volume.persistentVolumeClaim?.claimName;
    const folder = claim
      ? `${claimsFolder}/${pod.metadata.namespace}/${claim}`
      : `${podFolder}/volumes/${volume.name}`;
    await Deno.mkdir(folder, { recursive: true });
    await fill(volume, folder, read);
    folders.set(volume.name, folder);
  }
  return folders;
}

async function fill(volume: PodVolume, folder: string, read: ReadSource): Promise<void> {
  const { configMap, secret } = volume;
  const source = configMap ?? secret;
  if (!source) return;
  const plural = configMap ? "configmaps" : "secrets";
  const name = configMap?.name ?? secret?.secretName ?? "";
  const found = await read(plural, name);
  if (!found) {
    if (source.optional) return;
    throw new VolumeError(
      `MountVolume.SetUp failed for volume "${volume.name}" : ${
        configMap ? "configmap" : "secret"
      } "${name}" not found`,
    );
  }
  const values = valuesOf(plural, found);
  const items = source.items ?? Object.keys(values).map((key) => ({ key, path: key }));
  for (const { key, path } of items) {
    const value = values[key];
    if (value === undefined) {
      throw new VolumeError(
        `MountVolume.SetUp failed for volume "${volume.name}" : references non-existent ${
          configMap ? "config" : "secret"
        } key: ${key}`,
      );
    }
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${path}`, value);
  }
}
