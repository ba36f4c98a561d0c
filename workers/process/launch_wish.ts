/** What a start would take of its host, with paths as they really are, for the host's rules to judge. */
import { secretNamesIn } from "../../events/secret_reference.ts";
import { parseCommandConfiguration } from "../../events/configuration.ts";
import type { StartSpec } from "../platform.ts";
import type { LaunchWish } from "../policy/host_rules.ts";
import { pluginFieldsOf } from "../templates/drasi_server.ts";
import type { LaunchPlan } from "../templates/launch_plan.ts";

/** What is known of it before there is a plan. Of a valid configuration; looks at nothing on the host. */
export function statedWish({ template, configuration, limits }: StartSpec): LaunchWish {
  const { port } = configuration;
  return {
    template,
    ...(limits === undefined ? {} : { limits }),
    secrets: secretNamesIn(configuration),
    ...(typeof port === "number" && port !== 0 ? { port } : {}),
    ...(template === "drasi-server" ? { pluginFields: pluginFieldsOf(configuration) } : {}),
  };
}

/**
 * The whole wish.
 * @param program the path of the program that was found
 * @param ownFolder the instance's own, where it may do as it likes
 */
export async function launchWish(
  spec: StartSpec,
  plan: LaunchPlan,
  program: string,
  ownFolder: string,
): Promise<LaunchWish> {
  const own = await resolvedPath(ownFolder);
  const folders = await Promise.all(foldersOf(spec, plan).map(resolvedPath));
  const outside = folders.filter((path) => path !== own && !path.startsWith(`${own}/`));
  const wish = { ...statedWish(spec), folders: [...new Set(outside)] };
  if (spec.template !== "command") return wish;
  const { env = {} } = parseCommandConfiguration(spec.configuration);
  return { ...wish, program: await inResolvedFolder(program), variables: Object.keys(env) };
}

/**
 * The path with its folder free of symbolic links, and its own name as it is: of a program that does one thing or another
 * by the name it is called by, only the names that are listed may run.
 */
export async function inResolvedFolder(path: string): Promise<string> {
  const cut = path.lastIndexOf("/");
  const folder = await resolvedPath(path.slice(0, cut) || "/");
  return `${folder === "/" ? "" : folder}/${path.slice(cut + 1)}`;
}

/** The path without symbolic links; what is not there yet is as it would be. */
export async function resolvedPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    const isMissing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    const cut = path.replace(/\/+$/, "").lastIndexOf("/");
    if (!isMissing || cut < 0) throw error;
    const parent = await resolvedPath(path.slice(0, cut) || "/");
    const name = path.replace(/\/+$/, "").slice(cut + 1);
    if (name === "" || name === ".") return parent;
    if (name === "..") return parent.slice(0, parent.lastIndexOf("/")) || "/";
    return `${parent === "/" ? "" : parent}/${name}`;
  }
}

/** Absolute paths that the configuration makes it work in, or write to. */
function foldersOf({ template, configuration }: StartSpec, plan: LaunchPlan): string[] {
  const store = template === "drasi-server" ? configuration.stateStore : null;
  const path = store && typeof store === "object" && !Array.isArray(store) ? store.path : null;
  if (typeof path !== "string") return [plan.workingDirectory];
  const file = path.startsWith("/") ? path : `${plan.workingDirectory}/${path}`;
  return [plan.workingDirectory, file.slice(0, file.lastIndexOf("/")) || "/"];
}
