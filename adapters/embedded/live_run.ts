/**
 * Which run the log takes for live, as the instance's hot record follows it. A run only moves forward: a late report
 * of a run that has ended does not revive it. Design §4.
 */
import type { Observation } from "../../events/observations.ts";
import type { InstanceResponse } from "../../events/responses.ts";
import { isNewer, type RuntimeInfo } from "../../events/runtime_info.ts";
import type { InstanceRow } from "./tables.ts";

/** Moves `instance` on by a worker's response. */
export function afterResponse(instance: InstanceRow, response: InstanceResponse): void {
  if (response.type === "RestartInstanceResponse" && response.stopped) {
    ended(instance, response.stopped);
  }
  const { runtimeInfo } = response;
  if (runtimeInfo) raiseGeneration(instance, runtimeInfo);
  if (runtimeInfo?.status === "Running") started(instance, runtimeInfo);
  else if (runtimeInfo) ended(instance, runtimeInfo);
  if (response.type === "DeleteInstanceResponse" && response.success) clear(instance);
}

/** Moves `instance` on by a worker's report. */
export function afterObservation(instance: InstanceRow, observation: Observation): void {
  const { runtimeInfo } = observation;
  raiseGeneration(instance, runtimeInfo);
  switch (observation.observation) {
    case "Exited":
      return ended(instance, runtimeInfo);
    // Lost is not ended: nobody knows, and it may be found again.
    case "Lost":
      return instance.runId === runtimeInfo.runId ? clear(instance) : undefined;
    case "Found":
      return runtimeInfo.status === "Running" && isNewest(instance, runtimeInfo)
        ? started(instance, runtimeInfo)
        : undefined;
    default:
      throw new Error(`unknown observation ${observation.observation satisfies never}`);
  }
}

/** A log that lost its end knows less than the hosts: what comes next must be newer than what runs there. */
function raiseGeneration(instance: InstanceRow, { generation }: RuntimeInfo): void {
  if (generation > instance.generation) instance.generation = generation;
}

function isNewest(instance: InstanceRow, found: RuntimeInfo): boolean {
  return instance.runtimeInfo === null ||
    isNewer(found, JSON.parse(instance.runtimeInfo) as RuntimeInfo);
}

function started(instance: InstanceRow, runtimeInfo: RuntimeInfo): void {
  if (instance.endedRunId === runtimeInfo.runId) return;
  instance.runId = runtimeInfo.runId;
  instance.runtimeInfo = JSON.stringify(runtimeInfo);
}

function ended(instance: InstanceRow, runtimeInfo: RuntimeInfo): void {
  instance.endedRunId = runtimeInfo.runId;
  if (instance.runId === runtimeInfo.runId) clear(instance);
}

function clear(instance: InstanceRow): void {
  instance.runId = null;
  instance.runtimeInfo = null;
}
