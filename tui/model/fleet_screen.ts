/** The fleet's screen: filter, order and marks over the table of instances. Pure; drawn by `screens/fleet_screen.tsx`. */
import type { CommandId } from "../keymap.ts";
import { columnsFor } from "./fleet_columns.ts";
import { fleetFilter } from "./fleet_filter.ts";
import { withFilter, withSort } from "./fleet_index.ts";
import type { FleetScreenState } from "./fleet_state.ts";
import { conditionText, statusTone } from "./instance_text.ts";
import { layoutOf } from "./layout.ts";
import { type Line, span } from "./line.ts";
import { moved } from "./list_cursor.ts";
import { type Model, shownFleet, silence } from "./model.ts";
import type { ScreenList, ScreenLogic } from "./screen_logic.ts";
import { type Step, step, tell } from "./step.ts";
import { inputOf } from "./text_input.ts";

/** The heads of the columns. */
const LINES_AROUND = 1;

const list: ScreenList = {
  ids: (model) => shownFleet(model).ids,
  linesAbove: LINES_AROUND,
  height: ({ terminal }) => Math.max(1, layoutOf(terminal).body - LINES_AROUND),
  cursor: ({ screens }) => screens.fleet.cursor,
  withCursor: (model, cursor) => withScreen(model, { cursor }),
};

export const fleetScreen: ScreenLogic = {
  title: "Fleet",
  contexts: ["fleet", "instance", "marks", "list"],
  list,
  filter: {
    text: ({ fleet }) => fleet.filter.text,
    by: filteredBy,
    count: (model) => {
      const { ids, instances } = shownFleet(model);
      return { shown: ids.length, of: instances.size };
    },
  },
  targets: ({ screens: { fleet: { marks, cursor } } }) =>
    marks.size > 0 ? [...marks] : cursor.id === null ? [] : [cursor.id],
  crumb,
  note,
  detail,
  escape,
  run,
};

function run(model: Model, command: CommandId): Step | null {
  switch (command) {
    case "filter": {
      const before = model.fleet.filter.text;
      return step({ ...model, overlay: { kind: "filter", input: inputOf(before), before } });
    }
    case "sortLeft":
      return step(sortedBy(model, -1));
    case "sortRight":
      return step(sortedBy(model, 1));
    case "sortReverse": {
      const { sort } = model.fleet;
      const fleet = withSort(model.fleet, { ...sort, isReversed: !sort.isReversed });
      return step({ ...model, fleet });
    }
    case "mark":
      return step(marked(model));
    case "markRange":
      return step(rangeMarked(model));
    case "markAll":
      return step(withScreen(model, { marks: new Set(shownFleet(model).ids), rangeFrom: null }));
    case "unmarkAll":
      return step(withScreen(model, { marks: new Set(), rangeFrom: null }));
    default:
      return null;
  }
}

/** The fleet with another filter; every key of it counts at once. */
function filteredBy(model: Model, text: string): Model {
  return { ...model, fleet: withFilter(model.fleet, fleetFilter(text)) };
}

/** Marks of what is gone are forgotten. */
export function withoutGone(model: Model): Model {
  const { marks } = model.screens.fleet;
  const left = [...marks].filter((id) => model.fleet.instances.get(id) !== undefined);
  return left.length === marks.size ? model : withScreen(model, { marks: new Set(left) });
}

function withScreen(model: Model, changes: Partial<FleetScreenState>): Model {
  const fleet = { ...model.screens.fleet, ...changes };
  return { ...model, screens: { ...model.screens, fleet } };
}

/** By the next column of those that are shown. */
function sortedBy(model: Model, by: 1 | -1): Model {
  const { sort } = model.fleet;
  const keys = columnsFor(layoutOf(model.terminal).width).map(({ key }) => key);
  const at = Math.max(0, keys.indexOf(sort.by));
  const next = keys[(at + by + keys.length) % keys.length]!;
  return { ...model, fleet: withSort(model.fleet, { by: next, isReversed: false }) };
}

/** The chosen one, or not any more; and on to the next. */
function marked(model: Model): Model {
  const { cursor, marks } = model.screens.fleet;
  if (cursor.id === null) return model;
  const next = new Set(marks);
  if (!next.delete(cursor.id)) next.add(cursor.id);
  const { ids } = shownFleet(model);
  return withScreen(model, { marks: next, cursor: moved(cursor, ids, list.height(model), 1) });
}

/** The first time it says from where, the second time it marks all up to here. */
function rangeMarked(model: Model): Model {
  const { cursor, marks, rangeFrom } = model.screens.fleet;
  const { ids } = shownFleet(model);
  const from = rangeFrom === null ? -1 : ids.indexOf(rangeFrom);
  if (from < 0) {
    return tell(withScreen(model, { rangeFrom: cursor.id }), "Go to the end of the range, and v.");
  }
  const [first, last] = [Math.min(from, cursor.index), Math.max(from, cursor.index)];
  const next = new Set([...marks, ...ids.slice(first, last + 1)]);
  return withScreen(model, { marks: next, rangeFrom: null });
}

/** First the range, then the marks, then the filter. */
function escape(model: Model): Model | null {
  const { rangeFrom, marks } = model.screens.fleet;
  if (rangeFrom !== null) return withScreen(model, { rangeFrom: null });
  if (model.fleet.filter.text !== "") return filteredBy(model, "");
  return marks.size > 0 ? withScreen(model, { marks: new Set() }) : null;
}

function crumb(model: Model): Line {
  const { filter, ids, instances } = shownFleet(model);
  if (filter.text === "") return [];
  return [
    span(` /${filter.text}`, "accent"),
    span(` (${ids.length} of ${instances.size})`, "quiet"),
  ];
}

function note(model: Model): Line {
  const { marks, rangeFrom } = model.screens.fleet;
  const { sort } = shownFleet(model);
  const marksText = marks.size > 0 ? `${marks.size} marked  ` : "";
  return [
    span(rangeFrom === null ? marksText : "marking…  ", "accent"),
    span(`sort: ${sort.by} ${sort.isReversed ? "▴" : "▾"}`, "quiet"),
  ];
}

/** Which one is chosen, and what else there is to say of it. */
function detail(model: Model): Line {
  const { cursor } = model.screens.fleet;
  const instance = cursor.id === null ? undefined : shownFleet(model).instances.get(cursor.id);
  if (instance === undefined) return [];
  const { id, name, status } = instance;
  const condition = conditionText(instance, model.now, silence(model));
  return [
    span(name, "strong"),
    condition === ""
      ? span(` · ${id}`, "quiet")
      : span(` · ${condition}`, status === "Failed" ? "bad" : statusTone(status)),
  ];
}
