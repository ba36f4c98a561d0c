/** Whether who waits for a status has it, or waits in vain: a pure comparison of then and now. Design §6. */
import type { InstanceState } from "./lifecycle.ts";
import { owedTo } from "./reconcile.ts";
import type { InstanceStatus } from "./requests.ts";
import { mayRun, statusOf } from "./status.ts";

/** What is waited for. */
export interface Wanted {
  /** Any of them; none: the version is all that is waited for. */
  statuses: readonly InstanceStatus[];
  /** Before this version of the instance nothing counts, for or against. */
  atLeastVersion: number;
}

/** How a wait ends before its time. */
export interface WaitVerdict {
  /** `failed`: what was asked of the instance has ended otherwise. `superseded`: something else was asked of it since. */
  outcome: "reached" | "failed" | "superseded";
  /** One sentence. */
  reason: string;
}

type Desired = InstanceState["context"]["desired"];

/** The statuses that a wish leads to. */
const LEADS_TO: Readonly<Record<Desired, readonly InstanceStatus[]>> = {
  running: ["Starting", "Restarting", "Running", "Failed"],
  stopped: ["Stopping", "Stopped", "Created"],
  deleted: ["Deleting", "Deleted"],
};

/**
 * The end of a wait; null while it goes on.
 * @param begin the state when the wait began, or the last one since that was on its way (`isOnItsWay`)
 */
export function waitVerdict(
  begin: InstanceState,
  now: InstanceState,
  wanted: Wanted,
): WaitVerdict | null {
  const status = statusOf(now);
  const { statuses, atLeastVersion } = wanted;
  const isThere = statuses.length === 0 || statuses.includes(status);
  if (now.context.version >= atLeastVersion && isThere) {
    return { outcome: "reached", reason: `It is ${status}.` };
  }
  if (status === "Deleted") {
    const by = now.context.deletedBy ?? "unknown";
    return { outcome: "failed", reason: `It was deleted by ${by}: nothing more comes of it.` };
  }
  if (now.context.version < atLeastVersion) return null;
  return inVain(begin, now, wanted);
}

/** Whether what was asked of the instance leads to what is waited for. */
export function isOnItsWay({ context }: InstanceState, { statuses }: Wanted): boolean {
  return LEADS_TO[context.desired].some((status) => statuses.includes(status));
}

/** Why a wait whose time is over has not ended before, in one sentence. */
export function stillWaiting(now: InstanceState, { atLeastVersion }: Wanted): string {
  const { version } = now.context;
  return version < atLeastVersion
    ? `It is ${statusOf(now)}, and has come to version ${version} only.`
    : `It is still ${statusOf(now)}.`;
}

function inVain(begin: InstanceState, now: InstanceState, wanted: Wanted): WaitVerdict | null {
  const { desired } = now.context;
  const status = statusOf(now);
  if (!isOnItsWay(now, wanted)) {
    if (isOnItsWay(begin, wanted) && begin.context.desired !== desired) {
      return { outcome: "superseded", reason: `${ASKED[desired]} since; it is ${status}.` };
    }
    if (status === "Deleting") return { outcome: "failed", reason: "It is being deleted." };
  }
  // Nobody has asked for it yet: whoever waits first may still be given it.
  const mayCome = isOnItsWay(now, wanted) || (desired === "running" && endsByItself(wanted));
  return mayCome && isAtRest(now) ? { outcome: "failed", reason: endOf(now) } : null;
}

/** A server that was to run may complete. */
function endsByItself({ statuses }: Wanted): boolean {
  return statuses.includes("Stopped");
}

/** Nothing is in hand and nothing owed; and a live server, which may yet do anything, is not what was asked for. */
function isAtRest(state: InstanceState): boolean {
  const { commands, queuedStart, desired } = state.context;
  const isInHand = commands.length > 0 || queuedStart !== null || owedTo(state).length > 0;
  return !isInHand && !(desired === "running" && mayRun(state)) && state.value.run !== "starting";
}

const ASKED: Readonly<Record<Desired, string>> = {
  running: "A start was asked for",
  stopped: "A stop was asked for",
  deleted: "Its deletion was asked for",
};

function endOf(state: InstanceState): string {
  const { failure, lastError, run } = state.context;
  // What went wrong before the run ended was not the end.
  const isNews = lastError !== null && lastError.at >= (run?.since ?? 0);
  const message = failure?.message ??
    (isNews ? lastError.message : run?.runtimeInfo?.exit?.message);
  const status = statusOf(state);
  return message === undefined
    ? `It is ${status}, and nothing more is under way.`
    : `It is ${status}: ${message}`;
}
