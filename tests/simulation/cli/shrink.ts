/** Makes a plan that breaks an invariant as small, short and round as it can be while it breaks the same one. */
import { type FaultStep, isFault, type Plan, type Step } from "../plan.ts";
import { minimize } from "./minimize.ts";

/** Whether a plan still breaks the invariant in question. */
export type Breaks = (plan: Plan) => Promise<boolean>;

export interface ShrinkProgress {
  /** What is being tried. */
  stage: string;
  plan: Plan;
  runs: number;
}

export interface ShrinkLimits {
  isOver(): boolean;
  onProgress(progress: ShrinkProgress): void;
}

type Stage = (plan: Plan, breaks: Breaks, isOver: () => boolean) => Promise<Plan>;

/** What makes the story shortest comes first. */
const STAGES: readonly (readonly [name: string, stage: Stage])[] = [
  ["what comes later", withoutLaterSteps],
  ["kinds of faults", withFewerFaultKinds],
  ["faults", (plan, ...rest) => withFewerSteps(plan, isFault, ...rest)],
  ["reads", (plan, ...rest) => withFewerSteps(plan, ({ kind }) => kind === "read", ...rest)],
  ["requests", (plan, ...rest) => withFewerSteps(plan, (step) => !isFault(step), ...rest)],
  ["instances", withFewerInstances],
  ["shape", withSmallerShape],
  ["times", withShorterTimes],
  ["who and where", withPlainerSteps],
];

/**
 * Runs the stages again and again until none changes anything, so that no single step can be taken away from what is
 * returned, unless the limits end it before. `plan` breaks its invariant.
 */
export async function shrinkPlan(plan: Plan, breaks: Breaks, limits: ShrinkLimits): Promise<Plan> {
  const tried = new Map<string, boolean>();
  let smallest = plan;
  for (let hasShrunk = true; hasShrunk && !limits.isOver();) {
    hasShrunk = false;
    for (const [stage, shrink] of STAGES) {
      const isBroken: Breaks = async (candidate) => {
        const text = JSON.stringify(candidate);
        const known = tried.get(text);
        if (known !== undefined) return known;
        limits.onProgress({ stage, plan: smallest, runs: tried.size });
        const answer = await breaks(candidate);
        tried.set(text, answer);
        return answer;
      };
      const shrunk = await shrink(smallest, isBroken, () => limits.isOver());
      hasShrunk ||= JSON.stringify(shrunk) !== JSON.stringify(smallest);
      smallest = shrunk;
    }
  }
  return smallest;
}

/** Most of what comes after the violation goes in a few runs: the shortest beginning, found by halving. */
async function withoutLaterSteps(plan: Plan, breaks: Breaks, isOver: () => boolean) {
  const first = (count: number): Plan => ({ ...plan, steps: plan.steps.slice(0, count) });
  let tooFew = -1;
  let enough = plan.steps.length;
  while (enough - tooFew > 1 && !isOver()) {
    const count = Math.floor((tooFew + enough) / 2);
    if (await breaks(first(count))) enough = count;
    else tooFew = count;
  }
  return first(enough);
}

async function withFewerFaultKinds(plan: Plan, breaks: Breaks, isOver: () => boolean) {
  const only = (kinds: Plan["faults"]): Plan => ({
    ...plan,
    faults: kinds,
    steps: plan.steps.filter((step) => !isFault(step) || kinds.includes(step.kind)),
  });
  return only(await minimize(plan.faults, (kinds) => breaks(only(kinds)), isOver));
}

async function withFewerSteps(
  plan: Plan,
  isMeant: (step: Step) => boolean,
  breaks: Breaks,
  isOver: () => boolean,
) {
  const only = (kept: readonly Step[]): Plan => {
    const left = new Set(kept);
    return { ...plan, steps: plan.steps.filter((step) => !isMeant(step) || left.has(step)) };
  };
  return only(await minimize(plan.steps.filter(isMeant), (kept) => breaks(only(kept)), isOver));
}

async function withFewerInstances(plan: Plan, breaks: Breaks, isOver: () => boolean) {
  const only = (instances: readonly number[]): Plan => ({
    ...plan,
    steps: plan.steps.filter((step) => isFault(step) || instances.includes(step.instance)),
  });
  const instances = [
    ...new Set(plan.steps.flatMap((step) => isFault(step) ? [] : [step.instance])),
  ];
  return only(await minimize(instances, (kept) => breaks(only(kept)), isOver));
}

