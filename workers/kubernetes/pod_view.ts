/** What a pod's status says of the run in it, in words that say what to do. Pure. */
import type { Failure } from "../platform.ts";
import { final } from "../start_outcomes.ts";
import type { ContainerStatus, PodObject, Terminated } from "./cluster_objects.ts";
import { CONTAINER } from "./object_names.ts";

/** How a container ended, as far as its pod tells. */
export interface PodEnd {
  /** As a shell sees it; null: the pod does not say. */
  code: number | null;
  isOutOfMemory: boolean;
  /** Epoch milliseconds, to the second. */
  startedAt: number | null;
  endedAt: number | null;
  /** Why, where the code says nothing: it was evicted, or could not be begun. */
  words: string | null;
  /** The kubelet has begun the container anew since. */
  isBegunAnew: boolean;
}

/** One look at a pod. */
export type PodView =
  /** Not begun yet. `failure`: it never will be. */
  | { kind: "pending"; words: string; failure: Failure | null }
  /** `isStarted`: the startup probe has passed; `isReady`: the readiness probe does. */
  | { kind: "running"; startedAt: number; isStarted: boolean; isReady: boolean }
  | { kind: "ended"; end: PodEnd };

export function viewPod(pod: PodObject): PodView {
  const { status = {} } = pod;
  const container = status.containerStatuses?.find(({ name }) => name === CONTAINER);
  const end = container && endOf(container);
  if (end) return { kind: "ended", end };
  if (status.phase === "Failed" || status.phase === "Succeeded") {
    const words = [status.reason, status.message].filter(Boolean).join(": ") ||
      `its pod is ${status.phase}`;
    return { kind: "ended", end: { ...UNKNOWN_END, words } };
  }
  const running = container?.state?.running;
  if (running) {
    return {
      kind: "running",
      startedAt: Date.parse(running.startedAt),
      isStarted: container.started === true,
      isReady: container.ready,
    };
  }
  return pendingView(pod, container);
}

export const UNKNOWN_END: Readonly<PodEnd> = {
  code: null,
  isOutOfMemory: false,
  startedAt: null,
  endedAt: null,
  words: null,
  isBegunAnew: false,
};

/** The end of a container that has ended at least once; null for one that has not. */
function endOf({ state, lastState, restartCount }: ContainerStatus): PodEnd | null {
  const terminated = state?.terminated ?? lastState?.terminated;
  if (!terminated) return restartCount === 0 ? null : { ...UNKNOWN_END, isBegunAnew: true };
  return {
    // A kubelet that cannot find a container any more gives a code that no program ever ended with.
    code: terminated.reason === UNKNOWN_TO_KUBELET ? null : terminated.exitCode,
    isOutOfMemory: terminated.reason === "OOMKilled",
    startedAt: timeOf(terminated.startedAt),
    endedAt: timeOf(terminated.finishedAt),
    words: NOT_BEGUN.includes(terminated.reason ?? "") ? notBegunWords(terminated) : null,
    isBegunAnew: state?.running !== undefined,
  };
}

/** The kubelet's words for a container whose program could not be run, or whose fate nobody knows. */
const UNKNOWN_TO_KUBELET = "ContainerStatusUnknown";
const NOT_BEGUN: readonly string[] = ["StartError", "ContainerCannotRun", UNKNOWN_TO_KUBELET];

function notBegunWords({ reason, message }: Terminated): string {
  return `${reason}: ${message ?? "the node says no more"}`;
}

interface KnownWaiting {
  reason: RegExp;
  message: RegExp;
  failure(words: string): Failure;
}

const ANY = /(?:)/;

/** What a kubelet waits for that will not come (kubelet, "Reasons for waiting containers", 1.28 to 1.34). */
const HOPELESS: readonly KnownWaiting[] = [
  {
    reason: /^(ErrImagePull|ImagePullBackOff)$/,
    message: /not found|denied|unauthorized|manifest unknown|does not exist|no basic auth/i,
    failure: (words) =>
      final(
        "image_unavailable",
        `The image cannot be brought to its node: ${words}. Check its name, and that the ` +
          "namespace's service account has the registry's pull secret.",
      ),
  },
  {
    reason: /^(InvalidImageName|ErrImageNeverPull)$/,
    message: ANY,
    failure: (words) => final("image_unavailable", `The image cannot be brought: ${words}.`),
  },
  {
    reason: /^CreateContainerConfigError$/,
    message: /runAsNonRoot|non-root|non-numeric user/i,
    failure: (words) =>
      final(
        "root_refused",
        `The image would run as root, which is not allowed: ${words}. ` +
          "Set `user` to a number, for example 1000.",
      ),
  },
  {
    reason: /^CreateContainer(Config)?Error$/,
    message: /executable file not found|no such file or directory/i,
    failure: (words) => final("binary_missing", `${words}. See \`command\`.`),
  },
];

/** Why a program could not be run, where that is known. */
export function programFailure(words: string): Failure | null {
  if (/executable file not found|no such file or directory/i.test(words)) {
    return final("binary_missing", `The image has no such program: ${words}. See \`command\`.`);
  }
  if (/permission denied/i.test(words)) {
    return final(
      "binary_not_executable",
      `The program in the image cannot be run by its user: ${words}.`,
    );
  }
  return null;
}

function pendingView(pod: PodObject, container: ContainerStatus | undefined): PodView {
  const { reason = "", message = "" } = container?.state?.waiting ?? {};
  if (reason && reason !== "ContainerCreating" && reason !== "PodInitializing") {
    const words = message ? `${reason}: ${message}` : reason;
    const known = HOPELESS.find((one) => one.reason.test(reason) && one.message.test(message));
    return { kind: "pending", words, failure: known?.failure(message || reason) ?? null };
  }
  const scheduled = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") {
    const words = `no node takes it: ${scheduled.message ?? scheduled.reason ?? "nobody says why"}`;
    return { kind: "pending", words, failure: null };
  }
  const words = pod.spec?.nodeName
    ? `${pod.spec.nodeName} brings the image and makes the container`
    : "waits for a node";
  return { kind: "pending", words, failure: null };
}

function timeOf(text: string | null | undefined): number | null {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? null : at;
}
