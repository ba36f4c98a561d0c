/** The `command` template: any program with its arguments, run as it is, without a shell. */
import {
  type Liveness,
  parseCommandConfiguration,
  type Readiness,
} from "../../events/configuration.ts";
import type { JsonObject } from "../../events/json.ts";
import {
  type LaunchContext,
  type LaunchPlan,
  reachableAt,
  serverEnvironment,
} from "./launch_plan.ts";
import { livenessPace, READY_WITHIN_MS, SETTLE_MS, STOP_GRACE_MS } from "./pace.ts";
import type { LivenessPlan, ProbePlan, ReadinessPlan } from "./probe_plan.ts";

const DEFAULT_HOST = "127.0.0.1";

/** What a probe is made from, besides its own fields. */
interface Probed {
  context: LaunchContext;
  host: string;
  port: number | null;
  workingDirectory: string;
}

/** True where the port is 0, or a probe needs one and none is given: the platform then picks a free one. */
export function commandWantsPort(configuration: JsonObject): boolean {
  if (configuration.port === 0) return true;
  const { port, readiness, liveness } = parseCommandConfiguration(configuration);
  return port === undefined && (needsPort(readiness) || needsPort(liveness));
}

/**
 * The plan for a valid `command` configuration. A server with a port finds it in `PORT`, unless its
 * own `env` says otherwise; so a picked port reaches the program.
 */
export function planCommand(configuration: JsonObject, context: LaunchContext): LaunchPlan {
  const wanted = parseCommandConfiguration(configuration);
  const port = wanted.port ?? context.pickedPort;
  const host = wanted.host ?? DEFAULT_HOST;
  const stopSignal = wanted.stopSignal ?? "SIGTERM";
  const workingDirectory = wanted.workingDirectory ?? context.instanceFolder;
  const probed = { context, host, port, workingDirectory };
  const own = { ...(port === null ? {} : { PORT: String(port) }), ...wanted.env };
  return {
    argv: wanted.command,
    env: serverEnvironment(context, own),
    workingDirectory,
    ...(wanted.user === undefined ? {} : { user: wanted.user }),
    files: [],
    stopSignal,
    bootStopSignal: stopSignal,
    stopGraceMs: wanted.stopGraceMs ?? STOP_GRACE_MS,
    settleMs: SETTLE_MS,
    readiness: wanted.readiness ? planReadiness(wanted.readiness, probed) : null,
    liveness: wanted.liveness ? planLiveness(wanted.liveness, probed) : null,
    host: port === null ? null : host,
    port,
    finalExitCodes: [],
    knownFailures: [],
    runtimeMetadata: {},
  };
}

function planReadiness(
  { withinMs = READY_WITHIN_MS, logLine, ...asked }: Readiness,
  given: Probed,
): ReadinessPlan {
  if (!logLine) return { ...planProbe(asked, given), withinMs };
  const { contains = null, matches = null } = logLine;
  return { kind: "log", contains, matches, withinMs };
}

function planLiveness(
  liveness: Liveness,
  given: Probed,
): LivenessPlan {
  return { probe: planProbe(liveness, given), components: null, ...livenessPace(liveness) };
}

function planProbe(
  asked: Pick<Liveness, "http" | "tcp" | "command">,
  { context, host, port, workingDirectory }: Probed,
): ProbePlan {
  if (asked.command) {
    const env = serverEnvironment(context, port === null ? {} : { PORT: String(port) });
    return { kind: "command", argv: asked.command, env, workingDirectory };
  }
  const probed = portOf(asked) ?? port;
  if (probed === null) throw new Error("a probe without a port: one had to be picked");
  const at = reachableAt(host);
  if (!asked.http) return { kind: "tcp", host: at, port: probed };
  return { kind: "http", checks: [{ url: `http://${at}:${probed}${asked.http.path}` }] };
}

function needsPort(asked: Pick<Liveness, "http" | "tcp"> | undefined): boolean {
  return (asked?.http ?? asked?.tcp) !== undefined && portOf(asked!) === undefined;
}

function portOf(asked: Pick<Liveness, "http" | "tcp">): number | undefined {
  return asked.http?.port ?? asked.tcp?.port;
}
