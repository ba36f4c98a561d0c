/** Runs a server as another user of the host, where the host's rules allow it and the worker may: by `setpriv`, which becomes the server. */
import type { Template } from "../../events/configuration.ts";
import type { Failure } from "../platform.ts";
import { hostRefusal } from "../policy/host_rules.ts";
import type { LaunchPlan } from "../templates/launch_plan.ts";
import type { InstanceFolder } from "./instance_folder.ts";
import { findProgram } from "./preflight.ts";
import { probesBy, type ProgramAs } from "./probe_programs.ts";
import type { ProcessHost } from "./process_host.ts";

/** A user of the host, as `/etc/passwd` has it. */
export interface Account {
  uid: number;
  gid: number;
  home: string;
}

const PASSWD = "/etc/passwd";
/** Into the folder, but not to its list: names in there are random. */
const PASS_THROUGH = 0o711;

/**
 * The plan as it is for the user that it names: with a working folder, a home and a program line of its own, since what
 * is in the instance's folder no server of another user may change. A plan without a user, or with the worker's own,
 * is as it was.
 */
export async function planAs(
  host: ProcessHost,
  template: Template,
  plan: LaunchPlan,
  folder: InstanceFolder,
): Promise<{ plan: LaunchPlan; account: Account | null } | { failure: Failure }> {
  const { user } = plan;
  if (user === undefined) return { plan, account: null };
  const account = accountOf(user);
  if (account === null) {
    return invalid(`user: ${user} is no user of this worker's host (${PASSWD})`);
  }
  // Who owns what this worker makes is who it is.
  if ((await ownFolder(folder.path)).uid === account.uid) return { plan, account: null };
  const refusal = hostRefusal(host.policy, { template, user });
  if (refusal) return { failure: refusal };
  const hostPath = host.hostEnvironment.PATH ?? "";
  const setpriv = await findProgram("setpriv", hostPath, "/");
  if ("code" in setpriv) return refused(user, "its setpriv (util-linux) is missing");
  const work = `${folder.path}/work`;
  try {
    await ownFolder(work);
    Deno.chownSync(work, account.uid, account.gid);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    return refused(user, "the worker's own user is not root, and may not become another");
  }
  const isHostsHome = plan.env.HOME === host.hostEnvironment.HOME;
  const asUser: ProgramAs = ({ argv, workingDirectory }) => ({
    argv: [
      setpriv.path,
      `--reuid=${account.uid}`,
      `--regid=${account.gid}`,
      "--init-groups",
      "--inh-caps=-all",
      "--no-new-privs",
      "--",
      ...argv,
    ],
    workingDirectory: workingDirectory === folder.path ? work : workingDirectory,
  });
  return {
    plan: {
      ...plan,
      ...asUser(plan),
      ...probesBy(plan, asUser),
      runtimeMetadata: { ...plan.runtimeMetadata, user },
      env: isHostsHome ? { ...plan.env, HOME: account.home } : plan.env,
    },
    account,
  };
}

/** Gives the user what its server reads by its path: the files of its plan, and a way to them. */
export function handOver(
  host: ProcessHost,
  plan: LaunchPlan,
  folder: InstanceFolder,
  runId: string,
  account: Account,
): void {
  if (plan.files.length === 0) return;
  const root = host.instancesFolder.slice(0, host.instancesFolder.lastIndexOf("/"));
  const way = [
    root,
    host.instancesFolder,
    folder.path,
    `${folder.path}/runs`,
    folder.runFolder(runId),
  ];
  for (const one of way) Deno.chmodSync(one, PASS_THROUGH);
  for (const { path } of plan.files) Deno.chownSync(path, account.uid, account.gid);
}

async function ownFolder(path: string): Promise<Deno.FileInfo> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  return await Deno.stat(path);
}

function accountOf(user: string): Account | null {
  for (const line of Deno.readTextFileSync(PASSWD).split("\n")) {
    const [name, , uid, gid, , home] = line.split(":");
    if (name === user) return { uid: Number(uid), gid: Number(gid), home: home || "/" };
  }
  return null;
}

function invalid(fault: string): { failure: Failure } {
  const message = `Configuration is invalid: ${fault}`;
  return { failure: { code: "configuration_invalid", message, retryable: false } };
}

function refused(user: string, why: string): { failure: Failure } {
  return {
    failure: {
      code: "user_refused",
      message: `The server may not run as ${user}: ${why}.`,
      retryable: false,
    },
  };
}
