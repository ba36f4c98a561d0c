/** What it takes to make one instance what its fleet file says: steps, and why. Pure. docs/fleet.md */
import { canonicalJson, type JsonObject } from "../events/json.ts";
import type { Specification } from "../events/specification.ts";
import type { Launch } from "../machines/facts.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { InstanceRequest } from "../machines/requests.ts";
import { mayRun, moveInHand, statusOf } from "../machines/status.ts";
import { type Difference, differences } from "./differences.ts";
import { FLEET_LABEL, RESERVED_LABELS } from "./fleet_file.ts";
import type { Wanted } from "./fleet_wish.ts";

/** One thing that is done to an instance; `wait`: until what is under way has ended. */
export type Step =
  | "wait"
  | "create"
  | "stop"
  | "configure"
  | "move"
  | "restart"
  | "start"
  | "delete";

/** How one instance becomes what it is to be. */
export interface EntryPlan {
  /** In their order; none: it is so already. */
  steps: Step[];
  /** Of its specification, in the file's words; none of an instance that is to be created. */
  differences: Difference[];
  /** Why, where the steps do not say it by themselves. */
  reasons: string[];
}

/** What is asked of an instance, and by which fleet. */
export interface Asked {
  fleet: string;
  wanted: Wanted;
}

const PASSING = ["Starting", "Restarting", "Stopping", "Deleting"];

/** The plan for an instance that is as `state` says; null: there is none. */
export function planEntry(asked: Asked, state: InstanceState | null): EntryPlan {
  const isToRun = asked.wanted.desired === "running";
  const present = state?.context.specification;
  if (!state || !present) {
    return { steps: isToRun ? ["create", "start"] : ["create"], differences: [], reasons: [] };
  }
  const next = specificationFor(asked, state);
  const found = differences(specificationView(present), specificationView(next));
  const isMoved = present.platform !== next.platform || present.template !== next.template;
  const isConfigured = Object.keys(configureChanges(present, next)).length > 0;
  const before = isMoved || !isToRun
    ? stepsToRest(state)
    : isPassing(state)
    ? ["wait" as const]
    : [];
  const changes: Step[] = [
    ...(isConfigured ? ["configure" as const] : []),
    ...(isMoved ? ["move" as const] : []),
  ];
  const ahead = isMoved ? { steps: ["start" as const], reasons: [] } : stepsToRun(state, next);
  const { steps, reasons } = isToRun ? ahead : { steps: [], reasons: [] };
  return {
    steps: [...before, ...changes, ...steps],
    differences: found,
    reasons: [
      ...(before.includes("wait") ? [`it is ${statusOf(state)}`] : []),
      ...(isMoved && state.context.run !== null ? ["what it has kept where it was is lost"] : []),
      ...reasons,
      ...laterEffects(state, present, next, [...before, ...changes, ...steps]),
    ],
  };
}

/** The request that a step is, in a state for which it was planned; null: there is nothing to ask. */
export function requestOf(
  step: Step,
  asked: Asked,
  state: InstanceState | null,
): InstanceRequest | null {
  const next = specificationFor(asked, state);
  const present = state?.context.specification ?? next;
  switch (step) {
    case "wait":
      return null;
    case "create":
      return { type: "create", specification: next };
    case "configure":
      return { type: "configure", changes: configureChanges(present, next), ifDifferent: true };
    case "move":
      return { type: "move", force: false, to: destination(present, next) };
    case "delete":
      return { type: "delete", force: false };
    case "start":
    case "stop":
    case "restart":
      return { type: step };
  }
}

/** Whether it serves: it runs, and nobody has found it unhealthy. */
export function isAvailable(state: InstanceState | undefined): boolean {
  return state !== undefined && statusOf(state) === "Running" &&
    state.context.health?.status !== "unhealthy";
}

/** Whether something is under way that ends by itself. */
export function isPassing(state: InstanceState): boolean {
  return PASSING.includes(statusOf(state));
}

/** The file's specification, with the labels that are not the file's to say. */
export function specificationFor(
  { fleet, wanted }: Asked,
  state: InstanceState | null,
): Specification {
  const present = state?.context.specification?.labels ?? {};
  const reserved = Object.entries(present).filter(([key]) => key.startsWith(RESERVED_LABELS));
  return {
    ...wanted.specification,
    labels: {
      ...wanted.specification.labels,
      ...Object.fromEntries(reserved),
      ...(wanted.id === null ? { [FLEET_LABEL]: fleet } : {}),
    },
  };
}

