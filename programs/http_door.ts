/** The API on its socket: how a control plane opens its door, and closes it. */
import type { FleetSystem } from "../actors/instance_system.ts";
import { hostIds, idFromKey } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { NodeMetrics } from "../adapters/prometheus/node_metrics.ts";
import { createHttpApp } from "../http/app.ts";
import { serveHttp } from "../http/server.ts";
import type { Settings } from "../settings/settings.ts";
import { type Telemetry, watchedAnswers } from "./telemetry.ts";
import { tellBug } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** How long a stop of the program waits for answers that are under way. */
export const STOP_PATIENCE_MS = 3_000;

/** An API that listens. */
export interface HttpDoor {
  url: string;
  /** No more requests: what is under way is answered, as far as there is time. */
  close(): Promise<void>;
}

/** @throws {OperationalError} `port_in_use` and the like: see `serveHttp` */
export function openHttpDoor(
  settings: Settings,
  system: FleetSystem,
  metrics: NodeMetrics,
  telemetry: Telemetry,
): HttpDoor {
  const closing = new AbortController();
  const app = createHttpApp({
    system,
    token: settings.apiToken,
    clock: hostClock,
    ids: hostIds,
    onBug: (error, { traceId, method, path }) =>
      tellBug(telemetry.voice, error, { traceId, method, path }),
    allowedHosts: settings.apiToken === null ? [] : null,
    defaultTimeoutMs: settings.commandTimeoutMs,
    queueTimeoutMs: settings.queueTimeoutMs,
    version: VERSION,
    metrics: () => metrics.text(),
    watch: watchedAnswers(metrics, telemetry),
    deriveId: (key) => idFromKey(settings.namespace, key),
    closing: closing.signal,
  });
  const server = serveHttp(app, {
    hostname: settings.host,
    port: settings.port,
    signal: closing.signal,
  });
  const finish = () => {
    closing.abort();
    return Promise.race([
      server.finished,
      new Promise<void>((resolve) => hostClock.after(STOP_PATIENCE_MS, resolve)),
    ]);
  };
  let closed: Promise<void> | null = null;
  return { url: server.url, close: () => closed ??= finish() };
}
