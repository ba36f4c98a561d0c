/** The fold: one event moves one instance's state. Pure, total, the same on every node. Design §1, promise 3. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { JsonObject } from "../events/json.ts";
import type { Facts } from "./facts.ts";
import { noFacts } from "./facts.ts";
import { foldFacts } from "./fold_facts.ts";
import type { InstanceState } from "./lifecycle.ts";
import { type CommandAction, moveOf, stateAt } from "./moves.ts";
import { changesAfter } from "./status_changes.ts";
import { isBuried, tombstoneOf } from "./tombstone.ts";

/** The number of the fold: of the states' shape and of what is kept in them. A snapshot with another one is dropped. */
export const STATE_SCHEMA = 10;

const rest = { run: "none", pending: "idle" } as const;

/** The state of an instance of which nothing is known. */
export function initialState(instanceId: string): InstanceState {
  return stateAt(rest, noFacts(instanceId));
}

/** The state after `event`. Never throws for any event in any state; what does not fit changes only the version. */
export function evolve(state: InstanceState, event: RecordedEvent): InstanceState {
  return step(state, event).state;
}

/**
 * `evolve`, with the commands that the transition calls for: the machine says where the instance stands next, by the
 * facts before the event; then the facts move on.
 */
export function step(
  state: InstanceState,
  event: RecordedEvent,
): { state: InstanceState; actions: readonly CommandAction[] } {
  if (event.type === "Baseline") {
    return { state: restoreState(event.data.state, event), actions: [] };
  }
  const { value, actions } = moveOf(state, event);
  const facts = foldFacts(state.context, event);
  if (isBuried(value, facts)) return { state: stateAt(value, tombstoneOf(facts)), actions };
  const after = stateAt(value, facts);
  const statusChanges = changesAfter(state, after, event);
  return statusChanges === facts.statusChanges
    ? { state: after, actions }
    : { state: stateAt(value, { ...facts, statusChanges }), actions };
}

/** What a fold may take up: the next event, or a baseline, which needs nothing before it. */
export function isNext(state: InstanceState, event: RecordedEvent): boolean {
  const { version } = state.context;
  return event.version === version + 1 || (event.type === "Baseline" && event.version > version);
}

/** What a snapshot or a baseline keeps of a state. */
export function storedState(state: InstanceState): JsonObject {
  return { value: state.value, context: state.context } as unknown as JsonObject;
}

/** A state as `storedState` gave it; a baseline's own event counts as folded. */
export function restoreState(stored: JsonObject, baseline?: RecordedEvent): InstanceState {
  const { value, context: kept } = stored as unknown as {
    value: InstanceState["value"];
    context: Facts;
  };
  // A baseline of an older release lacks what that knew nothing of.
  const context = { ...noFacts(kept.instanceId), ...kept };
  return stateAt(
    value,
    baseline ? { ...context, version: baseline.version, position: baseline.position } : context,
  );
}
