/** The API on its socket: how a control plane opens its door, and closes it. */
import type { FleetSystem } from "../actors/instance_system.ts";
import { hostIds, hostRandomness, idFromKey } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { NodeMetrics } from "../adapters/prometheus/node_metrics.ts";
import { createHttpApp } from "../http/app.ts";
import type { FleetPort } from "../http/client/fleet_port.ts";
import { RemoteSystem } from "../http/client/remote_system.ts";
import type { HttpOptions } from "../http/options.ts";
import { serveHttp } from "../http/server.ts";
import type { Settings } from "../settings/settings.ts";
import { type Telemetry, watchedAnswers } from "./telemetry.ts";
import { tellBug } from "./terminal.ts";
import type { Tokens } from "./tokens.ts";
import { VERSION } from "./version.ts";

/** How long a stop of the program waits for answers that are under way. */
export const STOP_PATIENCE_MS = 3_000;

/** An API that listens. */
export interface HttpDoor {
  url: string;
  /** The same fleet for this process itself, without a network and a token. */
  fleet(): FleetPort;
  /** No more requests: what is under way is answered, as far as there is time. */
  close(): Promise<void>;
}

/** What a door stands before, and who watches and who may pass. */
export interface DoorParts {
  system: FleetSystem;
  metrics: NodeMetrics;
  telemetry: Telemetry;
  /** Null: whoever reaches it. */
  tokens: Tokens | null;
}

/** @throws {OperationalError} `port_in_use` and the like: see `serveHttp` */
export function openHttpDoor(
  settings: Settings,
  { system, metrics, telemetry, tokens }: DoorParts,
): HttpDoor {
  const closing = new AbortController();
  const options: HttpOptions = {
    system,
    tokens: tokens?.book ?? null,
    rates: settings,
    clock: hostClock,
    ids: hostIds,
    onBug: (error, { traceId, method, path }) =>
      tellBug(telemetry.voice, error, { traceId, method, path }),
    // Without a token it is a loopback address; with one, whatever a proxy before it is called.
    allowedHosts: tokens === null ? [settings.host] : null,
    allowedOrigins: settings.allowedOrigins,
    defaultTimeoutMs: settings.commandTimeoutMs,
    queueTimeoutMs: settings.queueTimeoutMs,
    version: VERSION,
    metrics: () => metrics.text(),
    watch: watchedAnswers(metrics, telemetry),
    deriveId: (key) => idFromKey(settings.namespace, key),
    closing: closing.signal,
  };
  const server = serveHttp(createHttpApp(options), {
    hostname: settings.host,
    port: settings.port,
    signal: closing.signal,
  });
  const stopFollowing = tokens?.follow() ?? (() => {});
  const finish = () => {
    stopFollowing();
    closing.abort();
    return Promise.race([
      server.finished,
      new Promise<void>((resolve) => hostClock.after(STOP_PATIENCE_MS, resolve)),
    ]);
  };
  let closed: Promise<void> | null = null;
  return {
    url: server.url,
    fleet: () => fleetWithin(options, server.url),
    close: () => closed ??= finish(),
  };
}

/** Whoever has this process has all that a token would give; what it asks is no request of a client. */
function fleetWithin({ watch: _, ...options }: HttpOptions, url: string): FleetPort {
  const app = createHttpApp({ ...options, tokens: null, allowedHosts: null });
  return new RemoteSystem({
    url,
    token: null,
    fetch: (request) => app.fetch(request),
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
  });
}
