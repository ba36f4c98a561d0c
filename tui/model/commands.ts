/** What each command of the keymap does, and whether it is of any use now. Pure. */
import { type CommandId, COMMANDS, type Context } from "../keymap.ts";
import type { RequestType } from "../../machines/requests.ts";
import type { Model } from "./model.ts";
import { canHaveDemo, createDemo } from "./demo_fleet.ts";
import { moved } from "./list_cursor.ts";
import { back, freeze, switchTo, turnBack } from "./navigation.ts";
import { present, type ScreenId } from "./places.ts";
import { request } from "./requests.ts";
import { presentScreen } from "./screen_table.ts";
import { goTo, type Step, step, tell } from "./step.ts";
import { subjectOf, taking, targetsOf } from "./targets.ts";
import { inputOf } from "./text_input.ts";

type Run = (model: Model) => Step;

/** What a command does wherever it counts; a screen's own come before. */
const RUNS: Partial<Record<CommandId, Run>> = {
  start: (model) => request(model, "start"),
  stop: (model) => request(model, "stop"),
  restart: (model) => request(model, "restart"),
  delete: (model) => request(model, "delete"),
  openInstance: (model) => openFor(model, "instance", 1),
  openLogs: (model) => openFor(model, "logs", Infinity),
  openTimeline: (model) => openFor(model, "timeline", 1),
  copyId,
  demo: createDemo,
  up: (model) => move(model, -1),
  down: (model) => move(model, 1),
  halfUp: (model) => move(model, -Math.ceil(listHeight(model) / 2)),
  halfDown: (model) => move(model, Math.ceil(listHeight(model) / 2)),
  pageUp: (model) => move(model, -listHeight(model)),
  pageDown: (model) => move(model, listHeight(model)),
  first: (model) => move(model, -Infinity),
  last: (model) => move(model, Infinity),
  screen1: (model) => switchTo(model, "fleet"),
  screen2: (model) => switchTo(model, "workers"),
  screen3: (model) => switchTo(model, "events"),
  screen4: (model) => switchTo(model, "metrics"),
  screen5: (model) => switchTo(model, "plan"),
  screen6: (model) => switchTo(model, "logs"),
  back,
  lastScreen: turnBack,
  freeze,
  equivalents: (model) => step({ ...model, overlay: { kind: "equivalents", top: 0 } }),
  palette: (model) =>
    step({ ...model, overlay: { kind: "palette", input: inputOf(""), chosen: 0 } }),
  help: (model) => step({ ...model, overlay: { kind: "help", top: 0 } }),
  mouse: toggleMouse,
  redraw: (model) => step(model, { kind: "redraw" }),
  suspend: (model) => step(model, { kind: "suspend" }),
  quit,
  leave: (model) => step(model, { kind: "quit" }),
};

/** Does a command; one that nothing is behind changes nothing. */
export function run(model: Model, command: CommandId): Step {
  return presentScreen(model).run?.(model, command) ?? RUNS[command]?.(model) ?? step(model);
}

/** In which contexts keys count on the present screen, its own first. */
export function contextsOf(model: Model): readonly Context[] {
  return [...presentScreen(model).contexts, "all"];
}

/** The commands of the palette that are of use now. */
export function legalCommands(model: Model): (typeof COMMANDS)[number][] {
  const contexts = contextsOf(model);
  return COMMANDS.filter((one) =>
    one.word !== undefined && contexts.includes(one.context) && isLegal(model, one.id)
  );
}

/** Whether a command of this screen would do something. */
export function isLegal(model: Model, command: CommandId): boolean {
  if (command === "demo") return canHaveDemo(model);
  const verb = VERBS[command];
  if (verb !== undefined) return taking(targetsOf(model), verb).length > 0;
  const needsTarget = COMMANDS.find(({ id }) => id === command)?.context === "instance";
  return !needsTarget || targetsOf(model).length > 0;
}

const VERBS: Partial<Record<CommandId, RequestType>> = {
  start: "start",
  stop: "stop",
  restart: "restart",
  delete: "delete",
};

function move(model: Model, by: number): Step {
  const { list } = presentScreen(model);
  if (list === undefined) return step(model);
  const cursor = moved(list.cursor(model), list.ids(model), list.height(model), by);
  return step(list.withCursor(model, cursor));
}

function listHeight(model: Model): number {
  return presentScreen(model).list?.height(model) ?? 1;
}

/** At most `most` of the instances in hand. */
function openFor(model: Model, screen: ScreenId, most: number): Step {
  const targets = targetsOf(model).slice(0, most);
  if (targets.length === 0) return step(tell(model, "There is no instance here.", "bad"));
  return goTo(model, screen, targets.map(({ id }) => id));
}

function copyId(model: Model): Step {
  const targets = targetsOf(model);
  if (targets.length === 0) return step(tell(model, "There is no instance here.", "bad"));
  const text = targets.map(({ id }) => id).join("\n");
  const what = targets.length === 1 ? `the id of ${subjectOf(targets)}` : `${targets.length} ids`;
  return step(tell(model, `Copied ${what}.`, "good"), { kind: "copy", text });
}

/** One leaves from the fleet: a `q` too many elsewhere does not end the work. */
function quit(model: Model): Step {
  return present(model.places).screen === "fleet"
    ? step(model, { kind: "quit" })
    : step(tell(model, "Esc goes back; q leaves from the fleet, Ctrl-C from anywhere."));
}

function toggleMouse(model: Model): Step {
  const isOn = !model.hasMouse;
  const text = isOn
    ? "The mouse scrolls and chooses; Ctrl-t lets the terminal select text again."
    : "The terminal selects text again.";
  return step(tell({ ...model, hasMouse: isOn }, text), { kind: "mouse", isOn });
}
