/** What a template makes of a configuration: everything a platform needs to run one server. */
import type { StartSpec } from "../platform.ts";
import type { KnownFailure } from "./known_failure.ts";
import type { LivenessPlan, ReadinessPlan } from "./probe_plan.ts";

/** A signal that asks a server to end. */
export type StopSignal = "SIGTERM" | "SIGINT" | "SIGQUIT" | "SIGHUP" | "SIGUSR1" | "SIGUSR2";

/** How one server is started, probed and stopped on a host. Plain data; nothing here has happened yet. */
export interface LaunchPlan {
  /** The program, then its arguments. Never a shell line. */
  argv: readonly string[];
  /** The whole environment of the server; nothing else is inherited. */
  env: Readonly<Record<string, string>>;
  /** Absolute; has to exist before the spawn. */
  workingDirectory: string;
  /** Of the host; absent: the worker's own. */
  user?: string;
  /** Written with mode 0600 before the spawn, by absolute path. */
  files: readonly { path: string; content: string }[];
  stopSignal: StopSignal;
  /** The signal for a server that is not ready yet, where that differs. */
  bootStopSignal: StopSignal;
  /** From the stop signal to SIGKILL. */
  stopGraceMs: number;
  /** How long a new server has to live before it counts as started. */
  settleMs: number;
  /** What has to answer before it counts as started; null: living through `settleMs` is enough. */
  readiness: ReadinessPlan | null;
  /** What it is asked once it has started; null: nobody says how it is. */
  liveness: LivenessPlan | null;
  /** The bind address, for display and for the probe of the port; null where it has no port. */
  host: string | null;
  port: number | null;
  /** Exit codes after which the same start fails again (usage errors). */
  finalExitCodes: readonly number[];
  /** What its last words mean when it ends before it counts as started; the first that is found counts. */
  knownFailures: readonly KnownFailure[];
  /** Facts for display, such as `standIn: "true"`. */
  runtimeMetadata: Readonly<Record<string, string>>;
}

/** What a plan is made from, besides the template's own configuration. */
export interface LaunchContext {
  spec: Pick<StartSpec, "instanceId" | "runId">;
  site: string;
  /** The instance's folder, absolute: the server's working directory unless it names another. */
  instanceFolder: string;
  /** The run's own folder, absolute: files of a plan go here, so that no start touches another's. */
  runFolder: string;
  /** A free port that the platform picked, where `wantsPort` said so. */
  pickedPort: number | null;
  /** The host's variables that a server may see; see `baseEnvironment`. */
  hostEnvironment: Readonly<Record<string, string>>;
  /** The program that `drasi-server` stands for on this host. */
  drasiServer: DrasiServerProgram;
}

/** What runs for the `drasi-server` template: the product, or a stand-in that says what it is. */
export interface DrasiServerProgram {
  argv: readonly string[];
  isStandIn: boolean;
  /** What it says its release is; null where it does not tell. */
  version: string | null;
  /** Absolute, or within the working directory; null: `plugins` beside its binary. */
  pluginsFolder: string | null;
}

const INHERITED = ["PATH", "HOME", "LANG", "TZ", "TMPDIR"] as const;

/**
 * The environment that every server gets: an allow-list of the host's variables (so that none of the
 * control plane's secrets leak), the template's own, and the marks by which its processes are found.
 */
export function serverEnvironment(
  context: LaunchContext,
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...inherited(context),
    ...own,
    DRAAS_INSTANCE_ID: context.spec.instanceId,
    DRAAS_RUN_ID: context.spec.runId,
    DRAAS_SITE: context.site,
  };
}

function inherited(context: LaunchContext): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of INHERITED) {
    const value = context.hostEnvironment[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** Where a probe reaches a server that is bound to `host`. */
export function reachableAt(host: string): string {
  return host === "0.0.0.0" ? "127.0.0.1" : host;
}
