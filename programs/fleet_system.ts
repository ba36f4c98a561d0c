/** The instance system of a program: the fleet over a broker, with the program's settings and its voice. */
import { type FleetSystem, openInstanceSystem } from "../actors/instance_system.ts";
import type { SystemParts } from "../actors/system_parts.ts";
import { hostIds, hostRandomness, idFromKey } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import type { NodeMetrics } from "../adapters/prometheus/node_metrics.ts";
import type { Settings } from "../settings/settings.ts";
import { tellIncident } from "./attendance.ts";
import { type Telemetry, watchedAsks, watchedLog } from "./telemetry.ts";
import { tellBug } from "./terminal.ts";

/** What it stands on. */
type Broker = Pick<SystemParts, "log" | "availability" | "retention" | "leadership" | "bus">;

/** Recovers the fleet and opens for requests. Throws as `openInstanceSystem`. */
export async function openFleetSystem(
  settings: Settings,
  broker: Broker,
  metrics: NodeMetrics,
  telemetry: Telemetry,
): Promise<FleetSystem> {
  const { voice } = telemetry;
  const system = await openInstanceSystem({
    ...broker,
    ...watchedAsks(metrics, telemetry),
    log: watchedLog(broker.log, telemetry),
    clock: hostClock,
    ids: hostIds,
    randomness: hostRandomness,
    nodeId: hostIds.next("incarnation"),
    queueTimeoutMs: settings.queueTimeoutMs,
    retentionMs: settings.retentionMs,
    retentionEvents: settings.retentionEvents,
    deriveId: (key) => idFromKey(settings.namespace, key),
    onBug: (error) => tellBug(voice, error),
    onIncident: (incident) => tellIncident(voice, incident),
  });
  metrics.watch({ system, log: broker.log, availability: broker.availability });
  return system;
}