async function withSmallerShape(plan: Plan, breaks: Breaks, isOver: () => boolean) {
  const { shape } = plan;
  const lastMs = plan.steps.at(-1)?.atMs ?? 0;
  const shapes = (least: number, most: number, of: (count: number) => Partial<Plan["shape"]>) =>
    Array.from({ length: Math.max(0, most - least) }, (_, i) => of(least + i));
  let smaller = await firstThatBreaks(
    plan,
    shapes(1, shape.nodes, (nodes) => ({ nodes })).map((change) => withShape(plan, change)),
    breaks,
    isOver,
  );
  smaller = await firstThatBreaks(
    smaller,
    shapes(1, shape.hosts, (hosts) => ({ hosts })).map((change) => withShape(smaller, change)),
    breaks,
    isOver,
  );
  if (shape.fsync !== "always") {
    const forced = withShape(smaller, { fsync: "always" });
    smaller = await firstThatBreaks(smaller, [forced], breaks, isOver);
  }
  // Up to the first full second after the last step.
  const leastMs = Math.floor(lastMs / 1_000) * 1_000 + 1_000;
  const shorter = [leastMs, ...shorterThan(shape.busyMs)]
    .filter((busyMs) => busyMs >= leastMs && busyMs < shape.busyMs)
    .map((busyMs) => withShape(smaller, { busyMs }));
  return await firstThatBreaks(smaller, shorter, breaks, isOver);
}

/** A node that a request named and that is no more is another one now, as with the targets of faults. */
function withShape(plan: Plan, change: Partial<Plan["shape"]>): Plan {
  const shape = { ...plan.shape, ...change };
  const steps = plan.steps.map((step) =>
    isFault(step) ? step : { ...step, node: step.node % shape.nodes }
  );
  return { ...plan, shape, steps };
}

/** Shortens the pauses between steps, each with all that follows, so that the order stays; then how long things last. */
async function withShorterTimes(plan: Plan, breaks: Breaks, isOver: () => boolean) {
  let shorter = plan;
  for (let at = 0; at < plan.steps.length; at++) {
    const pauseMs = shorter.steps[at]!.atMs - (shorter.steps[at - 1]?.atMs ?? 0);
    const candidates = shorterThan(pauseMs).map((ms) => movedFrom(shorter, at, ms - pauseMs));
    shorter = await firstThatBreaks(shorter, candidates, breaks, isOver);
    const lasting = shorterSteps(shorter.steps[at]!);
    const replaced = lasting.map((one) => withStep(shorter, at, one));
    shorter = await firstThatBreaks(shorter, replaced, breaks, isOver);
  }
  return shorter;
}

function shorterSteps(step: Step): Step[] {
  if (step.kind === "read") return [];
  if (isFault(step)) return shorterThan(step.durationMs).map((ms) => ({ ...step, durationMs: ms }));
  return shorterThan(step.timeoutMs).filter((ms) => ms > 0)
    .map((timeoutMs) => ({ ...step, timeoutMs }));
}

/** The first user, the first node, the first target and no key, wherever it makes no difference. */
async function withPlainerSteps(plan: Plan, breaks: Breaks, isOver: () => boolean) {
  let plainer = plan;
  for (let at = 0; at < plan.steps.length; at++) {
    for (const change of changesOf(plan.steps[at]!)) {
      const step = { ...plainer.steps[at]!, ...change } as Step;
      plainer = await firstThatBreaks(plainer, [withStep(plainer, at, step)], breaks, isOver);
    }
  }
  return plainer;
}

function changesOf(step: Step): readonly object[] {
  if (isFault(step)) return [{ target: 0 } satisfies Partial<FaultStep>];
  return [{ user: 0 }, { node: 0 }, ...(step.kind === "request" ? [{ key: null }] : [])];
}

async function firstThatBreaks(
  plan: Plan,
  candidates: readonly Plan[],
  breaks: Breaks,
  isOver: () => boolean,
): Promise<Plan> {
  for (const candidate of candidates) {
    if (isOver()) return plan;
    if (await breaks(candidate)) return candidate;
  }
  return plan;
}

function withStep(plan: Plan, at: number, step: Step): Plan {
  return { ...plan, steps: plan.steps.map((one, index) => index === at ? step : one) };
}

function movedFrom(plan: Plan, at: number, byMs: number): Plan {
  const steps = plan.steps.map((step, index) =>
    index < at ? step : { ...step, atMs: step.atMs + byMs }
  );
  return { ...plan, steps };
}

/**
 * Durations below `ms`, the shortest first: nothing, half of it, one less in its first digit, and `ms` with fewer and
 * fewer digits cut.
 */
function shorterThan(ms: number): number[] {
  const units = [60_000, 10_000, 1_000, 100, 10, 1];
  const cut = units.map((unit) => Math.floor(ms / unit) * unit);
  const lessFirst = ms - 10 ** Math.floor(Math.log10(Math.max(1, ms)));
  return [...new Set([0, Math.floor(ms / 2), lessFirst, ...cut])]
    .filter((one) => one >= 0 && one < ms).sort((a, b) => a - b);
}
