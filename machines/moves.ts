/** Where an instance stands and where an event leads, as the machine says: worked out by XState once, then remembered. */
import { transition } from "xstate";
import type { RecordedEvent } from "../events/envelope.ts";
import { type Facts, noFacts } from "./facts.ts";
import { type InstanceState, lifecycle } from "./lifecycle.ts";

/** An action of the machine, as data: which command an event calls for. */
export type CommandAction =
  | "sendStartCommand"
  | "sendStopCommand"
  | "sendRestartCommand"
  | "sendDeleteCommand";

/** A move of the machine. */
export interface Move {
  /** Where it leads. */
  value: InstanceState["value"];
  actions: readonly CommandAction[];
}

/** By the two regions' states, then by the transitions that an event takes there: a few hundred at most. */
const moves = new Map<string, (Move & { transitions: readonly unknown[] })[]>();

/** By the two regions' states: what XState keeps of a state besides its facts. */
const places = new Map<string, InstanceState>();

/** The state of an instance that stands at `value`. All that stand there share everything but their facts. */
export function stateAt(value: InstanceState["value"], context: Facts): InstanceState {
  const place = placeOf(value);
  let known = places.get(place);
  if (!known) {
    known = lifecycle.resolveState({ value, context: noFacts("") });
    Object.freeze(known.value);
    places.set(place, known);
  }
  return { ...known, context };
}

/**
 * The move that `event` makes in `state`. The guards are asked each time, and they alone look at the facts: the
 * machine has no `assign`, no `always`, no entry and no exit action, so what the transitions come to is always the
 * same. XState takes about ten times as long to say it again (measured in `bench/`).
 */
export function moveOf(state: InstanceState, event: RecordedEvent): Move {
  const transitions = lifecycle.getTransitionData(state, event);
  const place = placeOf(state.value);
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
  const [{ value }, actions] = transition(lifecycle, state, event);
  return { value, actions: actions.map((action) => action.type as CommandAction) };
}

function placeOf({ run, pending }: InstanceState["value"]): string {
  return `${run} ${pending}`;
}
