/** A fleet's plan, and how it goes while it is carried out, as the API shows them. docs/fleet.md */
import type { ApplyProgress, ItemEnd } from "../fleet/apply_plan.ts";
import type { Difference } from "../fleet/differences.ts";
import { type FleetPlan, isGrave, type PlanItem, summaryOf } from "../fleet/fleet_plan.ts";
import type { WorkFailure } from "../fleet/instance_work.ts";
import type { Json, JsonObject } from "../events/json.ts";
import { OperationalError } from "../events/errors.ts";
import { canonicalJson } from "../events/json.ts";
import { statusOf } from "../machines/status.ts";
import {
  bugProblem,
  Problem,
  problemOfError,
  problemOfFailure,
  problemOfRejection,
  problemOfUnknown,
} from "./problem.ts";
import { sha256Hex } from "./sha256.ts";

/** A value of a difference that is longer as JSON is told by its size alone. */
const VALUE_CHARACTERS_MAX = 2_000;

/** What two plans have in common that do the same to the same instances as they are now. */
export async function planDigest({ fleet, items }: FleetPlan): Promise<string> {
  const deeds = items.map(({ id, action, steps, differences, state }) => ({
    id,
    action,
    steps,
    differences,
    version: state?.context.specificationVersion ?? null,
  }));
  return await sha256Hex(canonicalJson({ fleet, deeds }));
}

/** The plan; `position` is the log position that it is true for. */
export function planView(plan: FleetPlan, digest: string, position: string): JsonObject {
  const { fleet, items } = plan;
  return {
    fleet,
    plan: digest,
    changed: items.some(({ steps }) => steps.length > 0),
    summary: { ...summaryOf(plan) },
    items: items.map(itemView),
    position,
  };
}

/** One line of an apply as it goes. */
export function progressView(progress: ApplyProgress, traceId: string): JsonObject {
  const { id, name, action, steps } = progress.item;
  const about = { type: progress.kind, id, name, action };
  return progress.kind === "begun"
    ? { ...about, step: progress.step }
    : { ...about, steps, ...endView(progress.end, id, traceId) };
}

function itemView(item: PlanItem): JsonObject {
  const { id, name, action, steps, differences, reasons, wanted, state } = item;
  const specification = wanted?.specification ?? state?.context.specification;
  return {
    id,
    name,
    action,
    ...(wanted ? { entry: wanted.entry, desired: wanted.desired } : {}),
    ...(specification
      ? { platform: specification.platform, template: specification.template }
      : {}),
    ...(state ? { status: statusOf(state) } : {}),
    steps,
    ...(isGrave(item) ? { grave: true } : {}),
    changes: differences.map(differenceView),
    reasons,
  };
}

function differenceView({ path, before, after }: Difference): JsonObject {
  return {
    path,
    ...(before === undefined ? {} : { before: shortened(before) }),
    ...(after === undefined ? {} : { after: shortened(after) }),
  };
}

function shortened(value: Json): Json {
  const { length } = JSON.stringify(value);
  return length <= VALUE_CHARACTERS_MAX ? value : `(${length} characters of JSON)`;
}

function endView(end: ItemEnd, instanceId: string, traceId: string): JsonObject {
  const { kind, tookMs } = end;
  return {
    outcome: kind,
    tookMs: Math.round(tookMs),
    ...(kind === "done" && end.position !== null ? { position: end.position } : {}),
    ...(kind === "failed"
      ? { problem: problemOf(end.failure, instanceId, traceId).body(traceId) }
      : {}),
  };
}

/** What is said of failures of an apply's own: the rest is said as for one instance. */
const KINDS = {
  changed_meanwhile: "conflict",
  predecessor_there: "conflict",
  still_passing: "conflict",
  too_few_available: "conflict",
  did_not_last: "operation_failed",
} as const;

function problemOf(failure: WorkFailure, instanceId: string, traceId: string): Problem {
  if (!(failure instanceof OperationalError)) {
    switch (failure.kind) {
      case "rejected":
        return problemOfRejection(failure.rejection);
      case "failed":
        return problemOfFailure(failure.failure, instanceId);
      case "unknown":
        return problemOfUnknown(instanceId, failure.commandId, failure.position);
    }
  }
  const { code, message, hint, retryable } = failure;
  if (code === "internal_error") return bugProblem(traceId);
  const kind = KINDS[code as keyof typeof KINDS];
  return kind === undefined
    ? problemOfError(failure)!
    : new Problem(kind, { detail: message, hint, code, retryable });
}
