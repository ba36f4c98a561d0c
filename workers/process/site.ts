/** The site: a data folder, known by an id that stays with it. Design §2. */
import type { Ids } from "../../events/ids.ts";
import { ID_PATTERN } from "../../events/ids.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";

/** Where a site's parts are. All paths are absolute. */
export interface Site {
  id: string;
  /** The data folder itself. */
  dataRoot: string;
  instancesFolder: string;
  /** Holds an empty file, named after its instance, for each run whose end nobody has taken note of yet. */
  endedFolder: string;
  shimPath: string;
}

/**
 * Opens a data folder, or makes one: its id, the folder of instances, and its copy of the shim.
 * @throws {OperationalError} `data_folder_unusable`
 */
export async function openSite(dataFolder: string, ids: Ids, shim: string): Promise<Site> {
  try {
    await Deno.mkdir(dataFolder, { recursive: true, mode: 0o700 });
    const root = await Deno.realPath(dataFolder);
    const instancesFolder = `${root}/instances`;
    await Deno.mkdir(instancesFolder, { recursive: true, mode: 0o700 });
    const endedFolder = `${root}/ended`;
    // Marks that nobody took note of: whoever adopts looks at each record. A disk that has turned read-only keeps them,
    // and keeps nobody from adopting: ends are then known a little later.
    await Deno.remove(endedFolder, { recursive: true }).catch(() => undefined);
    await Deno.mkdir(endedFolder, { recursive: true, mode: 0o700 }).catch(() => undefined);
    // A name of its own for each version: shells read their script as they go.
    const shimPath = `${root}/shim-${await digestOf(shim)}.sh`;
    await writeOnce(shimPath, shim, ids);
    await writeOnce(`${root}/site`, ids.next("incarnation") + "\n", ids);
    const id = (await Deno.readTextFile(`${root}/site`)).trim();
    if (!ID_PATTERN.test(id)) throw new Error(`${root}/site does not hold a site id`);
    return { id, dataRoot: root, instancesFolder, endedFolder, shimPath };
  } catch (error) {
    throw new OperationalError(
      "data_folder_unusable",
      `the data folder ${dataFolder} cannot be used: ${reasonOf(error)}`,
      false,
      "Give the worker's user the right to write there, or set DRAAS_DATA_DIR to another folder.",
      { cause: error },
    );
  }
}

/** Creates the file in one step, unless it is there: of several that try, one wins, whole. */
async function writeOnce(path: string, content: string, ids: Ids): Promise<void> {
  try {
    await Deno.stat(path);
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const draft = `${path}.${ids.next("incarnation")}.new`;
  await Deno.writeTextFile(draft, content, { mode: 0o600, createNew: true });
  try {
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(draft);
  }
}

async function digestOf(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(bytes).slice(0, 6)].map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
