/**
 * Keeps equal parts of states once: what was read from the log as texts has a copy for each place where it stands.
 * A fleet in memory is mostly configurations, and each stands in the specification and in what runs. Pure but for a
 * small cache.
 */
import type { RecordedEvent } from "../events/envelope.ts";
import type { JsonObject } from "../events/json.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { RestartPolicy, Specification } from "../events/specification.ts";
import type { InstanceState } from "../machines/lifecycle.ts";

/** Most fleets have a handful of policies; beyond this many the rest keep their own. */
const POLICIES_MAX = 64;
const policies: RestartPolicy[] = [];

/** `event` with the parts that the state before it has already; the event itself is left as it is. */
export function sharingWith(before: InstanceState, event: RecordedEvent): RecordedEvent {
  const { specification } = before.context;
  switch (event.type) {
    case "InstanceCreated":
      return { ...event, data: { specification: sharingPolicy(event.data.specification) } };
    case "CommandSucceeded": {
      const { response } = event.data;
      if (!response.runtimeInfo) return event;
      const runtimeInfo = sharingNames(before, response.runtimeInfo);
      return { ...event, data: { ...event.data, response: { ...response, runtimeInfo } } };
    }
    default:
  }
  const configuration = configurationOf(event);
  if (!specification || !configuration || !isEqual(configuration, specification.configuration)) {
    return event;
  }
  return {
    ...event,
    data: { ...event.data, configuration: specification.configuration },
  } as RecordedEvent;
}

/** A state that was just read from a text, with what stands in it twice kept once. Changes it in place. */
export function shareWithin(state: InstanceState): InstanceState {
  const { specification, run, commands } = state.context;
  if (!specification) return state;
  specification.restartPolicy = sharingPolicy(specification).restartPolicy;
  if (run?.runtimeInfo) {
    const { runId } = run;
    run.runtimeInfo = {
      ...sharingNames(state, run.runtimeInfo),
      ...(runId === run.runtimeInfo.runId ? { runId } : {}),
    };
  }
  for (const launch of [run?.launch, ...commands.map((one) => one.launch)]) {
    if (launch && isEqual(launch.configuration, specification.configuration)) {
      launch.configuration = specification.configuration;
    }
  }
  return state;
}

/** The names in a report are those that its instance and its run have already. */
function sharingNames({ context }: InstanceState, runtimeInfo: RuntimeInfo): RuntimeInfo {
  const { instanceId, run } = context;
  const isHere = run?.site === runtimeInfo.site;
  return { ...runtimeInfo, instanceId, ...(isHere ? { site: run.site } : {}) };
}

function configurationOf(event: RecordedEvent): JsonObject | null {
  switch (event.type) {
    case "StartRequested":
    case "RestartRequested":
    case "StartQueued":
      return event.data.configuration;
    default:
      return null;
  }
}

function sharingPolicy(specification: Specification): Specification {
  const { restartPolicy } = specification;
  const known = policies.find((one) => isEqual(one, restartPolicy));
  if (known) return { ...specification, restartPolicy: known };
  if (policies.length < POLICIES_MAX) policies.push(restartPolicy);
  return specification;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [ours, theirs] = [Object.keys(a), Object.keys(b)];
  return Array.isArray(a) === Array.isArray(b) && ours.length === theirs.length &&
    ours.every((key) =>
      Object.hasOwn(b, key) &&
      isEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
    );
}
