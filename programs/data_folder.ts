/** A worker's data folder: one worker at a time, and the name under which the fleet knows it. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import { ID_PATTERN } from "../events/ids.ts";

/** Enough to tell the workers of one host apart. */
const ID_SUFFIX_CHARACTERS = 6;
const HOST_CHARACTERS_MAX = 40;

/** Lets go of the folder. */
export interface SiteLock {
  close(): void;
}

/**
 * Takes the folder for this process; the kernel lets go of it when the process ends, however that happens.
 * @throws {OperationalError} `data_folder_in_use`, `data_folder_unusable`
 */
export async function lockSite(folder: string): Promise<SiteLock> {
  const file = await usable(folder, async () => {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    return await Deno.open(`${folder}/worker.lock`, { create: true, write: true, mode: 0o600 });
  });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new OperationalError(
    "data_folder_in_use",
    `Another worker uses the data folder ${folder}.`,
    true,
    "End it first, or give this one a folder of its own: --data-dir or DRAAS_DATA_DIR.",
  );
}

/**
 * The worker's id that is kept in the folder; made from the host's name at the first start. The folder must be locked.
 * @throws {OperationalError} `data_folder_unusable`
 */
export async function keptWorkerId(folder: string, hostName: string): Promise<string> {
  const path = `${folder}/worker-id`;
  return await usable(folder, async () => {
    const kept = await readOrNull(path);
    if (kept !== null) {
      if (ID_PATTERN.test(kept)) return kept;
      throw new Error(`${path} does not hold a worker's id`);
    }
    const id = newWorkerId(hostName, hostIds.next("incarnation"));
    await Deno.writeTextFile(`${path}.new`, `${id}\n`, { mode: 0o600 });
    await Deno.rename(`${path}.new`, path);
    return id;
  });
}

/** Tells this machine from others; the same for as long as it is the same machine, or the same container. */
export async function machineIdOf(hostName: string): Promise<string> {
  // Containers share the file of their image, or have none: their host name tells them apart.
  const id = await readOrNull("/etc/machine-id").catch(() => null);
  return `${hostName}/${id || "unknown"}`;
}

function newWorkerId(hostName: string, chance: string): string {
  const name = hostName.split(".")[0]!.replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  const host = name.slice(0, HOST_CHARACTERS_MAX) || "worker";
  return `${host}-${chance.replaceAll("-", "").slice(0, ID_SUFFIX_CHARACTERS)}`;
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function usable<T>(folder: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw new OperationalError(
      "data_folder_unusable",
      `the data folder ${folder} cannot be used: ${reasonOf(error)}`,
      false,
      "Give the worker's user the right to write there, or set DRAAS_DATA_DIR to another folder.",
      { cause: error },
    );
  }
}
