/** Makes a launch plan and checks on the host what the plan takes for granted. */
import type { JsonObject } from "../../events/json.ts";
import { secretNamesIn } from "../../events/secret_reference.ts";
import type { Failure, StartSpec } from "../platform.ts";
import type { DrasiServerProgram, LaunchPlan } from "../templates/launch_plan.ts";
import {
  type HostTemplate,
  isHostTemplate,
  planLaunch,
  wantsPort,
} from "../templates/templates.ts";
import { type Hidden, hiddenBy, lastLaunch } from "./hidden_secrets.ts";
import type { InstanceFolder, LaunchRecord } from "./instance_folder.ts";
import { hostRefusal } from "../policy/host_rules.ts";
import { inResolvedFolder, launchWish, statedWish } from "./launch_wish.ts";
import { portHolder } from "./port_holder.ts";
import {
  findProgram,
  LOOPBACK,
  portFailure,
  portTaken,
  workingDirectoryFailure,
} from "./preflight.ts";
import type { ProcessHost } from "./process_host.ts";
import { type Account, planAs } from "./run_as.ts";

const DRASI_SERVER = "drasi-server";

/**
 * What is to be spawned: the plan, its program as an absolute path, the user that it is for where that is another, and
 * the secrets that it refers to.
 */
export interface PreparedLaunch {
  plan: LaunchPlan;
  /** The path of the server's own program: a plan for another user begins with what becomes it. */
  program: string;
  account: Account | null;
  secrets: ReadonlyMap<string, string>;
  hidden: Hidden;
}

const NO_IMAGES: Failure = {
  code: "template_unsupported",
  message: "A process worker runs no images. Create the instance with the platform docker.",
  retryable: false,
};

/** What may be spawned, or why nothing may. Writes nothing but a user's working folder. */
export async function prepareLaunch(
  host: ProcessHost,
  spec: StartSpec,
  folder: InstanceFolder,
): Promise<PreparedLaunch | { failure: Failure }> {
  const { template } = spec;
  if (!isHostTemplate(template)) return { failure: NO_IMAGES };
  const refused = hostRefusal(host.policy, statedWish(spec));
  if (refused) return { failure: refused };
  const drasiServer = await findDrasiServer(host, spec, folder);
  if ("code" in drasiServer) return { failure: drasiServer };
  const last = await lastLaunch(folder);
  const picked = pickPort(host, { ...spec, template }, typeof last === "string" ? null : last);
  if (picked !== null && "code" in picked) return { failure: picked };
  const plan = planLaunch(template, spec.configuration, {
    spec,
    site: host.site,
    instanceFolder: folder.path,
    runFolder: folder.runFolder(spec.runId),
    pickedPort: picked?.port ?? null,
    hostEnvironment: host.hostEnvironment,
    drasiServer,
  });
  const program = await programOf(host, spec, plan, folder);
  if ("code" in program) return { failure: program };
  const port = plan.port === null ? null : await portConflict(host, spec, plan.host, plan.port);
  if (port) return { failure: port };
  const secrets = await host.secrets.values(secretNamesIn(spec.configuration));
  if ("code" in secrets) return { failure: secrets };
  const argv = [program.path, ...plan.argv.slice(1)];
  const planned = await planAs(host, spec.template, { ...plan, argv }, folder);
  if ("failure" in planned) return planned;
  return {
    ...planned,
    program: program.path,
    secrets: secrets.values,
    hidden: await hiddenBy(folder, secrets.values, last),
  };
}

/** The plan's program as an absolute path, where the host has it and allows it. */
async function programOf(
  host: ProcessHost,
  spec: StartSpec,
  plan: LaunchPlan,
  folder: InstanceFolder,
): Promise<{ path: string } | Failure> {
  // The instance's own folder is made just before the spawn.
  const directory = plan.workingDirectory === folder.path
    ? null
    : await workingDirectoryFailure(plan.workingDirectory);
  if (directory) return directory;
  const [name] = plan.argv;
  if (name === undefined) throw new Error("a launch plan without a program");
  const program = await findProgram(name, plan.env.PATH ?? "", plan.workingDirectory);
  if ("code" in program) return program;
  const { binaries, folders } = host.policy;
  // What is not restricted needs no looking at.
  if (binaries === null && folders === null) return program;
  const wish = await launchWish(spec, plan, program.path, folder.path);
  return hostRefusal(host.policy, wish) ?? await probeRefusal(host, spec, plan) ?? program;
}

