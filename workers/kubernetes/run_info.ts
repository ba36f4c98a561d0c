/** What is said of a run in a cluster. Pure. */
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { describeExit } from "../exit_description.ts";
import type { KeptPlan } from "../templates/image.ts";
import type { PodObject } from "./cluster_objects.ts";
import { CONTAINER, objectName, podName } from "./object_names.ts";
import type { PodEnd } from "./pod_view.ts";
import type { RecordedRun } from "./run_record.ts";
import { limitsNotSet } from "./server_objects.ts";

/** Where a run is. */
export interface RunPlace {
  site: string;
  /** The cluster's namespace. */
  namespace: string;
  instanceId: string;
  run: RecordedRun;
  plan: KeptPlan | null;
}

/** @param pod as it was seen last; null: it never was */
export function liveInfo(
  { site, namespace, instanceId, run, plan }: RunPlace,
  pod: PodObject | null,
  startedAt: number,
): RuntimeInfo {
  const container = pod?.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  const image = pod?.spec?.containers?.find(({ name }) => name === CONTAINER)?.image;
  const containerId = container?.containerID?.replace(/^[a-z0-9+.-]+:\/\//, "");
  const notSet = limitsNotSet(plan?.limits);
  return {
    instanceId,
    status: "Running",
    runId: run.runId,
    generation: run.generation,
    site,
    startedAt,
    podName: podName(instanceId),
    namespace,
    ...(containerId ? { containerId } : {}),
    ...(plan?.port ? { host: `${objectName(instanceId)}.${namespace}.svc`, port: plan.port } : {}),
    ...(plan?.limits === undefined ? {} : { limits: plan.limits }),
    ...(Object.keys(notSet).length === 0 ? {} : { limitsNotSet: notSet }),
    runtimeMetadata: {
      ...(image === undefined ? {} : { image }),
      ...(pod?.spec?.nodeName === undefined ? {} : { node: pod.spec.nodeName }),
    },
  };
}

/** The exit code of a process that SIGKILL has ended. */
const KILLED_CODE = 137;

/** @param now where nobody says when it ended */
export function endedInfo(
  place: RunPlace,
  pod: PodObject | null,
  end: Omit<PodEnd, "isBegunAnew">,
  { isAsked, now, logTail }: { isAsked: boolean; now: number; logTail: string },
): RuntimeInfo {
  const startedAt = end.startedAt ?? place.run.askedAt;
  const stoppedAt = Math.max(end.endedAt ?? now, startedAt);
  const { code, isOutOfMemory: outOfMemory, words } = end;
  const { stopSignal = "SIGTERM", stopGraceMs = 0 } = place.plan ?? {};
  const isKilled = code === KILLED_CODE && stopSignal !== "SIGKILL" && !outOfMemory;
  const exit = code === null && !isAsked
    ? {
      code: null,
      signal: null,
      reason: "Unknown" as const,
      message: words ?? "ended with its pod, which somebody removed: nobody can say how it ended",
    }
    : describeExit(
      { code, outOfMemory },
      isAsked
        ? { reason: isKilled ? "Killed" : "Stopped", signal: stopSignal, graceMs: stopGraceMs }
        : null,
      stoppedAt - startedAt,
      place.plan?.limits?.memoryBytes,
    );
  return {
    ...liveInfo(place, pod, startedAt),
    status: "Stopped",
    stoppedAt,
    exit: words !== null && code !== null
      ? { ...exit, message: `${exit.message} (${words})` }
      : exit,
    ...(logTail === "" ? {} : { logTail }),
  };
}
