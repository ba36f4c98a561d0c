/** Reads `worker.yaml`, in which the owner of a host says what may run there. */
import { parse as parseYaml } from "yaml";
import { OperationalError, reasonOf } from "../events/errors.ts";
import { type HostPolicy, parseHostPolicy, strictPolicy } from "../workers/policy/host_policy.ts";
import { inResolvedFolder, resolvedPath } from "../workers/process/launch_wish.ts";

/** Where it is looked for when no setting names it: the working folder. */
export const POLICY_FILE = "worker.yaml";

/** What a worker may run that takes its work from elsewhere, and whose host says nothing. */
export const UNTOLD: HostPolicy = strictPolicy(POLICY_FILE);

/** The same for one that runs images, which may hold any program: nothing. */
export const NO_IMAGES: HostPolicy = { ...UNTOLD, templates: [] };

/**
 * The policy of this host.
 * @param path null: `worker.yaml` in the working folder, if there is one
 * @param silent what holds where the file says nothing, or where there is none
 * @throws {OperationalError} `policy_invalid`, with every fault
 */
export async function readHostPolicy(
  path: string | null,
  silent: HostPolicy,
): Promise<HostPolicy> {
  const text = await textOf(path);
  if (text === null) return { ...silent, source: `${POLICY_FILE} (this host has none)` };
  const name = path ?? POLICY_FILE;
  const source = name.slice(name.lastIndexOf("/") + 1);
  const parsed = parseHostPolicy(contentOf(name, text), { ...silent, source });
  if (parsed.ok) return await resolved(parsed.value);
  const faults = parsed.faults.map(({ path, message }) => `  ${path || "the file"}: ${message}`);
  throw invalid(`${name} is not in order:\n${faults.join("\n")}`);
}

/** Null where there is no file, and none was named. */
async function textOf(path: string | null): Promise<string | null> {
  try {
    return await Deno.readTextFile(path ?? POLICY_FILE);
  } catch (error) {
    if (path === null && error instanceof Deno.errors.NotFound) return null;
    throw invalid(`${path ?? POLICY_FILE} cannot be read: ${reasonOf(error)}`, error);
  }
}

function contentOf(name: string, text: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    throw invalid(`${name} is not valid YAML: ${reasonOf(error).split("\n")[0]}`, error);
  }
}

/** The same policy, with its paths free of symbolic links, as those are that it is compared with. */
async function resolved(policy: HostPolicy): Promise<HostPolicy> {
  const { binaries, folders } = policy;
  return {
    ...policy,
    binaries: binaries && await Promise.all(binaries.map(resolvedPattern)),
    folders: folders && await Promise.all(folders.map(resolvedPath)),
  };
}

/** Only what comes before the first `*` can be a folder. */
async function resolvedPattern(pattern: string): Promise<string> {
  const star = pattern.indexOf("*");
  if (star < 0) return await inResolvedFolder(pattern);
  const cut = pattern.lastIndexOf("/", star);
  const folder = await resolvedPath(pattern.slice(0, cut) || "/");
  return `${folder === "/" ? "" : folder}${pattern.slice(cut)}`;
}

function invalid(message: string, cause?: unknown): OperationalError {
  return new OperationalError(
    "policy_invalid",
    message,
    false,
    'See "What a host allows" in docs/process-worker.md.',
    { cause },
  );
}
