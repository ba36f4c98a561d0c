/** Tables as text: columns as wide as what is in them, by what a terminal gives each character. Pure. */
import { columnsOf, fit, printable } from "../../tui/terminal_text.ts";
import { type Colour, type Paint, plain } from "./paint.ts";

/** One column of a table. */
export interface Column<Row> {
  title: string;
  /** Its text in a row; it is made printable here. */
  text(row: Row): string;
  colour?(row: Row): Colour | null;
  /** Numbers stand at the right. */
  isNumber?: boolean;
  /** Cut first where the terminal is too narrow. */
  canShrink?: boolean;
}

const GAP = "  ";
const SHRUNK_MIN = 8;

/**
 * The table with its line of titles; each line ends with a line end.
 * @param width what the terminal has; Infinity: nothing is cut
 */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { paint = plain, width = Infinity }: { paint?: Paint; width?: number } = {},
): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.text(row)) || "-"));
  const widths = shrunk(columns, naturalWidths(columns, cells), width);
  const line = (texts: readonly string[], colourAt: (at: number) => Colour | null) =>
    texts.map((text, at) => {
      const isLast = at === columns.length - 1;
      const placed = place(text, widths[at]!, columns[at]!.isNumber === true, isLast);
      return paint(placed, colourAt(at));
    }).join(GAP);
  return [
    line(columns.map(({ title }) => title), () => "bold"),
    ...cells.map((texts, n) => line(texts, (at) => columns[at]!.colour?.(rows[n]!) ?? null)),
  ].map((text) => `${text}\n`).join("");
}

function naturalWidths<Row>(
  columns: readonly Column<Row>[],
  cells: readonly string[][],
): number[] {
  return columns.map(({ title }, at) =>
    cells.reduce((most, texts) => Math.max(most, columnsOf(texts[at]!)), columnsOf(title))
  );
}

/** Columns that can shrink give up what there is no room for, the first of them first. */
function shrunk<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  width: number,
): number[] {
  let excess = widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length) - width;
  return widths.map((natural, at) => {
    if (excess <= 0 || columns[at]!.canShrink !== true) return natural;
    const given = Math.min(excess, Math.max(0, natural - SHRUNK_MIN));
    excess -= given;
    return natural - given;
  });
}

/** The last column is not filled up: nobody wants spaces at the ends of lines. */
function place(text: string, width: number, isNumber: boolean, isLast: boolean): string {
  const missing = width - columnsOf(text);
  if (missing > 0 && isNumber) return " ".repeat(missing) + text;
  return isLast ? fit(text, width).trimEnd() : fit(text, width);
}
