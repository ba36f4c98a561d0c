/** What the screens say of an instance: its status with a sign and a tone, its health, ages and sizes. Pure. */
import type { InstanceStatus } from "../../machines/requests.ts";
import { hasDrift, type Instance, type Use } from "./instance.ts";
import type { Tone } from "./line.ts";

/** State is never told by colour alone: each status has a sign of its own, beside its word. */
export const GLYPHS: Readonly<Record<InstanceStatus, string>> = {
  Created: "○",
  Starting: "▲",
  Running: "●",
  Restarting: "↻",
  Stopping: "▼",
  Stopped: "■",
  Failed: "✖",
  Deleting: "×",
  Deleted: "×",
};

const TONES: Readonly<Record<InstanceStatus, Tone>> = {
  Created: "quiet",
  Starting: "busy",
  Running: "good",
  Restarting: "busy",
  Stopping: "busy",
  Stopped: "quiet",
  Failed: "bad",
  Deleting: "busy",
  Deleted: "quiet",
};

/** In which tone a status is said. */
export function statusTone(status: InstanceStatus): Tone {
  return TONES[status];
}

const HEALTH_TONES: Readonly<Record<string, Tone>> = {
  healthy: "good",
  unhealthy: "bad",
  starting: "busy",
};

/** Whether nobody has heard of a worker lately. */
export type IsSilent = (workerId: string) => boolean;

/** How well it is, in a word and its tone; `-` where nobody has said. */
export function healthOf(
  { health, worker }: Instance,
  isSilent: IsSilent,
): { word: string; tone: Tone } {
  if (isSilent(worker)) return { word: "silent", tone: "bad" };
  return health === "unknown" || health === ""
    ? { word: "-", tone: "quiet" }
    : { word: health, tone: HEALTH_TONES[health] ?? "plain" };
}

/** Short, as a column has little room. */
export function platformText({ platform }: Instance): string {
  return platform === "kubernetes" ? "k8s" : platform;
}

/** `v7`; `6→7` where it runs another revision than it is configured to. */
export function revisionText(instance: Instance): string {
  const { revision, runningRevision } = instance;
  return hasDrift(instance) ? `${runningRevision}→${revision}` : `v${revision}`;
}

/** `45s`, `12m`, `3h`, `2d`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Of one core: `31%`; nothing where it was not measured. */
export function cpuText(use: Use | null): string {
  return use === null ? "" : `${Math.round(use.cpuShare * 100)}%`;
}

/** `88M`, `1.5G`; nothing where it was not measured. */
export function memoryText(use: Use | null): string {
  return use === null ? "" : bytesText(use.memoryBytes);
}

/** Bytes in at most four characters. */
export function bytesText(bytes: number): string {
  const units = ["", "K", "M", "G", "T"];
  let [value, at] = [bytes, 0];
  while (value >= 999.5 && at < units.length - 1) [value, at] = [value / 1_024, at + 1];
  return `${at > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)}${units[at]}`;
}

/**
 * What else there is to say of it at `now` (epoch milliseconds): why it is as it is, when it is tried again.
 * Empty where all is well.
 */
export function conditionText(instance: Instance, now: number, isSilent: IsSilent): string {
  const { worker, problem, nextStart, pending, isStandIn } = instance;
  const parts = [
    isSilent(worker) ? `worker ${worker} is silent, this may be old` : "",
    pending === null ? "" : pendingText(pending, now),
    problem,
    nextStart === null
      ? ""
      : `next try in ${durationText(nextStart.at - now)} (attempt ${nextStart.attempt})`,
    hasDrift(instance)
      ? `runs revision ${instance.runningRevision}, is configured to ${instance.revision}: a restart applies it`
      : "",
    isStandIn ? "stand-in, not drasi-server" : "",
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

function pendingText(
  { kind, since, worker }: NonNullable<Instance["pending"]>,
  now: number,
): string {
  const age = durationText(now - since);
  return worker === ""
    ? `its ${kind} waits for a worker, since ${age}`
    : `its ${kind} is at worker ${worker}, since ${age}`;
}
