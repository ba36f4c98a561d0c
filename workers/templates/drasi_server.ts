/**
 * The `drasi-server` template: its configuration file, command line, readiness and signals.
 * Follows the operator's reference of drasi-server 0.2.x, §14.
 */
import {
  type DrasiServerConfiguration,
  parseDrasiServerConfiguration,
} from "../../events/configuration.ts";
import type { JsonObject } from "../../events/json.ts";
import { DRASI_SERVER_FAILURES } from "./drasi_server_failures.ts";
import {
  type LaunchContext,
  type LaunchPlan,
  reachableAt,
  serverEnvironment,
} from "./launch_plan.ts";

const DEFAULT_HOST = "127.0.0.1";
/** A graceful stop has no limit of its own: it ends reactions, queries and sources in turn. */
export const STOP_GRACE_MS = 30_000;
const READY_WITHIN_MS = 60_000;
/** With auto-install the server asks a plugin registry at each boot, before its port opens. */
const READY_WITHIN_AUTO_INSTALL_MS = 300_000;
/** `/health` is constant: it fails where the process hangs, or has lost its API. Its parts are looked at as often. */
export const LIVENESS = { intervalMs: 5_000, timeoutMs: 5_000, failures: 3, successes: 1 } as const;
/** What its argument parser exits with on a usage error. */
export const USAGE_ERROR = 2;

/** True where the configuration names no port. */
export function drasiServerWantsPort(configuration: JsonObject): boolean {
  return parseDrasiServerConfiguration(configuration).port === undefined;
}

/**
 * The plan for a valid `drasi-server` configuration. Nothing is left to the server's defaults: they
 * listen on all addresses, take a random id at each boot, and write API changes back to the file.
 */
export function planDrasiServer(configuration: JsonObject, context: LaunchContext): LaunchPlan {
  const wanted = parseDrasiServerConfiguration(configuration);
  const { user } = wanted;
  const port = wanted.port ?? context.pickedPort;
  if (port === null) throw new Error("a drasi-server without a port: one had to be picked");
  const host = wanted.host ?? DEFAULT_HOST;
  const instanceId = context.spec.instanceId;
  const { isStandIn, version, pluginsFolder } = context.drasiServer;
  const configPath = `${context.runFolder}/drasi-server.json`;
  const file = configurationFile(wanted, { instanceId, host, port });
  const base = `http://${reachableAt(host)}:${port}`;
  const checks = [
    { url: `${base}/health` },
    { url: `${base}/api/v1/instances`, listsInstance: instanceId },
  ];
  return {
    argv: [
      ...context.drasiServer.argv,
      "--config",
      configPath,
      "--port",
      String(port),
      ...(pluginsFolder === null ? [] : ["--plugins-dir", pluginsFolder]),
    ],
    env: serverEnvironment(context, { NO_COLOR: "1", ...standInEnvironment(context) }),
    workingDirectory: context.instanceFolder,
    ...(user === undefined ? {} : { user }),
    files: [{ path: configPath, content: fileText(file) }],
    stopSignal: "SIGINT",
    // Its SIGINT handler comes last in its boot; until then only SIGTERM is certain to end it.
    bootStopSignal: "SIGTERM",
    stopGraceMs: STOP_GRACE_MS,
    settleMs: 0,
    readiness: {
      kind: "http",
      checks,
      withinMs: readyWithinMs(wanted),
    },
    liveness: {
      ...LIVENESS,
      probe: { kind: "http", checks },
      components: { url: `${base}/api/v1/instances/${instanceId}` },
    },
    host,
    port,
    finalExitCodes: [USAGE_ERROR],
    knownFailures: DRASI_SERVER_FAILURES,
    runtimeMetadata: {
      ...(isStandIn ? { standIn: "true" } : {}),
      ...(version === null ? {} : { version }),
    },
  };
}

/** What a server reads of a valid configuration. JSON is YAML to it, and its field names are ours. */
export function configurationFile(
  { user: _, ...wanted }: DrasiServerConfiguration,
  { instanceId, host, port }: { instanceId: string; host: string; port: number },
): JsonObject {
  return { ...wanted as JsonObject, id: instanceId, host, port, persistConfig: false };
}

export function fileText(file: JsonObject): string {
  return JSON.stringify(file, null, 2) + "\n";
}

/** From the start of its process to the answer of its API. */
export function readyWithinMs({ autoInstallPlugins }: DrasiServerConfiguration): number {
  return autoInstallPlugins ? READY_WITHIN_AUTO_INSTALL_MS : READY_WITHIN_MS;
}

/** The fields of a configuration that let other plugins in than verified ones, as a host's rule names them. */
export function pluginFieldsOf(
  { verifyPlugins, trustedIdentities, pluginRegistry }: JsonObject,
): string[] {
  return [
    ...(verifyPlugins === false ? ["verifyPlugins: false"] : []),
    ...(trustedIdentities === undefined ? [] : ["trustedIdentities"]),
    ...(pluginRegistry === undefined ? [] : ["pluginRegistry"]),
  ];
}

/** The stand-in is a Deno program: with another cache it would fetch its modules at each boot. */
function standInEnvironment(context: LaunchContext): Record<string, string> {
  const cache = context.hostEnvironment.DENO_DIR;
  return context.drasiServer.isStandIn && cache !== undefined ? { DENO_DIR: cache } : {};
}
