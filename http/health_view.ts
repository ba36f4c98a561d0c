/** How an instance is, as the API shows it, apart from its status: health, the progress of a start, its last failure. */
import type { ComponentProblem } from "../events/health.ts";
import type { JsonObject } from "../events/json.ts";
import { type Capsule, capsuleSchema } from "../events/runtime_info.ts";
import type { Health, LastFailure, Progress } from "../machines/facts.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { mayRun, statusOf } from "../machines/status.ts";
import { isoTime } from "./iso_time.ts";
import { present, runtimeInfoView } from "./runtime_view.ts";

/**
 * `health`, and what is known besides.
 * @param isSilent whether nobody has heard of a worker lately; its servers' health is unknown then
 */
export function healthView(
  state: InstanceState,
  isSilent: (workerId: string) => boolean,
): JsonObject {
  const { health, progress } = state.context;
  const workerId = workerToHear(state);
  if (workerId !== undefined && isSilent(workerId)) {
    return { health: "unknown", workerSilent: true };
  }
  const status = statusOf(state);
  if (status === "Starting" || status === "Restarting") {
    return { health: "starting", ...(progress ? { startProgress: progressView(progress) } : {}) };
  }
  return health && status === "Running"
    ? { health: health.status, healthDetail: detailView(health) }
    : { health: "unknown" };
}

/** The worker who knows how the instance is: who does its command, or has its run. */
export function workerToHear(state: InstanceState): string | undefined {
  const { run, commands } = state.context;
  return commands.findLast((one) => one.accepted)?.accepted?.workerId ??
    (mayRun(state) ? run?.workerId : undefined);
}

/** `lastFailure`: how the last run that failed ended, its last output, and what helps to understand it. Not in lists. */
export function failureView({ context: { lastFailure } }: InstanceState): JsonObject {
  return lastFailure ? { lastFailure: lastFailureView(lastFailure) } : {};
}

function lastFailureView({ at, runtimeInfo }: LastFailure): JsonObject {
  // Not every worker is ours: one that is malformed is not shown.
  const capsule = capsuleSchema.safeParse(runtimeInfo.capsule);
  return {
    at: isoTime(at),
    run: runtimeInfoView(runtimeInfo),
    ...(capsule.success ? { capsule: capsuleView(capsule.data) } : {}),
  };
}

function detailView({ since, reason, cause, components }: Health): JsonObject {
  return {
    since: isoTime(since),
    ...(cause === null ? {} : { cause }),
    ...(reason === null ? {} : { reason }),
    ...(components.length === 0 ? {} : { components: components.map(componentView) }),
  };
}

function componentView({ kind, name, status, reason }: ComponentProblem): JsonObject {
  return present({ kind, name, status, reason });
}

function progressView({ step, since, problem }: Progress): JsonObject {
  return { step, since: isoTime(since), ...(problem === null ? {} : { problem }) };
}

function capsuleView(capsule: Capsule): JsonObject {
  const { configurationRevision, program, environment, probes, resources, changes } = capsule;
  return present({
    configurationRevision,
    program,
    changes,
    environment,
    probes: probes.map(({ at, ...probe }) => ({ at: isoTime(at), ...probe })),
    resources: resources?.map(({ at, ...used }) => ({ at: isoTime(at), ...present(used) })),
  });
}
