/** Makes a launch plan and checks on the host what the plan takes for granted. */
import type { JsonObject } from "../../events/json.ts";
import type { Failure, StartSpec } from "../platform.ts";
import type { DrasiServerProgram, LaunchPlan } from "../templates/launch_plan.ts";
import { planLaunch, wantsPort } from "../templates/templates.ts";
import type { InstanceFolder } from "./instance_folder.ts";
import { findProgram, pickFreePort, portFailure, workingDirectoryFailure } from "./preflight.ts";
import type { ProcessHost } from "./process_host.ts";
import { type Account, planAs } from "./run_as.ts";

const DRASI_SERVER = "drasi-server";
const LOOPBACK = "127.0.0.1";

/**
 * The plan, its program as an absolute path, and the user that it is for, where that is another; or why nothing may be
 * spawned. Writes nothing but a user's working folder.
 */
export async function prepareLaunch(
  host: ProcessHost,
  spec: StartSpec,
  folder: InstanceFolder,
): Promise<{ plan: LaunchPlan; account: Account | null } | { failure: Failure }> {
  const drasiServer = await findDrasiServer(host, spec, folder);
  if ("code" in drasiServer) return { failure: drasiServer };
  const plan = planLaunch(spec.template, spec.configuration, {
    spec,
    site: host.site,
    instanceFolder: folder.path,
    runFolder: folder.runFolder(spec.runId),
    pickedPort: wantsPort(spec.template, spec.configuration)
      ? pickFreePort(bindHost(spec.configuration))
      : null,
    hostEnvironment: host.hostEnvironment,
    drasiServer,
  });
  // The instance's own folder is made just before the spawn.
  const directory = plan.workingDirectory === folder.path
    ? null
    : await workingDirectoryFailure(plan.workingDirectory);
  if (directory) return { failure: directory };
  const [name, ...args] = plan.argv;
  if (name === undefined) throw new Error("a launch plan without a program");
  const program = await findProgram(name, plan.env.PATH ?? "", plan.workingDirectory);
  if ("code" in program) return { failure: program };
  const port = plan.port === null ? null : portFailure(plan.host ?? LOOPBACK, plan.port);
  if (port) return { failure: port };
  return await planAs(host, { ...plan, argv: [program.path, ...args] }, folder);
}

/** What the template's program is here. An explicit binary that is missing is never replaced. */
async function findDrasiServer(
  host: ProcessHost,
  spec: StartSpec,
  folder: InstanceFolder,
): Promise<DrasiServerProgram | Failure> {
  const { drasiServerBin, standIn, standInCommand } = host.drasiServer;
  const unused: DrasiServerProgram = { argv: [DRASI_SERVER], isStandIn: false };
  if (spec.template !== "drasi-server") return unused;
  const searchPath = host.hostEnvironment.PATH ?? "";
  const found = await findProgram(drasiServerBin ?? DRASI_SERVER, searchPath, folder.path);
  if ("path" in found) return { argv: [found.path], isStandIn: false };
  if (drasiServerBin !== null || found.code !== "binary_missing") return found;
  if (standIn === "auto" && standInCommand !== null) {
    return { argv: standInCommand, isStandIn: true };
  }
  return {
    code: "binary_missing",
    message: "This worker's host has no drasi-server on its PATH. Install drasi-server, or set " +
      "DRASI_SERVER_BIN to its path.",
    retryable: false,
  };
}

function bindHost(configuration: JsonObject): string {
  return typeof configuration.host === "string" ? configuration.host : LOOPBACK;
}
