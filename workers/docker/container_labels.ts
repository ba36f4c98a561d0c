/**
 * What a container, or a mark beside it, says of itself: names and labels, by which any worker finds its instances again.
 * Pure. Design §4 rule 6: of containers, name, label and generation on the object keep a second one from coming to life.
 */
import type { Fence } from "../platform.ts";
import { type KeptPlan, keptPlanSchema, keptText } from "../templates/image.ts";

const NAMESPACE = "draas.namespace";
const INSTANCE = "draas.instance";
const RUN = "draas.run";
const GENERATION = "draas.generation";
const ATTEMPT = "draas.attempt";
const PLAN = "draas.plan";
const STOPS = "draas.stops";

export type Labels = Readonly<Record<string, string>>;

/** What the label of a run says. */
export interface RunLabels {
  instanceId: string;
  runId: string;
  fence: Fence;
  plan: KeptPlan;
}

/** The label that all objects of a fleet on a daemon have, as a filter. */
export function namespaceLabel(namespace: string): string {
  return `${NAMESPACE}=${namespace}`;
}

/** The label that all objects of an instance have, as a filter. */
export function instanceLabel(instanceId: string): string {
  return `${INSTANCE}=${instanceId}`;
}

/** Only one container has it, so that of two starts at once one is refused by the daemon itself. */
export function presentName(namespace: string, instanceId: string): string {
  return `draas.${namespace}.${instanceId}`;
}

/** The name of a container that has ended, and is kept for what it printed. */
export function formerName(namespace: string, instanceId: string, runId: string): string {
  return `${presentName(namespace, instanceId)}.${runId}`;
}

/** The volume that an instance calls `name`. */
export function volumeName(namespace: string, instanceId: string, name: string): string {
  return `${presentName(namespace, instanceId)}.data.${name}`;
}

export function runLabels(
  namespace: string,
  { instanceId, runId, fence, plan }: RunLabels,
): Labels {
  return {
    [NAMESPACE]: namespace,
    [INSTANCE]: instanceId,
    [RUN]: runId,
    [GENERATION]: String(fence.generation),
    [ATTEMPT]: String(fence.attempt),
    [PLAN]: keptText(plan),
  };
}

/** The labels of a volume that holds an instance's data. */
export function dataLabels(namespace: string, instanceId: string): Labels {
  return { [NAMESPACE]: namespace, [INSTANCE]: instanceId };
}

/** What a container of ours says; null for one that has other labels, whoever made it. */
export function readRunLabels(labels: Labels): RunLabels | null {
  const { [INSTANCE]: instanceId, [RUN]: runId } = labels;
  const fence = fenceIn(labels);
  const plan = keptPlanSchema.safeParse(jsonOrNull(labels[PLAN]));
  if (!instanceId || !runId || !fence || !plan.success) return null;
  return { instanceId, runId, fence, plan: plan.data };
}

/** A mark beside an instance's containers: the highest fence that was raised, or that a run's end was asked for. */
export interface Mark {
  instanceId: string;
  fence: Fence;
  /** The run whose end was asked for; null for a fence. */
  stops: string | null;
}

export function markName(namespace: string, { instanceId, fence, stops }: Mark): string {
  const what = stops === null ? `fence.${fence.generation}.${fence.attempt}` : `stop.${stops}`;
  return `${presentName(namespace, instanceId)}.${what}`;
}

export function markLabels(namespace: string, { instanceId, fence, stops }: Mark): Labels {
  return {
    [NAMESPACE]: namespace,
    [INSTANCE]: instanceId,
    [GENERATION]: String(fence.generation),
    [ATTEMPT]: String(fence.attempt),
    ...(stops === null ? {} : { [STOPS]: stops }),
  };
}

/** What a volume of ours marks; null for one that holds an instance's data. */
export function readMark(labels: Labels): Mark | null {
  const fence = fenceIn(labels);
  const { [INSTANCE]: instanceId } = labels;
  return fence && instanceId ? { instanceId, fence, stops: labels[STOPS] ?? null } : null;
}

function fenceIn(labels: Labels): Fence | null {
  const [generation, attempt] = [labels[GENERATION], labels[ATTEMPT]].map(Number);
  return Number.isSafeInteger(generation) && Number.isSafeInteger(attempt)
    ? { generation: generation!, attempt: attempt! }
    : null;
}

function jsonOrNull(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return null;
  }
}
