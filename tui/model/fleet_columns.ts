/** The columns of the fleet's table: what they say, how wide they are, and which give way first. Pure. */
import { columnsOf, fit, fitMiddle } from "../terminal_text.ts";
import type { SortKey } from "./fleet_order.ts";
import { hasDrift, type Instance } from "./instance.ts";
import * as text from "./instance_text.ts";
import { type Span, span, type Tone } from "./line.ts";

/** What a cell is made of besides its instance. */
export interface CellContext {
  /** Epoch milliseconds. */
  now: number;
  isSilent: text.IsSilent;
}

export interface FleetColumn {
  key: SortKey;
  title: string;
  /** Without the gap before it. The name has what the others leave. */
  width: number;
  /** Numbers stand at the right. */
  isNumber?: boolean;
  /** Names: the middle is cut. */
  isName?: boolean;
  cell(instance: Instance, at: CellContext): { text: string; tone?: Tone };
}

/** A name is recognized by so many characters. */
const NAME_MIN = 16;
const NAME_MAX = 60;
const WORKER_MAX = 24;

const COLUMNS: readonly FleetColumn[] = [
  {
    key: "name",
    title: "NAME",
    width: NAME_MIN,
    isName: true,
    cell: ({ name }) => ({ text: name }),
  },
  {
    key: "state",
    title: "STATE",
    width: 12,
    cell: ({ status }) => ({
      text: `${text.GLYPHS[status]} ${status}`,
      tone: text.statusTone(status),
    }),
  },
  {
    key: "health",
    title: "HEALTH",
    width: 9,
    cell: (instance, { isSilent }) => {
      const { word, tone } = text.healthOf(instance, isSilent);
      return { text: word, tone };
    },
  },
  {
    key: "platform",
    title: "RUNTIME",
    width: 7,
    cell: (instance) => ({ text: text.platformText(instance) }),
  },
  {
    key: "worker",
    title: "WORKER",
    width: 8,
    isName: true,
    cell: ({ worker }) => ({ text: worker }),
  },
  {
    key: "port",
    title: "PORT",
    width: 5,
    isNumber: true,
    cell: ({ port }) => ({ text: String(port ?? "") }),
  },
  {
    key: "revision",
    title: "VER",
    width: 4,
    cell: (instance) => ({
      text: text.revisionText(instance),
      ...(hasDrift(instance) ? { tone: "busy" } : {}),
    }),
  },
  {
    key: "restarts",
    title: "RST",
    width: 3,
    isNumber: true,
    cell: ({ restarts }) => ({
      text: restarts > 999 ? "∞" : String(restarts),
      tone: restarts > 0 ? "busy" : "quiet",
    }),
  },
  {
    key: "age",
    title: "AGE",
    width: 4,
    isNumber: true,
    cell: ({ since }, { now }) => ({ text: text.durationText(now - since) }),
  },
  {
    key: "cpu",
    title: "CPU",
    width: 5,
    isNumber: true,
    cell: ({ use }) => ({ text: text.cpuText(use) }),
  },
  {
    key: "memory",
    title: "MEM",
    width: 5,
    isNumber: true,
    cell: ({ use }) => ({ text: text.memoryText(use) }),
  },
];

/** What is left out where there is no room, the first of them first. */
const GIVE_WAY: readonly SortKey[] = [
  "port",
  "memory",
  "cpu",
  "age",
  "revision",
  "platform",
  "worker",
];

/** Two before the name: where one is, and what is marked. */
export const MARGIN = 2;
const GAP = 1;

/** The columns that there is room for in a line of `width`, as wide as they are shown. */
export function columnsFor(width: number): FleetColumn[] {
  let columns = [...COLUMNS];
  for (const key of GIVE_WAY) {
    if (lengthOf(columns) <= width) break;
    columns = columns.filter((column) => column.key !== key);
  }
  const spare = width - lengthOf(columns);
  const forWorker = Math.max(0, Math.min(Math.floor(spare / 3), WORKER_MAX - 8));
  const forName = Math.min(spare - forWorker, NAME_MAX - NAME_MIN);
  return columns.map((column) => {
    if (column.key === "name") return { ...column, width: Math.max(1, column.width + forName) };
    return column.key === "worker" ? { ...column, width: column.width + forWorker } : column;
  });
}

/** What a cell says, in exactly the width of its column. */
export function cellSpan(column: FleetColumn, instance: Instance, at: CellContext): Span {
  const { text, tone } = column.cell(instance, at);
  return span(placed(column, text), tone ?? "plain");
}

/** The head of a column; the one that is sorted by says so. */
export function headSpan(
  column: FleetColumn,
  sort: { by: SortKey; isReversed: boolean },
): Span {
  const isSorted = column.key === sort.by;
  const sign = sort.isReversed ? "▴" : "▾";
  const title = isSorted ? `${column.title}${sign}` : column.title;
  return span(placed(column, title), isSorted ? "accent" : "strong");
}

function placed({ width, isNumber, isName }: FleetColumn, text: string): string {
  const missing = width - columnsOf(text);
  if (missing >= 0) return isNumber ? " ".repeat(missing) + text : text + " ".repeat(missing);
  return isName ? fitMiddle(text, width) : fit(text, width);
}

function lengthOf(columns: readonly FleetColumn[]): number {
  return columns.reduce((sum, { width }) => sum + width + GAP, MARGIN - GAP);
}
