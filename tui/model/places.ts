/** Where one is: the screens one has opened, one on the other. Pure. */

/** The screens there are. What each does is in `screen_table.ts`, what it looks like in `screens/screen_views.tsx`. */
export type ScreenId =
  | "fleet"
  | "workers"
  | "events"
  | "metrics"
  | "plan"
  | "logs"
  | "instance"
  | "timeline";

/** A screen, and the instances that it was opened for; none where it is about the whole fleet. */
export interface Place {
  screen: ScreenId;
  instanceIds: readonly string[];
}

/** `stack` is never empty: the last one is shown, Esc goes to the one before. */
export interface Places {
  stack: readonly Place[];
  /** Where one was before, for `-`. */
  before: readonly Place[] | null;
}

/** The deepest one goes before the first of them is forgotten. */
const DEPTH_MAX = 8;

export const AT_FLEET: Places = { stack: [{ screen: "fleet", instanceIds: [] }], before: null };

/** What is shown. */
export function present({ stack }: Places): Place {
  return stack.at(-1)!;
}

/** One screen on the other. */
export function opened({ stack }: Places, place: Place): Places {
  return { stack: [...stack.slice(-(DEPTH_MAX - 1)), place], before: stack };
}

/** A screen that stands on nothing, as by its number: Esc goes to the fleet from there. */
export function switched({ stack }: Places, screen: ScreenId): Places {
  const bottom: Place = { screen: "fleet", instanceIds: [] };
  const place: Place = { screen, instanceIds: [] };
  return { stack: screen === "fleet" ? [bottom] : [bottom, place], before: stack };
}

/** One screen back; null where one is at the first. */
export function backFrom({ stack }: Places): Places | null {
  return stack.length > 1 ? { stack: stack.slice(0, -1), before: stack } : null;
}

/** Where one was before; null where one was nowhere else. */
export function turnedBack({ stack, before }: Places): Places | null {
  return before === null ? null : { stack: before, before: stack };
}
