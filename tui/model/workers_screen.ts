/** The screen of workers: who does the work, what each runs, and who is to do no more of it. Pure. */
import type { CommandId } from "../keymap.ts";
import { printable } from "../terminal_text.ts";
import type { Action } from "./action.ts";
import { fleetFilter } from "./fleet_filter.ts";
import { withFilter } from "./fleet_index.ts";
import { durationText } from "./instance_text.ts";
import { layoutOf } from "./layout.ts";
import { type Line, span } from "./line.ts";
import { type Model, shownWorkers } from "./model.ts";
import type { Confirm, WorkerDeed } from "./overlay.ts";
import type { ScreenList, ScreenLogic } from "./screen_logic.ts";
import { goTo, type Step, step, tell } from "./step.ts";
import { inputOf } from "./text_input.ts";
import {
  instancesByName,
  runningOf,
  workerIds,
  type WorkerRow,
  workerRows,
  workerState,
} from "./worker_row.ts";

/** The heads of the columns. */
const LINES_AROUND = 1;
/** With less room there is the table alone. */
const BODY_WITH_LOAD = 10;

const list: ScreenList = {
  ids: workerIds,
  linesAbove: LINES_AROUND,
  height: (model) => Math.max(1, layoutOf(model.terminal).body - LINES_AROUND - loadHeight(model)),
  cursor: ({ screens }) => screens.workers.cursor,
  withCursor: (model, cursor) => ({
    ...model,
    screens: { ...model.screens, workers: { ...model.screens.workers, cursor } },
  }),
};

export const workersScreen: ScreenLogic = {
  title: "Workers",
  contexts: ["workers", "list"],
  list,
  crumb,
  detail,
  on,
  run,
};

/** Lines at the bottom of the body that name what the chosen worker runs; 0 where there is no room. */
export function loadHeight({ terminal }: Model): number {
  const { body } = layoutOf(terminal);
  return body < BODY_WITH_LOAD ? 0 : Math.floor(body / 3);
}

/** The chosen one; undefined where there are none. */
export function chosenWorker(rows: readonly WorkerRow[], model: Model): WorkerRow | undefined {
  return rows.find(({ id }) => id === model.screens.workers.cursor.id);
}

function run(model: Model, command: CommandId): Step | null {
  switch (command) {
    case "openLoad":
      return withChosen(model, ({ name }) => {
        const fleet = withFilter(model.fleet, fleetFilter(`worker:${name}$`));
        return goTo({ ...model, fleet, frozen: null }, "fleet");
      });
    case "drain":
    case "resume":
    case "forget":
      return withChosen(model, (row) => asked(model, row, command));
    default:
      return null;
  }
}

function withChosen(model: Model, then: (row: WorkerRow) => Step): Step {
  const row = chosenWorker(workerRows(model), model);
  return row ? then(row) : step(tell(model, "There is no worker here.", "bad"));
}

/** The question; or why there is nothing to ask for. */
function asked(model: Model, row: WorkerRow, verb: WorkerDeed["verb"]): Step {
  if (verb === "drain" && row.isDraining) {
    return step(tell(model, `${row.name} is drained already; u lets it take starts again.`));
  }
  if (verb === "resume" && !row.isDraining) {
    return step(tell(model, `${row.name} takes starts: it is not drained.`));
  }
  const word = `${verb[0]!.toUpperCase()}${verb.slice(1)}`;
  const confirm: Confirm = {
    kind: "confirm",
    title: `${word} worker ${row.name}?`,
    effect: effectText(row, verb),
    names: instancesByName(row).map(({ name }) => name),
    mustType: verb === "forget" ? { text: row.name, what: "its id" } : null,
    typed: inputOf(""),
    isOnIt: false,
    button: word,
    deed: { workerId: row.id, verb },
  };
  return step({ ...model, overlay: confirm });
}

function effectText(row: WorkerRow, verb: WorkerDeed["verb"]): string {
  const count = row.instances.length;
  const them = count === 1 ? "1 instance" : `${count} instances`;
  switch (verb) {
    case "drain":
      return `It takes no new starts. What it has, ${them}, goes on.`;
    case "resume":
      return "It takes starts again.";
    case "forget":
      return `For a host that does not come back: its commands end, and ${them} may start ` +
        "elsewhere. One that is still heard is refused; one that comes back joins anew.";
  }
}

/** What came of it is told, and seen at once. */
function on(model: Model, action: Action): Step {
  if (action.type !== "done" || action.failure !== null) return step(model);
  const [, verb, workerId] = /^workers\.(\w+)\.(.*)$/s.exec(action.slot) ?? [];
  const text = DONE[verb ?? ""];
  if (text === undefined || workerId === undefined) return step(model);
  return step(
    tell(model, `${printable(workerId)} ${text}.`, "good"),
    { kind: "query", slot: "workers.list", query: { kind: "workers" } },
  );
}

const DONE: Readonly<Record<string, string>> = {
  drain: "takes no new starts; what it has goes on",
  resume: "takes starts again",
  forget: "is forgotten",
};

function crumb(model: Model): Line {
  const workers = shownWorkers(model);
  const live = workers.filter(({ lost, silent }) => !lost && !silent).length;
  return [span(` (${live} of ${workers.length} heard)`, "quiet")];
}

/** Which one is chosen, and since when it is as it is. */
function detail(model: Model): Line {
  const row = chosenWorker(workerRows(model), model);
  if (row === undefined) return [];
  const { text, tone } = workerState(row);
  const heard = durationText(model.now - row.heardAt);
  const parts = [
    `heard ${heard} ago`,
    `${runningOf(row)} running`,
    row.isDraining ? "takes no new starts" : "",
    `release ${row.version}`,
    `registered ${durationText(model.now - row.registeredAt)} ago`,
    row.labels,
  ];
  return [
    span(row.name, "strong"),
    span(` ${text}`, tone),
    span(` · ${parts.filter((part) => part !== "").join(" · ")}`, "quiet"),
  ];
}
