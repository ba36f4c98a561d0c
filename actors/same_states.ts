/** Whether two states are the same: key order does not matter, nor fields that are absent, as JSON has it. */
import { canonicalJson } from "../events/json.ts";
import { storedState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";

/** All of two states is the same. */
export function isSameState(a: InstanceState, b: InstanceState): boolean {
  return isSameJson(storedState(a), storedState(b));
}

/**
 * Two states are the same but for version and position: a baseline's and that of the events before it. Nor are the
 * changes compared that are kept for display: an older release's baseline knows nothing of them.
 */
export function hasSameContent(a: InstanceState, b: InstanceState): boolean {
  return isSameJson(contentOf(a), contentOf(b));
}

function contentOf({ value, context }: InstanceState): object {
  const { version: _version, position: _position, statusChanges: _, ...content } = context;
  return { value, content };
}

function isSameJson(a: object, b: object): boolean {
  const [ours, theirs] = [JSON.stringify(a), JSON.stringify(b)];
  // Mostly they have the same order of keys too, which is found out ten times as fast.
  return ours === theirs || canonicalJson(JSON.parse(ours)) === canonicalJson(JSON.parse(theirs));
}
