/** The workers as lines: the table, and below it what the chosen one runs. Pure; drawn by `screens/workers_screen.tsx`. */
import { columnsOf, fit, fitMiddle } from "../terminal_text.ts";
import { durationText, GLYPHS, healthOf, revisionText, statusTone } from "./instance_text.ts";
import { layoutOf } from "./layout.ts";
import { type Line, lineOf, span, type Tone } from "./line.ts";
import { type Model, silence } from "./model.ts";
import {
  instancesByName,
  runningOf,
  type WorkerRow,
  workerRows,
  workerState,
} from "./worker_row.ts";
import { chosenWorker, loadHeight, workersScreen } from "./workers_screen.ts";

interface Column {
  title: string;
  width: number;
  isNumber?: boolean;
  /** Names: the middle is cut. */
  isName?: boolean;
  /** Left out where there is no room; the highest goes first. */
  rank: number;
  cell(row: WorkerRow, now: number): { text: string; tone?: Tone };
}

const COLUMNS: readonly Column[] = [
  { title: "WORKER", width: 16, isName: true, rank: 0, cell: ({ name }) => ({ text: name }) },
  { title: "STATE", width: 10, rank: 0, cell: workerState },
  { title: "RUNTIME", width: 10, rank: 4, cell: ({ platform }) => ({ text: platform }) },
  { title: "SITE", width: 9, isName: true, rank: 3, cell: ({ site }) => ({ text: site }) },
  {
    title: "LOAD",
    width: 7,
    isNumber: true,
    rank: 1,
    cell: ({ busy, slots }) => ({
      text: `${busy}/${slots}`,
      tone: busy >= slots ? "busy" : "plain",
    }),
  },
  {
    title: "RUN",
    width: 4,
    isNumber: true,
    rank: 0,
    cell: (row) => ({ text: String(runningOf(row)) }),
  },
  {
    title: "HEARD",
    width: 5,
    isNumber: true,
    rank: 0,
    cell: ({ heardAt, isSilent, isLost }, now) => ({
      text: durationText(now - heardAt),
      tone: isSilent || isLost ? "bad" : "quiet",
    }),
  },
  { title: "LABELS", width: 6, rank: 5, cell: ({ labels }) => ({ text: labels, tone: "quiet" }) },
];

/** Before the id: where one is. */
const MARGIN = 2;
const NAME_MAX = 40;

export interface WorkersTable {
  head: Line;
  rows: readonly { line: Line; isChosen: boolean }[];
  /** As many lines as are left out below the rows, so that what follows stays in its place. */
  gap: number;
  /** What the chosen one runs; or why the table is empty. */
  below: readonly Line[];
}

/** The table at the model's time and size. */
export function workersTable(model: Model): WorkersTable {
  const all = workerRows(model);
  const { width } = layoutOf(model.terminal);
  const columns = columnsIn(width);
  const { cursor } = model.screens.workers;
  const height = workersScreen.list!.height(model);
  const rows = all.slice(cursor.top, cursor.top + height).map((row) => {
    const isChosen = row.id === cursor.id;
    const cells = columns.map((column) => {
      const { text, tone } = column.cell(row, model.now);
      return span(placed(column, text), tone ?? "plain");
    });
    return { isChosen, line: [span(isChosen ? "> " : "  ", "accent"), ...spaced(cells)] };
  });
  const head = columns.map((column) => span(placed(column, column.title), "strong"));
  const isEmpty = rows.length === 0;
  return {
    head: [span(" ".repeat(MARGIN)), ...spaced(head)],
    rows,
    gap: isEmpty ? 0 : height - rows.length,
    below: isEmpty ? emptyLines(model) : loadLines(model, chosenWorker(all, model), width),
  };
}

function columnsIn(width: number): Column[] {
  let columns = [...COLUMNS];
  const length = () => columns.reduce((sum, column) => sum + column.width + 1, MARGIN - 1);
  while (length() > width) {
    const worst = columns.reduce((worst, one) => one.rank > worst.rank ? one : worst);
    if (worst.rank === 0) break;
    columns = columns.filter((one) => one !== worst);
  }
  const spare = Math.max(0, width - length());
  const forName = Math.min(Math.ceil(spare / 2), NAME_MAX - 16);
  return columns.map((column) => {
    if (column.title === "WORKER") return { ...column, width: column.width + forName };
    return column.title === "LABELS"
      ? { ...column, width: column.width + spare - forName }
      : column;
  });
}

function placed({ width, isNumber, isName }: Column, text: string): string {
  const missing = width - columnsOf(text);
  if (missing >= 0) return isNumber ? " ".repeat(missing) + text : text + " ".repeat(missing);
  return isName ? fitMiddle(text, width) : fit(text, width);
}

function spaced(cells: Line): Line {
  return cells.flatMap((cell, at) => at === 0 ? [cell] : [span(" "), cell]);
}

/** In exactly the lines that there are for it. */
function loadLines(model: Model, row: WorkerRow | undefined, width: number): Line[] {
  const height = loadHeight(model);
  if (row === undefined || height === 0) return [];
  const { name } = row;
  const instances = instancesByName(row);
  const room = height - 1;
  const isAll = instances.length <= room;
  const shown = instances.slice(0, isAll ? room : room - 1);
  const title = instances.length === 0
    ? `${name} has no instance in hand`
    : `${name} has ${instances.length === 1 ? "1 instance" : `${instances.length} instances`}`;
  const label = fit(title, Math.min(columnsOf(title), width - 4));
  const isSilent = silence(model);
  return [
    lineOf(`── ${label} ${"─".repeat(Math.max(0, width - columnsOf(label) - 4))}`, "quiet"),
    ...shown.map((instance): Line => {
      const { status } = instance;
      const health = healthOf(instance, isSilent);
      return [
        span(`  ${fit(`${GLYPHS[status]} ${status}`, 12)} `, statusTone(status)),
        span(fitMiddle(instance.name, Math.max(10, width - 37))),
        span(` ${fit(health.word, 9)}`, health.tone),
        span(` ${fit(revisionText(instance), 5)}`),
        span(` ${durationText(model.now - instance.since).padStart(4)}`, "quiet"),
      ];
    }),
    ...(isAll ? [] : [[
      span(`  … ${instances.length - shown.length} more; `, "quiet"),
      span("Enter", "accent"),
      span(" shows them all", "quiet"),
    ]]),
  ];
}

/** An empty table says why it is empty, and what to do. */
function emptyLines({ connection }: Model): Line[] {
  if (connection.kind === "connecting") {
    return [lineOf(""), lineOf("  Reading the workers …", "busy")];
  }
  return [
    lineOf(""),
    lineOf("  No worker has registered yet.", "strong"),
    [span("  Start one: "), span("deno task worker:process", "accent")],
  ];
}
