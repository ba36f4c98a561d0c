/** What a benchmark gives: figures with their goals, from rounds whose spread is told along. */

/** One figure of the table. */
export interface Figure {
  name: string;
  unit: string;
  /** The median of the rounds. */
  value: number;
  min: number;
  max: number;
  /** Null where the design names none. */
  goal: { atMost: number } | { atLeast: number } | null;
  /** What it is made of, in words. */
  note: string;
}

/** What a figure is beside its rounds. */
export type FigureOf = Pick<Figure, "name" | "unit" | "goal" | "note">;

/** A figure over the values of its rounds. */
export function figure(of: FigureOf, rounds: readonly number[]): Figure {
  return { ...of, value: median(rounds), min: Math.min(...rounds), max: Math.max(...rounds) };
}

/** The median; the lower one of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("a median needs at least one value");
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1]!;
}

/** The value below which `part` of them lie: 0.99 for the p99. */
export function percentile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new Error("a percentile needs at least one value");
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)]!;
}

/** Whether a figure is as good as its goal; null where there is none. */
export function isReached({ goal, value }: Figure): boolean | null {
  if (goal === null) return null;
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}

/** The figures as lines for a terminal. */
export function tableOf(figures: readonly Figure[]): string {
  const header = ["figure", "goal", "median", "min … max", "", "what"];
  const rows = figures.map((one) => [
    one.name,
    goalText(one),
    `${shown(one.value)} ${one.unit}`.trim(),
    `${shown(one.min)} … ${shown(one.max)}`,
    { true: "reached", false: "missed", null: "" }[`${isReached(one)}`],
    one.note,
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]!.length))
  );
  return [header, ...rows]
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd())
    .join("\n");
}

function goalText({ goal, unit }: Figure): string {
  if (goal === null) return "-";
  const text = "atMost" in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`;
  return `${text} ${unit}`.trim();
}

function shown(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toString();
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}
