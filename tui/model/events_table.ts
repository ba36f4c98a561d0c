/** The fleet's log as lines: only those that are in sight. Pure; drawn by `screens/events_screen.tsx`. */
import { fit, fitMiddle } from "../terminal_text.ts";
import { eventsScreen, filteredEntries } from "./events_screen.ts";
import type { LogEntry } from "./events_state.ts";
import { layoutOf } from "./layout.ts";
import { type Line, lineOf, span } from "./line.ts";
import { type Model, shownEvents, shownFleet } from "./model.ts";

export interface EventsTable {
  head: Line;
  rows: readonly { line: Line; isChosen: boolean }[];
  /** Instead of rows: why there are none. */
  empty: readonly Line[];
}

interface Widths {
  name: number;
  type: number;
  /** 0: who asked is told by the sentence alone. */
  by: number;
  words: number;
}

const TIME = 8;
const MARGIN = 2;
/** With so many columns who asked has one of its own. */
const WIDTH_WITH_BY = 110;

/** The table at the model's time and size. */
export function eventsTable(model: Model): EventsTable {
  const { width } = layoutOf(model.terminal);
  const widths = widthsIn(width);
  const { id: chosen, top } = eventsScreen.list!.cursor(model);
  const height = eventsScreen.list!.height(model);
  const entries = filteredEntries(model).slice(top, top + height);
  const rows = entries.map((entry) => {
    const isChosen = entry.id === chosen;
    const margin = span(isChosen ? "> " : "  ", "accent");
    const line = entry.kind === "gap"
      ? gapCells(entry, width - MARGIN)
      : cells(model, entry, widths);
    return { isChosen, line: [margin, ...line] };
  });
  const head = [
    "UTC".padEnd(TIME),
    fit("INSTANCE", widths.name),
    fit("EVENT", widths.type),
    ...(widths.by > 0 ? [fit("BY", widths.by)] : []),
    fit("WHAT", widths.words),
  ];
  return {
    head: lineOf(`${" ".repeat(MARGIN)}${head.join(" ")}`, "strong"),
    rows,
    empty: rows.length > 0 ? [] : emptyLines(model),
  };
}

function widthsIn(width: number): Widths {
  const by = width < WIDTH_WITH_BY ? 0 : 14;
  const name = Math.max(8, Math.min(30, Math.floor(width / 5)));
  const type = Math.max(8, Math.min(22, Math.floor(width / 5)));
  const used = MARGIN + TIME + 1 + name + 1 + type + 1 + (by > 0 ? by + 1 : 0);
  return { name, type, by, words: Math.max(1, width - used) };
}

/** Called as it is called now, where it is still there. */
function cells(
  model: Model,
  entry: Extract<LogEntry, { kind: "event" }>,
  { name, type, by, words }: Widths,
): Line {
  const known = shownFleet(model).instances.get(entry.instanceId)?.name ?? entry.name;
  return [
    span(`${timeText(entry.at)} `, "quiet"),
    span(`${fitMiddle(known, name)} `),
    span(`${fit(entry.type, type)} `, entry.tone),
    ...(by > 0 ? [span(`${fit(entry.by, by)} `, "quiet")] : []),
    span(fit(entry.words, words)),
  ];
}

function gapCells({ at, words }: LogEntry, width: number): Line {
  const text = `── events are missing here: ${words} `;
  return [
    span(`${timeText(at)} `, "quiet"),
    span(fit(text + "─".repeat(Math.max(0, width)), Math.max(1, width - TIME - 1)), "bad"),
  ];
}

/** `12:00:01`, in universal time, as the log has it. */
function timeText(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString().slice(11, 19) : " ".repeat(TIME);
}

function emptyLines(model: Model): Line[] {
  const all = shownEvents(model).length;
  if (all > 0) {
    return [
      lineOf(""),
      lineOf(`  None of the ${all} events matches /${model.screens.events.filter}`),
      [span("  Press "), span("Esc", "accent"), span(" to see them all.")],
    ];
  }
  return [
    lineOf(""),
    lineOf("  Nothing has happened since this began to listen.", "strong"),
    [span("  What was before: "), span("e", "accent"), span(" on an instance.")],
  ];
}
