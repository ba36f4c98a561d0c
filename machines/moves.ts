/** Where an event leads, as the machine says: worked out by XState once for each set of transitions, then remembered. */
import { transition } from "xstate";
import type { RecordedEvent } from "../events/envelope.ts";
import { noFacts } from "./facts.ts";
import { type InstanceState, lifecycle } from "./lifecycle.ts";

/** An action of the machine, as data: which command an event calls for. */
export type CommandAction =
  | "sendStartCommand"
  | "sendStopCommand"
  | "sendRestartCommand"
  | "sendDeleteCommand";

/** A move of the machine. */
export interface Move {
  /** The next state but for its facts. */
  to: InstanceState;
  actions: readonly CommandAction[];
}

/** By the two regions' states, then by the transitions that an event takes there: a few hundred at most. */
const moves = new Map<string, (Move & { transitions: readonly unknown[] })[]>();

/**
 * The move that `event` makes in `state`. The guards are asked each time, and they alone look at the facts: the
 * machine has no `assign`, no `always`, no entry and no exit action, so what the transitions come to is always the
 * same. XState takes about ten times as long to say it again (measured in `bench/`).
 */
export function moveOf(state: InstanceState, event: RecordedEvent): Move {
  const transitions = lifecycle.getTransitionData(state, event);
  const place = `${state.value.run} ${state.value.pending}`;
  let known = moves.get(place);
  if (!known) moves.set(place, known = []);
  let found = known.find((one) =>
    one.transitions.length === transitions.length &&
    one.transitions.every((taken, index) => taken === transitions[index])
  );
  if (!found) known.push(found = { ...workOut(state, event), transitions });
  return found;
}

function workOut(state: InstanceState, event: RecordedEvent): Move {
  const [next, actions] = transition(lifecycle, state, event);
  return {
    to: { ...next, value: Object.freeze(next.value), context: noFacts("") },
    actions: actions.map((action) => action.type as CommandAction),
  };
}
