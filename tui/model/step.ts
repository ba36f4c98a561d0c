/** One step of the model: what it is next, and what is to be done in the world. Pure. */
import type { Effect } from "./effect.ts";
import type { Model } from "./model.ts";
import type { Place, ScreenId } from "./places.ts";
import { told } from "./toasts.ts";

export interface Step {
  model: Model;
  effects: readonly Effect[];
  /** A screen to open on the present one, once this step is done: screens do not know each other. */
  go?: Place;
}

export function step(model: Model, ...effects: readonly Effect[]): Step {
  return { model, effects };
}

/** `next` after a step, with the effects of both in order. */
export function then({ model, effects, go }: Step, next: (model: Model) => Step): Step {
  const after = next(model);
  return { ...(go ? { go } : {}), ...after, effects: [...effects, ...after.effects] };
}

/** Opens a screen for these instances. */
export function goTo(model: Model, screen: ScreenId, instanceIds: readonly string[] = []): Step {
  return { model, effects: [], go: { screen, instanceIds } };
}

/** Says something on the line above the hints. */
export function tell(
  model: Model,
  text: string,
  tone: "good" | "bad" | "plain" | "busy" = "plain",
): Model {
  return { ...model, toasts: told(model.toasts, text, tone, model.now) };
}
