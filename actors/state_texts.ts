/** States as texts that can be compared: key order does not matter, nor do the fields that a baseline sets anew. */
import { canonicalJson } from "../events/json.ts";
import { storedState } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";

/** All of a state. */
export function stateText(state: InstanceState): string {
  // What is not JSON (an absent field) is no difference: neither a snapshot nor a baseline keeps it.
  return canonicalJson(JSON.parse(JSON.stringify(storedState(state))));
}

/** A state but for its version and position: what a baseline must repeat. */
export function contentText({ value, context }: InstanceState): string {
  const { version: _version, position: _position, ...content } = context;
  return canonicalJson(JSON.parse(JSON.stringify({ value, content })));
}
