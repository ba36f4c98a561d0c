/** The `command` template: any program with its arguments, run as it is, without a shell. */
import { parseCommandConfiguration, type Readiness } from "../../events/configuration.ts";
import type { JsonObject } from "../../events/json.ts";
import {
  type LaunchContext,
  type LaunchPlan,
  reachableAt,
  type ReadinessPlan,
  serverEnvironment,
} from "./launch_plan.ts";

const DEFAULT_HOST = "127.0.0.1";
const SETTLE_MS = 200;
const STOP_GRACE_MS = 10_000;
/** Below the 30 s that a caller waits by default, so that the answer says what was not ready. */
const READY_WITHIN_MS = 25_000;

/** True where the port is 0, or a readiness probe needs one and none is given: the platform then picks a free one. */
export function commandWantsPort(configuration: JsonObject): boolean {
  if (configuration.port === 0) return true;
  const { port, readiness } = parseCommandConfiguration(configuration);
  return port === undefined && readiness !== undefined && portOf(readiness) === undefined;
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
  const own = { ...(port === null ? {} : { PORT: String(port) }), ...wanted.env };
  return {
    argv: wanted.command,
    env: serverEnvironment(context, own),
    workingDirectory: wanted.workingDirectory ?? context.instanceFolder,
    ...(wanted.user === undefined ? {} : { user: wanted.user }),
    files: [],
    stopSignal,
    bootStopSignal: stopSignal,
    stopGraceMs: wanted.stopGraceMs ?? STOP_GRACE_MS,
    settleMs: SETTLE_MS,
    readiness: wanted.readiness ? planReadiness(wanted.readiness, host, port) : null,
    host: port === null ? null : host,
    port,
    finalExitCodes: [],
    knownFailures: [],
    runtimeMetadata: {},
  };
}

function planReadiness(readiness: Readiness, host: string, port: number | null): ReadinessPlan {
  const probed = portOf(readiness) ?? port;
  if (probed === null) throw new Error("a readiness probe without a port: one had to be picked");
  const withinMs = readiness.withinMs ?? READY_WITHIN_MS;
  const at = reachableAt(host);
  if (!readiness.http) return { kind: "tcp", host: at, port: probed, withinMs };
  return {
    kind: "http",
    checks: [{ url: `http://${at}:${probed}${readiness.http.path}` }],
    withinMs,
  };
}

function portOf(readiness: Readiness): number | undefined {
  return readiness.http?.port ?? readiness.tcp?.port;
}
