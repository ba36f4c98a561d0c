/** A platform whose calls that start and end something are spans. */
import type { Tracer } from "../events/tracer.ts";
import type { Failure, Platform } from "./platform.ts";

/** The same platform, traced. */
export function tracedPlatform(platform: Platform, tracer: Tracer): Platform {
  const traced = <T>(
    call: string,
    instanceId: string,
    work: () => Promise<T>,
    faultOf?: (outcome: T) => string | null,
  ) =>
    tracer.inSpan(
      {
        name: `${platform.name} ${call}`,
        kind: "client",
        attributes: { "draas.instance_id": instanceId },
      },
      work,
      faultOf,
    );
  return {
    name: platform.name,
    site: platform.site,
    leases: platform.leases,
    inventory: (which) => platform.inventory(which),
    inspect: (id) => traced("inspect", id, () => platform.inspect(id)),
    start: (spec, signal) =>
      traced("start", spec.instanceId, () => platform.start(spec, signal), faultIn),
    fence: (id, fence) => traced("fence", id, () => platform.fence(id, fence)),
    stop: (id, fence) => traced("stop", id, () => platform.stop(id, fence), faultIn),
    remove: (id, fence) => traced("remove", id, () => platform.remove(id, fence), faultIn),
    onExit: (listener) => platform.onExit(listener),
    onHealth: (listener) => platform.onHealth(listener),
    logs: (id, tailLines) => platform.logs(id, tailLines),
    metrics: () => platform.metrics?.(),
    readLogs: (id, reading) => platform.readLogs(id, reading),
    close: () => platform.close(),
  };
}

function faultIn(outcome: { kind: string; failure?: Failure }): string | null {
  return outcome.failure?.code ?? null;
}
