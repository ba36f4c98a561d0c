/** A fleet file against the fleet: what would be done to which instance, in the order in which it is done. Pure. */
import type { Fault } from "../events/configuration.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { statusOf } from "../machines/status.ts";
import type { Difference } from "./differences.ts";
import { type EntryPlan, planEntry, type Step } from "./entry_plan.ts";
import type { FleetWish, Wanted } from "./fleet_wish.ts";

/** In one word: the gravest of what is done; `extra`: of this fleet, not in its file, and left as it is. */
export type Action =
  | "create"
  | "move"
  | "change"
  | "restart"
  | "start"
  | "stop"
  | "wait"
  | "delete"
  | "extra"
  | "unchanged";

/** Of each action how many instances. */
export type Summary = Record<Action, number>;

/** One instance in a plan. */
export interface PlanItem {
  id: string;
  name: string;
  action: Action;
  steps: Step[];
  differences: Difference[];
  reasons: string[];
  /** Null: it is not in the file. */
  wanted: Wanted | null;
  /** As it was seen; null: there is none. */
  state: InstanceState | null;
  /** An instance of the same entry that is being deleted: only after its end there may be this one. */
  predecessor: string | null;
}

/** What is to be done. */
export interface FleetPlan {
  fleet: string;
  items: PlanItem[];
}

/** An entry's instance, as it was found. */
export interface Found {
  /** Of the instance, or of the one that is to be. */
  id: string;
  /** Null: there is none. */
  state: InstanceState | null;
  predecessor: string | null;
}

/** An instance with the fleet's label. `isProven`: its id says that this fleet has made it. */
export interface Labelled {
  state: InstanceState;
  isProven: boolean;
}

/** The fleet as far as a file is concerned with it. */
export interface Observed {
  /** One for each wanted instance, in their order. */
  found: readonly Found[];
  labelled: readonly Labelled[];
}

/**
 * The plan: first what takes nothing away, then what takes servers down, then deletes; each in the file's order.
 * @param prune deletes what this fleet has made and its file does not name any more
 */
export function planFleet(wish: FleetWish, observed: Observed, prune: boolean): FleetPlan {
  const { fleet, instances } = wish;
  const named = instances.map((wanted, at): PlanItem => {
    const { id, state, predecessor } = observed.found[at]!;
    const plan = planEntry({ fleet, wanted }, state);
    const waits = predecessor === null ? plan : afterPredecessor(plan);
    return {
      id,
      name: wanted.name,
      action: actionOf(waits.steps),
      ...waits,
      wanted,
      state,
      predecessor,
    };
  });
  const ids = new Set(named.map(({ id }) => id));
  const others = observed.labelled.filter(({ state }) => !ids.has(state.context.instanceId))
    .flatMap((one) => otherItem(one, prune));
  return { fleet, items: [...named, ...others].sort((a, b) => turnOf(a) - turnOf(b)) };
}

/** What cannot be planned: entries that name an instance that another one has, or that was deleted. */
export function identityFaults(
  { instances }: FleetWish,
  found: readonly Found[],
): Fault[] {
  const firsts = new Map<string, string>();
  return instances.flatMap(({ id, entry }, at) => {
    const { id: instanceId, state } = found[at]!;
    const first = firsts.get(instanceId);
    firsts.set(instanceId, first ?? entry);
    const path = `instances.${entry}.id`;
    if (first !== undefined) {
      return [{ path, message: `is the instance of the entry ${first}, too` }];
    }
    const isGone = state !== null && ["Deleted", "Deleting"].includes(statusOf(state));
    return id === null || !isGone ? [] : [{
      path,
      message: "is of an instance that was deleted; without it a new one is made",
    }];
  });
}

/** How many of each. */
export function summaryOf({ items }: FleetPlan): Summary {
  const count = (action: Action) => items.filter((item) => item.action === action).length;
  return {
    create: count("create"),
    move: count("move"),
    change: count("change"),
    restart: count("restart"),
    start: count("start"),
    stop: count("stop"),
    wait: count("wait"),
    delete: count("delete"),
    extra: count("extra"),
    unchanged: count("unchanged"),
  };
}

/** Whether it takes down, on its way, what serves and is to serve. */
export function takesDown({ steps, wanted, state }: PlanItem): boolean {
  return wanted?.desired === "running" && state?.context.desired === "running" &&
    steps.some((step) => step === "stop" || step === "restart" || step === "move");
}

/** Whether it counts where only so many may be down at once: it was to run before, and is to run after. */
export function isToServe({ wanted, state }: PlanItem): boolean {
  return wanted?.desired === "running" && state?.context.desired === "running";
}

/** What nobody takes back: a server's data goes with it. */
export function isGrave({ steps }: PlanItem): boolean {
  return steps.includes("delete") || steps.includes("move");
}

function afterPredecessor(plan: EntryPlan): EntryPlan {
  return {
    ...plan,
    steps: ["wait", ...plan.steps],
    reasons: ["the one of this name before it is being deleted", ...plan.reasons],
  };
}

function otherItem({ state, isProven }: Labelled, prune: boolean): PlanItem[] {
  const { instanceId, specification } = state.context;
  const isGoing = statusOf(state) === "Deleting";
  const item = {
    id: instanceId,
    name: specification!.name,
    differences: [],
    wanted: null,
    state,
    predecessor: null,
  };
  if (isProven && prune) {
    return [{ ...item, action: "delete", steps: ["delete"], reasons: ["it is not in the file"] }];
  }
  if (isGoing) return [];
  const reason = isProven
    ? "it is not in the file"
    : "it has this fleet's label and another origin or name: it is never pruned";
  return [{ ...item, action: "extra", steps: [], reasons: [reason] }];
}

function actionOf(steps: readonly Step[]): Action {
  if (steps.includes("create")) return "create";
  if (steps.includes("move")) return "move";
  if (steps.includes("configure")) return "change";
  return (["restart", "start", "stop", "wait"] as const).find((one) => steps.includes(one)) ??
    "unchanged";
}

function turnOf(item: PlanItem): number {
  if (item.action === "unchanged") return 3;
  if (item.wanted === null) return item.action === "delete" ? 2 : 4;
  return takesDown(item) ? 1 : 0;
}