/** A specification in the words of the API and of fleet files; what is not in force is left out. */
export function specificationView(specification: Specification): JsonObject {
  const { configuration, limits, leaseMs, restartPolicy, onWorkerLost, workerLabels, ...rest } =
    specification;
  return {
    ...rest,
    // Members that are absent, in the form that JSON has for it.
    restartPolicy: JSON.parse(JSON.stringify(restartPolicy)) as JsonObject,
    onWorkerLost,
    ...(onWorkerLost === "reschedule" ? { leaseMs } : {}),
    workerLabels,
    limits: JSON.parse(JSON.stringify(limits ?? {})) as JsonObject,
    serverConfiguration: configuration,
  };
}

/** What ends whatever lives of it, or would come to life by itself. */
function stepsToRest(state: InstanceState): Step[] {
  const { desired, commands, queuedStart } = state.context;
  if (moveInHand(state)) return ["wait"];
  const isAtRest = desired !== "running" && !mayRun(state) && commands.length === 0 &&
    queuedStart === null;
  return isAtRest ? [] : ["stop"];
}

/** What makes it run as `next` says, from where it is once what is under way has ended. */
function stepsToRun(
  state: InstanceState,
  next: Specification,
): Pick<EntryPlan, "steps" | "reasons"> {
  const { queuedStart, commands, run } = state.context;
  switch (statusOf(state)) {
    case "Running":
      return restartOf(run?.launch, next);
    case "Starting":
    case "Restarting":
      return restartOf(commands.findLast(({ launch }) => launch)?.launch ?? run?.launch, next);
    case "Stopping":
      return queuedStart ? restartOf(queuedStart.launch, next) : { steps: ["start"], reasons: [] };
    case "Failed":
      return {
        steps: ["start"],
        reasons: [`it has failed: ${state.context.lastError?.message ?? "nobody knows why"}`],
      };
    default:
      return { steps: ["start"], reasons: [] };
  }
}

/** A restart, where what runs was started as something else. Of a run that was found nobody knows it. */
function restartOf(
  launch: Launch | null | undefined,
  { configuration, limits = {} }: Specification,
): Pick<EntryPlan, "steps" | "reasons"> {
  if (!launch) return { steps: [], reasons: [] };
  const other = [
    canonicalJson(launch.configuration) === canonicalJson(configuration)
      ? []
      : ["another serverConfiguration"],
    canonicalJson(launch.limits ?? {}) === canonicalJson(limits) ? [] : ["other limits"],
  ].flat();
  if (other.length === 0) return { steps: [], reasons: [] };
  return { steps: ["restart"], reasons: [`it runs with ${other.join(" and ")}`] };
}

/** What a live server does not get by what is done to it. */
function laterEffects(
  state: InstanceState,
  present: Specification,
  next: Specification,
  steps: readonly Step[],
): string[] {
  const isAnew = steps.some((step) => ["stop", "restart", "start"].includes(step));
  if (isAnew || !mayRun(state)) return [];
  const parts = (["onWorkerLost", "leaseMs", "workerLabels"] as const).filter((part) =>
    canonicalJson(specificationView(present)[part] ?? null) !==
      canonicalJson(specificationView(next)[part] ?? null)
  );
  return parts.length === 0 ? [] : [`${parts.join(", ")}: from its next start on`];
}

/** The changes that need no move; where it moves, the rest goes with that. */
function configureChanges(
  present: Specification,
  next: Specification,
): (InstanceRequest & { type: "configure" })["changes"] {
  const isMoved = present.platform !== next.platform || present.template !== next.template;
  const [before, after] = [specificationView(present), specificationView(next)];
  const isOther = (name: string) =>
    canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null);
  const { name, description, labels, restartPolicy, onWorkerLost, leaseMs, workerLabels } = next;
  return {
    ...(isOther("name") ? { name } : {}),
    ...(isOther("description") ? { description } : {}),
    ...(isOther("labels") ? { labels } : {}),
    ...(isOther("restartPolicy") ? { restartPolicy } : {}),
    ...(onWorkerLost === "reschedule" && present.leaseMs !== leaseMs ? { leaseMs } : {}),
    ...(isOther("limits") ? { limits: next.limits ?? {} } : {}),
    ...(!isMoved && isOther("onWorkerLost") ? { onWorkerLost } : {}),
    ...(!isMoved && isOther("workerLabels") ? { workerLabels } : {}),
    ...(!isMoved && isOther("serverConfiguration") ? { configuration: next.configuration } : {}),
  };
}

function destination(
  present: Specification,
  next: Specification,
): (InstanceRequest & { type: "move" })["to"] {
  const { platform, template, configuration, onWorkerLost, workerLabels } = next;
  const isSame = canonicalJson(present.configuration) === canonicalJson(configuration);
  return {
    platform,
    template,
    ...(isSame ? {} : { configuration }),
    onWorkerLost,
    workerLabels,
  };
}
