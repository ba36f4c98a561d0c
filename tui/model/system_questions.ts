/** What is asked of the system from time to time, as no event tells it: workers, readiness, how runs do. Pure. */
import type { Effect, Query } from "./effect.ts";
import { type Model, shownFleet } from "./model.ts";
import { presentScreen } from "./screen_table.ts";
import { type Step, step } from "./step.ts";

/** The slots of these questions. */
export const WORKERS = "fleet.workers";
export const READINESS = "fleet.readiness";
export const IN_SIGHT = "fleet.inSight";

const EVERY_MS = 2_000;
/** A question that has got no answer for so long is asked again. */
const PATIENCE_MS = 30_000;

/** Asks what is due; nothing while an answer is still to come, or nobody is there to answer. */
export function dueQueries(model: Model): Step {
  const { kind } = model.connection;
  if (kind === "connecting" || kind === "reconnecting") return step(model);
  const running = runningInSight(model);
  const due: [slot: string, query: Query][] = [
    [WORKERS, { kind: "workers" }],
    [READINESS, { kind: "readiness" }],
    ...(running.length > 0
      ? [[IN_SIGHT, { kind: "instances", ids: running }] as [string, Query]]
      : []),
  ];
  const asking = new Map(model.asking);
  const effects: Effect[] = [];
  for (const [slot, query] of due) {
    const { at, isOpen } = asking.get(slot) ?? { at: -Infinity, isOpen: false };
    if (model.now - at < (isOpen ? PATIENCE_MS : EVERY_MS)) continue;
    asking.set(slot, { at: model.now, isOpen: true });
    effects.push({ kind: "query", slot, query });
  }
  return step({ ...model, asking }, ...effects);
}

/** The next one comes in its time. */
export function withAnswer(model: Model, slot: string): Model {
  const asked = model.asking.get(slot);
  if (asked === undefined || !asked.isOpen) return model;
  return { ...model, asking: new Map(model.asking).set(slot, { ...asked, isOpen: false }) };
}

/** What a run uses changes all the time: only of those that one sees is it asked. */
function runningInSight(model: Model): string[] {
  const { list } = presentScreen(model);
  if (list === undefined) return [];
  const { top } = list.cursor(model);
  const { instances } = shownFleet(model);
  return list.ids(model).slice(top, top + list.height(model))
    .filter((id) => instances.get(id)?.status === "Running");
}
