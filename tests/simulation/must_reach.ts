/** What the simulation must get to sooner or later: one that quietly tests nothing is worse than none. */
import { eventSchemas } from "../../events/instance_events.ts";
import { drawPlan } from "./draw_plan.ts";
import { FAULT_KINDS, type FaultKind, type Shape } from "./plan.ts";

/** Rare states by the name under which runs report them, with the forms in which they can come about at all. */
export const RARE_STATES: Readonly<Record<string, readonly Shape["form"][]>> = {
  "stolen command": ["redis"],
  "rollback": ["redis"],
  "refused stale accept": ["redis"],
  "expired": ["embedded", "redis"],
  "cancelled before accept": ["embedded", "redis"],
  "settled take-over": ["embedded", "redis"],
  "forgotten": ["redis"],
  "lost run": ["redis"],
  "lease lapsed": ["redis"],
  "moved": ["redis"],
  "lost append race": ["redis"],
  "indeterminate append settled by its request id": ["redis"],
  "repeated key": ["embedded", "redis"],
  "leader changed": ["redis"],
  "superseded worker": ["redis"],
  "stranger": ["redis"],
  "retried with back-off": ["embedded", "redis"],
  "crash loop": ["embedded", "redis"],
  "poison": ["redis"],
  "recovered from a snapshot": ["embedded", "redis"],
  "cut log": ["embedded", "redis"],
};

/** Events of several workers, which an embedded fleet has not. */
const REDIS_EVENTS: readonly string[] = ["CommandForgotten", "CommandRefused"];

/** What somebody outside reports decides nothing, and no user of the simulation reports anything. */
const UNASKED_EVENTS: readonly string[] = ["ExternalStatusReported"];

/** The names that the runs of a form (null: of both), drawn from these faults (null: from all), must report. */
export function mustReach(
  form: Shape["form"] | null,
  faults: readonly FaultKind[] | null,
): string[] {
  const forms = form === null ? ["embedded", "redis"] as const : [form];
  const kinds = (faults ?? FAULT_KINDS)
    .filter((kind) => forms.some((one) => canStrike(kind, one)));
  // Without its faults a state may be out of reach; what was asked for must be there all the same.
  if (faults !== null) return kinds;
  const states = Object.entries(RARE_STATES)
    .filter(([, possible]) => forms.some((one) => possible.includes(one)))
    .map(([name]) => name);
  const events = Object.keys(eventSchemas)
    .filter((type) => !UNASKED_EVENTS.includes(type))
    .filter((type) => form !== "embedded" || !REDIS_EVENTS.includes(type));
  return [...states, ...kinds, ...events];
}

/** Asked of the drawing itself, which leaves out what a form does not have. */
function canStrike(kind: FaultKind, form: Shape["form"]): boolean {
  return drawPlan(1, { form, faults: [kind] }).faults.includes(kind);
}
