/** The output of deleted instances: kept on the host for a while, bounded by age and by size. */
import type { InstanceFolder } from "../instance_folder.ts";
import { LEGACY_FILE } from "./log_index.ts";
import { logsFolderOf, pathOf } from "./log_store.ts";

/** What can be done with them. */
export interface FormerOutputs {
  /** Moves an instance's logs here, in one step; nothing happens where it has none. */
  keep(folder: InstanceFolder, now: number): Promise<void>;
  /** Removes what was deleted before `keepAfter`, and the oldest of what is more than `bytesMax`. */
  prune(keepAfter: number, bytesMax: number): Promise<void>;
}

/** Of a site, in this folder: `<instance>.<when it was deleted, epoch ms>/`. */
export function formerOutputs(path: string): FormerOutputs {
  return {
    async keep(folder, now) {
      const logs = logsFolderOf(folder.path);
      await Deno.mkdir(path, { mode: 0o700 }).catch(unless(Deno.errors.AlreadyExists));
      await Deno.mkdir(logs, { mode: 0o700 }).catch(
        unless(Deno.errors.AlreadyExists, Deno.errors.NotFound),
      );
      await Deno.rename(pathOf(logs, LEGACY_FILE), `${logs}/${LEGACY_FILE}`).catch(
        unless(Deno.errors.NotFound),
      );
      await Deno.rename(logs, `${path}/${folder.instanceId}.${now}`).catch(
        unless(Deno.errors.NotFound),
      );
    },
    async prune(keepAfter, bytesMax) {
      const kept: { name: string; at: number; bytes: number }[] = [];
      for await (const { name } of Deno.readDir(path)) {
        const at = Number(name.slice(name.lastIndexOf(".") + 1));
        kept.push({ name, at, bytes: await bytesOf(`${path}/${name}`) });
      }
      let bytes = 0;
      for (const one of kept.sort((a, b) => b.at - a.at)) {
        bytes += one.bytes;
        if (one.at >= keepAfter && bytes <= bytesMax) continue;
        await Deno.remove(`${path}/${one.name}`, { recursive: true });
      }
    },
  };
}

/** On the disk: holes are not counted. */
async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name } of Deno.readDir(folder)) {
    const { blocks, size } = await Deno.stat(`${folder}/${name}`);
    bytes += blocks === null ? size : blocks * 512;
  }
  return bytes;
}

function unless(...kinds: (new () => Error)[]): (error: unknown) => void {
  return (error) => {
    if (!kinds.some((kind) => error instanceof kind)) throw error;
  };
}
