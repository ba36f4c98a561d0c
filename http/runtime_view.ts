/** A run as the API shows it: the predecessor's fields first, in its order, then what we know besides. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { JsonObject } from "../events/json.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { isoTime } from "./iso_time.ts";

/** One run, with times in ISO 8601; its capsule is in `lastFailureView`. */
export function runtimeInfoView(info: RuntimeInfo): JsonObject {
  const { instanceId, status, processId, startedAt, stoppedAt, exit, limits, capsule: _, ...rest } =
    info;
  return {
    instanceId,
    status,
    ...(processId === undefined ? {} : { processId }),
    startedAt: isoTime(startedAt),
    ...(stoppedAt === undefined ? {} : { stoppedAt: isoTime(stoppedAt) }),
    ...(exit ? { exit } : {}),
    ...(limits ? { limits: limits as JsonObject } : {}),
    ...present(rest),
  };
}

/** What a lifecycle request is answered with: the run that its command reported, else what is known now. */
export function answeredRuntimeInfo(
  state: InstanceState,
  event: RecordedEvent | null,
  status: RuntimeInfo["status"],
): JsonObject {
  const { instanceId, run } = state.context;
  if (event?.type === "CommandSucceeded" && event.data.response.runtimeInfo) {
    return runtimeInfoView(event.data.response.runtimeInfo);
  }
  if (run?.runtimeInfo?.status === status) return runtimeInfoView(run.runtimeInfo);
  // A start that nobody had accepted was called off: it ended with that event, and never ran.
  const endedAt = status === "Stopped" && event ? { stoppedAt: isoTime(event.at) } : {};
  return { instanceId, status, ...endedAt };
}

/** The fields that are there. */
export function present(fields: Record<string, JsonObject[string] | undefined>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}
