/** The screen of events: the fleet's log as it goes on, newest at the bottom. Pure. */
import type { CommandId } from "../keymap.ts";
import { eventsFilter } from "./events_filter.ts";
import type { EventsScreenState, LogEntry } from "./events_state.ts";
import { layoutOf } from "./layout.ts";
import { type Line, span } from "./line.ts";
import { moved } from "./list_cursor.ts";
import { type Model, shownEvents } from "./model.ts";
import type { ScreenFilter, ScreenList, ScreenLogic } from "./screen_logic.ts";
import { type Step, step } from "./step.ts";
import { inputOf } from "./text_input.ts";

/** The heads of the columns. */
const LINES_AROUND = 1;

const idsOf = (model: Model) => filteredEntries(model).map(({ id }) => id);
const heightOf = ({ terminal }: Model) => Math.max(1, layoutOf(terminal).body - LINES_AROUND);

const list: ScreenList = {
  ids: idsOf,
  linesAbove: LINES_AROUND,
  height: heightOf,
  cursor: (model) => {
    const { cursor, isFollowing } = model.screens.events;
    return isFollowing ? moved(cursor, idsOf(model), heightOf(model), Infinity) : cursor;
  },
  /** Who goes to the last one follows from there on. */
  withCursor: (model, cursor) =>
    withScreen(model, { cursor, isFollowing: cursor.id === (idsOf(model).at(-1) ?? null) }),
};

const filter: ScreenFilter = {
  text: ({ screens }) => screens.events.filter,
  by: (model, text) => withScreen(model, { filter: text }),
  count: (model) => ({ shown: filteredEntries(model).length, of: shownEvents(model).length }),
};

export const eventsScreen: ScreenLogic = {
  title: "Events",
  contexts: ["events", "instance", "list"],
  list,
  filter,
  targets: (model) => {
    const entry = chosenEntry(model);
    return entry?.kind === "event" ? [entry.instanceId] : [];
  },
  crumb,
  note,
  detail,
  escape,
  run,
};

/** What the filter lets through, oldest first. */
export function filteredEntries(model: Model): readonly LogEntry[] {
  const { filter } = model.screens.events;
  const entries = shownEvents(model);
  return filter === "" ? entries : entries.filter(eventsFilter(filter));
}

function chosenEntry(model: Model): LogEntry | undefined {
  const { id } = list.cursor(model);
  return shownEvents(model).find((one) => one.id === id);
}

function run(model: Model, command: CommandId): Step | null {
  if (command !== "filterEvents") return null;
  const before = model.screens.events.filter;
  return step({ ...model, overlay: { kind: "filter", input: inputOf(before), before } });
}

function escape(model: Model): Model | null {
  return model.screens.events.filter === "" ? null : withScreen(model, { filter: "" });
}

function withScreen(model: Model, changes: Partial<EventsScreenState>): Model {
  const events = { ...model.screens.events, ...changes };
  return { ...model, screens: { ...model.screens, events } };
}

function crumb(model: Model): Line {
  const { filter } = model.screens.events;
  const all = shownEvents(model).length;
  if (filter === "") return [span(` (${all})`, "quiet")];
  return [
    span(` /${filter}`, "accent"),
    span(` (${filteredEntries(model).length} of ${all})`, "quiet"),
  ];
}

function note({ screens: { events: { isFollowing, dropped } } }: Model): Line {
  return [
    span(dropped > 0 ? `${dropped} older ones let go  ` : "", "quiet"),
    isFollowing ? span("following", "good") : span("G follows", "quiet"),
  ];
}

/** The whole sentence of the chosen one. */
function detail(model: Model): Line {
  const entry = chosenEntry(model);
  if (entry === undefined) return [];
  if (entry.kind === "gap") {
    return [span("events are missing here", "bad"), span(` · ${entry.words}`)];
  }
  const { name, type, tone, words } = entry;
  return [span(name, "strong"), span(` · ${type} · `, tone), span(words)];
}
