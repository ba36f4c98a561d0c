/** `deno task worker:doctor`: looks at a host and its Redis as a worker would, changes neither, and says what to do. */
import { hostClock } from "../adapters/host/host_clock.ts";
import { examineRedis } from "../adapters/redis/redis_examination.ts";
import { inheritedEnvironment, secretVariables } from "../config.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import type { Settings } from "../settings/settings.ts";
import type { HostPolicy } from "../workers/policy/host_policy.ts";
import { askHost } from "../workers/process/host_facts.ts";
import {
  type DataFolderView,
  type Finding,
  hostFindings,
} from "../workers/process/host_findings.ts";
import { findProgram, LOOPBACK, portFailure } from "../workers/process/preflight.ts";
import { ProgramReleases } from "../workers/process/program_releases.ts";
import { SecretStore } from "../workers/secret_store.ts";
import { SECRET_NAME } from "../events/secret_reference.ts";
import { lockSite } from "./data_folder.ts";
import { diagnosisText } from "./doctor_words.ts";
import { POLICY_FILE, readHostPolicy, UNTOLD } from "./policy_file.ts";
import { redisFindings, unreachedFinding } from "./redis_findings.ts";
import { say } from "./terminal.ts";

type Environment = Readonly<Record<string, string>>;

/** Runs the program; gives its exit code: 1 when something is in a worker's way. */
export async function examineHost(settings: Settings, environment: Environment): Promise<number> {
  const findings = [...await lookAtRedis(settings), ...await lookAtHost(settings, environment)];
  const isColoured = Deno.stdout.isTerminal() && !environment.NO_COLOR;
  say(settings.json ? JSON.stringify(findings, null, 2) : diagnosisText(findings, isColoured));
  return findings.some(({ outcome }) => outcome === "fail") ? 1 : 0;
}

async function lookAtRedis({ redisUrl, namespace }: Settings): Promise<Finding[]> {
  try {
    const url = redisUrl ?? "";
    return redisFindings(await examineRedis({ url, namespace, clock: hostClock }));
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    return [unreachedFinding(error)];
  }
}

async function lookAtHost(settings: Settings, environment: Environment): Promise<Finding[]> {
  let policy: HostPolicy;
  const faulty: Finding[] = [];
  try {
    policy = await readHostPolicy(settings.workerPolicy, UNTOLD);
  } catch (error) {
    if (!(error instanceof OperationalError)) throw error;
    faulty.push({ check: "allowed", outcome: "fail", saw: error.message, advice: error.hint });
    policy = UNTOLD;
  }
  const { PATH = "" } = inheritedEnvironment(environment);
  const dataFolder = await lookAtFolder(settings.dataDir);
  const found = await findProgram(settings.drasiServerBin ?? "drasi-server", PATH, Deno.cwd());
  const drasiServer = "path" in found
    ? { path: found.path, version: await versionOf(found.path, PATH) }
    : { problem: found.message };
  const facts = await askHost(hostClock, PATH, await nearestFolder(settings.dataDir));
  const seen = hostFindings({
    facts,
    policy,
    isPolicyOpenToOthers: await isOpenToOthers(settings.workerPolicy ?? POLICY_FILE, 0o002),
    freePorts: freePortsOf(policy),
    dataFolder,
    drasiServer,
    badSecrets: await lookAtSecrets(settings, policy, environment),
  });
  return [...seen.filter(({ check }) => faulty.length === 0 || check !== "allowed"), ...faulty];
}

async function versionOf(program: string, searchPath: string): Promise<string | null> {
  const release = await new ProgramReleases(hostClock, searchPath).of(program);
  if (release === null) return null;
  return release.isStandIn ? `${release.version} (a stand-in)` : release.version;
}

function freePortsOf({ ports: { from, to } }: HostPolicy): number {
  let free = 0;
  for (let port = from; port <= to; port++) if (portFailure(LOOPBACK, port) === null) free++;
  return free;
}

async function lookAtFolder(path: string): Promise<DataFolderView> {
  const view = { path, problem: null, isOpenToOthers: false, isInUse: false };
  const there = await nearestFolder(path);
  try {
    const probe = await Deno.makeTempFile({ dir: there, prefix: ".draas-doctor-" });
    await Deno.remove(probe);
    if (there !== path) return { ...view, path: `${path} (made at the first start)` };
    const isInUse = await isLocked(`${path}/process`);
    return { ...view, isOpenToOthers: await isOpenToOthers(path, 0o077), isInUse };
  } catch (error) {
    return { ...view, problem: reasonOf(error) };
  }
}

/** Whether others than its owner have any of these rights; false for what is not there. */
async function isOpenToOthers(path: string, rights: number): Promise<boolean> {
  try {
    return (((await Deno.stat(path)).mode ?? 0) & rights) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A worker holds its lock for as long as it lives. */
async function isLocked(folder: string): Promise<boolean> {
  try {
    await Deno.stat(`${folder}/worker.lock`);
    (await lockSite(folder)).close();
    return false;
  } catch (error) {
    return error instanceof OperationalError && error.code === "data_folder_in_use";
  }
}

async function nearestFolder(path: string): Promise<string> {
  try {
    if ((await Deno.stat(path)).isDirectory) return path;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return path;
  }
  const cut = path.replace(/\/+$/, "").lastIndexOf("/");
  if (cut < 0) return ".";
  return cut === 0 ? "/" : await nearestFolder(path.slice(0, cut));
}

async function lookAtSecrets(
  settings: Settings,
  policy: HostPolicy,
  environment: Environment,
): Promise<string[]> {
  const folder = policy.secrets.folder ?? `${settings.dataDir}/secrets`;
  const store = new SecretStore({ folder, variables: secretVariables(environment) });
  const problems: string[] = [];
  for (const name of await namesIn(folder)) {
    const read = await store.values([name]);
    if ("code" in read) problems.push(read.message);
  }
  return problems;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter(({ name, isDirectory }) => !isDirectory && SECRET_NAME.test(name))
      .map(({ name }) => name).sort();
  } catch {
    // There is none, or it cannot be read: the first start that needs a secret says so.
    return [];
  }
}
