/** The fleet's table as lines: only the rows that are in sight. Pure; drawn by `screens/fleet_screen.tsx`. */
import { cellSpan, columnsFor, headSpan, MARGIN } from "./fleet_columns.ts";
import { fleetScreen } from "./fleet_screen.ts";
import { layoutOf } from "./layout.ts";
import { type Line, lineOf, span } from "./line.ts";
import { type Model, shownFleet, silence } from "./model.ts";

export interface TableRow {
  id: string;
  line: Line;
  isChosen: boolean;
}

export interface FleetTable {
  head: Line;
  rows: readonly TableRow[];
  /** Instead of rows: what to press. */
  empty: readonly Line[];
}

/** The table at the model's time and size. */
export function fleetTable(model: Model): FleetTable {
  const fleet = shownFleet(model);
  const { width } = layoutOf(model.terminal);
  const columns = columnsFor(width);
  const context = { now: model.now, isSilent: silence(model) };
  const { cursor, marks, rangeFrom } = model.screens.fleet;
  const height = fleetScreen.list!.height(model);
  const rows = fleet.ids.slice(cursor.top, cursor.top + height).flatMap((id): TableRow[] => {
    const instance = fleet.instances.get(id);
    if (instance === undefined) return [];
    const isChosen = id === cursor.id;
    const margin = `${isChosen ? ">" : " "}${marks.has(id) || id === rangeFrom ? "+" : " "}`;
    const cells = columns.map((column) => cellSpan(column, instance, context));
    return [{ id, isChosen, line: [span(margin, "accent"), ...spaced(cells)] }];
  });
  const head = [
    span(" ".repeat(MARGIN)),
    ...spaced(columns.map((one) => headSpan(one, fleet.sort))),
  ];
  return { head, rows, empty: rows.length > 0 ? [] : emptyLines(model) };
}

function spaced(cells: Line): Line {
  return cells.flatMap((cell, at) => at === 0 ? [cell] : [span(" "), cell]);
}

/** An empty table says why it is empty, and what to press. */
function emptyLines(model: Model): Line[] {
  const { instances, filter } = shownFleet(model);
  const total = instances.size;
  if (model.connection.kind === "connecting") {
    return [lineOf(""), lineOf("  Reading the fleet …", "busy")];
  }
  if (total > 0) {
    return [
      lineOf(""),
      lineOf(`  None of the ${total} instances matches /${filter.text}`),
      [span("  Press "), span("Esc", "accent"), span(" to see them all.")],
    ];
  }
  return [
    lineOf(""),
    lineOf("  There are no instances yet.", "strong"),
    lineOf(""),
    [span("  :demo", "accent"), span("  creates four programs to play with")],
    [span("  .    ", "accent"), span("  tells how to create one")],
    [span("  ?    ", "accent"), span("  names all keys")],
  ];
}
