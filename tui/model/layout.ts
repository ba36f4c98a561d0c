/** How the rows of the terminal are shared out. Pure. */

/** A terminal's size in columns and rows. */
export interface Size {
  columns: number;
  rows: number;
}

/** Below this there is no table, but a sentence. */
export const COLUMNS_MIN = 50;
export const ROWS_MIN = 12;

/** With fewer rows the rule above the last lines is left out. */
const ROWS_WITH_RULE = 20;

export interface Layout {
  /** The last column stays empty: a terminal that wraps there would scroll. */
  width: number;
  /** The last row stays empty, too. */
  height: number;
  /** Too small for anything but a sentence. */
  isTiny: boolean;
  hasRule: boolean;
  /** Rows between the two lines at the top and the lines at the bottom: what a screen may draw. */
  body: number;
}

/** Title and breadcrumbs. */
export const LINES_ABOVE = 2;
/** What is said of the chosen row, and the hints. */
const LINES_BELOW = 2;

export function layoutOf({ columns, rows }: Size): Layout {
  const hasRule = rows >= ROWS_WITH_RULE;
  const height = Math.max(1, rows - 1);
  return {
    width: Math.max(1, columns - 1),
    height,
    isTiny: columns < COLUMNS_MIN || rows < ROWS_MIN,
    hasRule,
    body: Math.max(1, height - LINES_ABOVE - LINES_BELOW - Number(hasRule)),
  };
}