/** A program that asks the server how it is runs on the host as the server does: the same programs are allowed. */
async function probeRefusal(
  host: ProcessHost,
  { template }: StartSpec,
  { readiness, liveness }: LaunchPlan,
): Promise<Failure | null> {
  for (const probe of [readiness, liveness?.probe]) {
    if (probe?.kind !== "command") continue;
    const { argv: [name = ""], env, workingDirectory } = probe;
    const found = await findProgram(name, env.PATH ?? "", workingDirectory);
    if ("code" in found) return found;
    const program = await inResolvedFolder(found.path);
    const refused = hostRefusal(host.policy, { template, program });
    if (refused) return refused;
  }
  return null;
}

/** A free port where the configuration names none; null where none is wanted. */
function pickPort(
  host: ProcessHost,
  { instanceId, template, configuration }: StartSpec & { template: HostTemplate },
  last: LaunchRecord | null,
): { port: number } | Failure | null {
  if (!wantsPort(template, configuration)) return null;
  return host.ports.pick(instanceId, bindHost(configuration), last?.port ?? null);
}

/** Why the server cannot have its port, and who has it; null where it can, and is noted for it. */
async function portConflict(
  host: ProcessHost,
  { instanceId }: StartSpec,
  address: string | null,
  port: number,
): Promise<Failure | null> {
  const bound = address ?? LOOPBACK;
  const other = host.ports.otherClaimant(instanceId, bound, port);
  const running = other === null ? undefined : host.watch.get(other);
  if (running) return portTaken(bound, port, `instance ${other} (process ${running.run.pid})`);
  const failure = portFailure(bound, port);
  if (failure === null) {
    host.ports.note(instanceId, bound, port);
    return null;
  }
  if (failure.code !== "port_in_use") return failure;
  return portTaken(
    bound,
    port,
    await portHolder(host.clock, host.hostEnvironment.PATH ?? "", port),
  );
}

/** What the template's program is here. An explicit binary that is missing is never replaced. */
async function findDrasiServer(
  host: ProcessHost,
  spec: StartSpec,
  folder: InstanceFolder,
): Promise<DrasiServerProgram | Failure> {
  const { drasiServerBin, standIn, standInCommand, pluginsFolder = null } = host.drasiServer;
  const said = { isStandIn: false, version: null, pluginsFolder };
  if (spec.template !== "drasi-server") return { ...said, argv: [DRASI_SERVER] };
  const searchPath = host.hostEnvironment.PATH ?? "";
  const found = await findProgram(drasiServerBin ?? DRASI_SERVER, searchPath, folder.path);
  if ("path" in found) {
    return {
      argv: [found.path],
      isStandIn: false,
      version: null,
      ...await host.releases.of(found.path),
      pluginsFolder: pluginsFolder ?? await pluginsFolderOf(found.path),
    };
  }
  if (drasiServerBin !== null || found.code !== "binary_missing") return found;
  if (standIn === "auto" && standInCommand !== null) {
    return { ...said, argv: standInCommand, isStandIn: true };
  }
  return {
    code: "binary_missing",
    message: "This worker's host has no drasi-server on its PATH. Install drasi-server, or set " +
      "DRASI_SERVER_BIN to its path.",
    retryable: false,
  };
}

/**
 * Null where plugins are beside the binary, so that it finds them by itself. It would make that folder, or end where it
 * may not: then each instance gets one in its working directory, which no other one changes while it boots.
 */
async function pluginsFolderOf(binary: string): Promise<string | null> {
  const real = await Deno.realPath(binary);
  const beside = `${real.slice(0, real.lastIndexOf("/"))}/plugins`;
  const isThere = await workingDirectoryFailure(beside) === null;
  return isThere ? null : "plugins";
}

function bindHost(configuration: JsonObject): string {
  return typeof configuration.host === "string" ? configuration.host : LOOPBACK;
}
