/** The screen of one instance: where it is in its life, and all that is known of it. Pure. */
import type { CommandId } from "../keymap.ts";
import { printable } from "../terminal_text.ts";
import type { Action } from "./action.ts";
import type { Effect } from "./effect.ts";
import { hasDrift } from "./instance.ts";
import { instanceLines, openedInstance, topWithin } from "./instance_lines.ts";
import { INSTANCE_SCREEN, type InstanceScreenState } from "./instance_state.ts";
import { conditionText } from "./instance_text.ts";
import { layoutOf } from "./layout.ts";
import { type Line, span } from "./line.ts";
import { type Model, silence } from "./model.ts";
import { present } from "./places.ts";
import type { ScreenLogic } from "./screen_logic.ts";
import { type Step, step } from "./step.ts";

const SLOT = "instance.read";
const DIFFERENCE = "instance.difference";
const WHY = "instance.why";

/** It is read so often, and again after so long without an answer. */
const EVERY_MS = 2_000;
const PATIENCE_MS = 20_000;

export const instanceScreen: ScreenLogic = {
  title: "Instance",
  contexts: ["details", "list", "instance"],
  targets: ({ places }) => present(places).instanceIds,
  note: ({ screens: { instance: { isWhy } } }) => isWhy ? [span("why", "accent")] : [],
  detail,
  enter: (model) => read(withScreen(model, INSTANCE_SCREEN)),
  on,
  run,
  escape: (model) =>
    model.screens.instance.isWhy ? withScreen(model, { isWhy: false, top: 0 }) : null,
};

function on(model: Model, action: Action): Step {
  const { asked } = model.screens.instance;
  switch (action.type) {
    case "tick": {
      const isDue = model.now - asked.at >= (asked.isOpen ? PATIENCE_MS : EVERY_MS);
      return isDue && model.connection.kind !== "reconnecting" ? read(model) : step(model);
    }
    case "answered":
      return step(withAnswer(model, action));
    case "unanswered": {
      if (action.slot !== SLOT) return step(model);
      const problem = printable(`${action.failure.message} ${action.failure.hint}`);
      return step(withScreen(model, { asked: { ...asked, isOpen: false }, problem }));
    }
    default:
      return step(model);
  }
}

function withAnswer(model: Model, { slot, answer }: Extract<Action, { type: "answered" }>): Model {
  const { asked } = model.screens.instance;
  if (slot === SLOT) {
    return withScreen(model, { asked: { ...asked, isOpen: false }, problem: "" });
  }
  if (slot === DIFFERENCE && answer.kind === "difference") {
    return withScreen(model, { difference: answer.value });
  }
  return slot === WHY && answer.kind === "why"
    ? withScreen(model, { explanation: answer.value })
    : model;
}

/** Asks for the instance, for what a restart would change, and for why it is as it is while that is shown. */
function read(model: Model): Step {
  const [id] = present(model.places).instanceIds;
  if (id === undefined) return step(model);
  const instance = openedInstance(model);
  const effects: Effect[] = [{ kind: "query", slot: SLOT, query: { kind: "instance", id } }];
  if (instance !== undefined && hasDrift(instance)) {
    effects.push({ kind: "query", slot: DIFFERENCE, query: { kind: "difference", id } });
  }
  if (model.screens.instance.isWhy) {
    effects.push({ kind: "query", slot: WHY, query: { kind: "why", id } });
  }
  return step(withScreen(model, { asked: { at: model.now, isOpen: true } }), ...effects);
}

function run(model: Model, command: CommandId): Step | null {
  const page = layoutOf(model.terminal).body;
  switch (command) {
    case "why": {
      const { isWhy } = model.screens.instance;
      return read(withScreen(model, { isWhy: !isWhy, top: 0 }));
    }
    case "up":
    case "down":
      return step(scrolled(model, command === "up" ? -1 : 1));
    case "halfUp":
    case "halfDown":
      return step(scrolled(model, Math.ceil(page / 2) * (command === "halfUp" ? -1 : 1)));
    case "pageUp":
    case "pageDown":
      return step(scrolled(model, page * (command === "pageUp" ? -1 : 1)));
    case "first":
    case "last":
      return step(scrolled(model, command === "first" ? -Infinity : Infinity));
    default:
      return null;
  }
}

function scrolled(model: Model, by: number): Model {
  const count = instanceLines(model).length;
  const top = Math.max(0, topWithin(model, count) + by);
  return withScreen(model, { top: topWithin(withScreen(model, { top }), count) });
}

/** Why it could not be read; that there is more below; else what there is to say of it. */
function detail(model: Model): Line {
  const { problem } = model.screens.instance;
  if (problem !== "") return [span(problem, "bad")];
  const count = instanceLines(model).length;
  const below = count - topWithin(model, count) - layoutOf(model.terminal).body;
  if (below > 0) return [span(`${below} more lines; ↓ goes on`, "quiet")];
  const instance = openedInstance(model);
  return instance ? [span(conditionText(instance, model.now, silence(model)), "quiet")] : [];
}

function withScreen(model: Model, changes: Partial<InstanceScreenState>): Model {
  const instance = { ...model.screens.instance, ...changes };
  return { ...model, screens: { ...model.screens, instance } };
}
