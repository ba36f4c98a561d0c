/** The status of a pod, as a kubelet makes it of the states of the containers. */
import {
  type ContainerStatus,
  kubeTime,
  type Pod,
  type PodCondition,
  type PodStatus,
} from "./kube_objects.ts";

/** `isOver` when the pod was ended and nothing of it runs. */
export function podStatus(
  pod: Pod,
  containers: readonly ContainerStatus[],
  startedAtMs: number,
  last: PodStatus,
  isOver: boolean,
): PodStatus {
  const known = containers.length > 0 ? containers : pod.spec.containers.map(notYet);
  const statuses = isOver ? known.map(ended) : known;
  const phase = phaseOf(pod, statuses, isOver);
  const unready = statuses.filter(({ ready }) => !ready).map(({ name }) => name);
  const isDone = phase === "Succeeded" || phase === "Failed";
  const why = unready.length === 0
    ? {}
    : isDone && phase === "Succeeded"
    ? { reason: "PodCompleted" }
    : isDone
    ? { reason: "PodFailed" }
    : {
      reason: "ContainersNotReady",
      message: `containers with unready status: [${unready.join(" ")}]`,
    };
  const readiness = { status: unready.length === 0 ? "True" : "False", ...why } as const;
  const generation = pod.metadata.generation;
  const conditions: PodCondition[] = [
    {
      type: "PodReadyToStartContainers",
      status: statuses.some(({ state }) => state.running) ? "True" : "False",
    },
    { type: "Initialized", status: "True", ...(isDone ? reasonOf(phase) : {}) },
    { type: "Ready", ...readiness },
    { type: "ContainersReady", ...readiness },
    { type: "PodScheduled", status: "True" },
  ];
  return {
    ...(last.qosClass ? { qosClass: last.qosClass } : {}),
    ...(generation ? { observedGeneration: generation } : {}),
    phase,
    conditions: conditions.map((condition) => ({
      ...timed(condition, last.conditions ?? []),
      ...(generation ? { observedGeneration: generation } : {}),
    })),
    hostIP: "127.0.0.1",
    hostIPs: [{ ip: "127.0.0.1" }],
    podIP: "127.0.0.1",
    podIPs: [{ ip: "127.0.0.1" }],
    startTime: kubeTime(startedAtMs),
    containerStatuses: [...statuses].sort((a, b) => a.name < b.name ? -1 : 1),
  };
}

function notYet({ name, image }: { name: string; image: string }): ContainerStatus {
  return {
    name,
    state: { waiting: { reason: "ContainerCreating" } },
    lastState: {},
    ready: false,
    started: false,
    restartCount: 0,
    image,
    imageID: "",
  };
}

/** Of a container that never ran the kubelet says that it doesn't know. */
function ended(status: ContainerStatus): ContainerStatus {
  if (status.state.terminated) return status;
  const terminated = {
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was terminated",
    startedAt: null,
    finishedAt: null,
  };
  return { ...status, state: { terminated } };
}

function phaseOf(pod: Pod, statuses: readonly ContainerStatus[], isOver: boolean): string {
  const ends = statuses.map(({ state, lastState }) => state.terminated ?? lastState.terminated);
  const { restartPolicy = "Always" } = pod.spec;
  const isFinal = statuses.every(({ state }) =>
    state.terminated &&
    (restartPolicy === "Never" ||
      (restartPolicy === "OnFailure" && state.terminated.exitCode === 0))
  );
  if (isOver || isFinal) {
    return ends.every((each) => each?.exitCode === 0) ? "Succeeded" : "Failed";
  }
  const hasRun = statuses.every(({ state, lastState }) =>
    state.running || state.terminated || lastState.terminated
  );
  return hasRun ? "Running" : "Pending";
}

function reasonOf(phase: string): { reason?: string } {
  return phase === "Succeeded" ? { reason: "PodCompleted" } : {};
}

/** A condition that says what it said keeps its time. */
function timed(condition: PodCondition, last: readonly PodCondition[]): PodCondition {
  const known = last.find(({ type }) => type === condition.type);
  const since = known?.status === condition.status ? known.lastTransitionTime : undefined;
  return { lastProbeTime: null, lastTransitionTime: since ?? kubeTime(), ...condition };
}
