/** Histories as the log would hold them: what the pure figures fold, and what a recovery reads. */
import { positionOf } from "../adapters/embedded/stored_events.ts";
import type { EventRow } from "../adapters/embedded/tables.ts";
import { SqliteTables } from "../adapters/sqlite/sqlite_tables.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import { type NewEvent, newEvent } from "../events/instance_events.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import { specificationSchema } from "../events/specification.ts";

const AT = 1_700_000_000_000;
const WORKER = { workerId: "bench", incarnation: "incarnation-1", site: "bench-site" };
const ACCEPT_WITHIN_MS = 30_000;

const specification = specificationSchema.parse({
  name: "bench",
  configuration: { host: "127.0.0.1", port: 8080, logLevel: "info" },
});

/** The events that a start and its end leave (`phase` 0 to 2), then those of a stop (3 to 5), and so on. */
function eventAt(instanceId: string, index: number): NewEvent {
  if (index === 0) return newEvent("InstanceCreated", { specification });
  const phase = (index - 1) % 6;
  const generation = Math.floor((index - 1) / 3) + 1;
  const commandId = `${instanceId}-command-${generation}`;
  const isStart = phase < 3;
  switch (phase % 3) {
    case 0: {
      const asked = { commandId, generation, acceptWithinMs: ACCEPT_WITHIN_MS };
      if (!isStart) return newEvent("StopRequested", { ...asked, site: WORKER.site });
      const { configuration } = specification;
      return newEvent("StartRequested", {
        ...asked,
        configuration,
        configurationRevision: 1,
        site: generation === 1 ? null : WORKER.site,
        cause: "user",
      });
    }
    case 1:
      return newEvent("CommandAccepted", {
        commandId,
        commandType: isStart ? "StartInstanceCommand" : "StopInstanceCommand",
        attempt: 1,
        ...WORKER,
      });
    default:
      return newEvent("CommandSucceeded", {
        commandId,
        attempt: 1,
        workerId: WORKER.workerId,
        response: {
          type: isStart ? "StartInstanceResponse" : "StopInstanceResponse",
          instanceId,
          success: true,
          runtimeInfo: runAt(instanceId, isStart ? generation : generation - 1, isStart),
        },
      });
  }
}

function runAt(instanceId: string, generation: number, isLive: boolean): RuntimeInfo {
  return {
    instanceId,
    status: isLive ? "Running" : "Stopped",
    runId: `${instanceId}-run-${generation}`,
    generation,
    site: WORKER.site,
    startedAt: AT,
    processId: "12345",
    runtimeMetadata: {},
    ...(isLive ? {} : {
      stoppedAt: AT,
      exit: { code: null, signal: "SIGTERM", reason: "Stopped", message: "Stopped on request." },
    }),
  };
}

/** The `index`th event of an instance in a log that holds `instances` of them, taking turns. */
function rowAt(instance: number, index: number, instances: number): EventRow {
  const instanceId = `instance-${String(instance).padStart(24, "0")}`;
  const { type, data } = eventAt(instanceId, index);
  const sequence = index * instances + instance + 1;
  return {
    sequence,
    previous: index === 0 ? 0 : sequence - instances,
    instanceId,
    version: index + 1,
    type,
    schema: 1,
    at: AT + index,
    data: JSON.stringify(data),
    meta: JSON.stringify({ requestedBy: "bench", correlationId: `${instanceId}-request` }),
  };
}

/** The first `length` events of one instance, parsed from texts as the log's reader gives them. */
export function historyOf(instance: number, length: number, instances = 1): RecordedEvent[] {
  return Array.from({ length }, (_, index) => {
    const row = rowAt(instance, index, instances);
    return {
      type: row.type,
      data: JSON.parse(row.data),
      meta: JSON.parse(row.meta),
      position: positionOf(row.sequence),
      previous: row.previous === 0 ? null : positionOf(row.previous),
      instanceId: row.instanceId,
      version: row.version,
      schema: row.schema,
      at: row.at,
    } as RecordedEvent;
  });
}

/** Fills a new log in `folder`: `length` events for each of `instances`, all of them running at the end or stopped. */
export function writeHistories(folder: string, instances: number, length: number): void {
  const tables = SqliteTables.open(folder);
  tables.begin();
  for (let index = 0; index < length; index++) {
    for (let instance = 0; instance < instances; instance++) {
      const row = rowAt(instance, index, instances);
      tables.events.add(row);
      if (index < length - 1) continue;
      tables.instances.put({
        instanceId: row.instanceId,
        version: row.version,
        generation: Math.floor((index - 1) / 3) + 1,
        lastSequence: row.sequence,
        originSequence: instance + 1,
        runId: null,
        endedRunId: null,
        runtimeInfo: null,
        completed: null,
      });
    }
  }
  tables.commit();
  tables.close();
}
