/** What instances use of their hosts, sorted and as a table; once, or as a frame that takes the last one's place. Pure. */
import type { JsonObject } from "../../events/json.ts";
import type { InstanceAnswer } from "../../http/client/answers.ts";
import { fit } from "../../tui/terminal_text.ts";
import { age, size } from "./ages.ts";
import { bytes, percent } from "./fleet_tables.ts";
import { healthColour, type Paint, plain, statusColour } from "./paint.ts";
import { type Column, tableText } from "./table.ts";

/** What can come first. */
export const USAGE_SORTS = ["cpu", "memory", "restarts", "name"] as const;
export type UsageSort = typeof USAGE_SORTS[number];

/** What one instance uses; a member is missing where nobody knows. `cpuShare`: 1 is a core. */
export interface Usage {
  id: string;
  name: string;
  status: string;
  health: string;
  restarts: number;
  cpuShare?: number;
  memoryBytes?: number;
  processes?: number;
  /** ISO 8601: since when it runs, and when it was looked at. */
  startedAt?: string;
  sampledAt?: string;
  worker?: string;
}

/** From an instance as a list tells it. */
export function usageOf(instance: InstanceAnswer): Usage {
  const { id, name, status, health, restarts, metrics = {}, runtimeInfo, worker } = instance;
  const startedAt = runtimeInfo?.status === "Running" ? runtimeInfo.startedAt : undefined;
  const { sampledAt } = metrics;
  return {
    id,
    name,
    status,
    health: instance.workerSilent ? "worker silent" : health,
    restarts,
    ...numberIn(metrics, "cpuShare"),
    ...numberIn(metrics, "memoryBytes"),
    ...numberIn(metrics, "processes"),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(typeof sampledAt === "string" ? { sampledAt } : {}),
    ...(worker === undefined ? {} : { worker }),
  };
}

function numberIn(metrics: JsonObject, member: string): Record<string, number> {
  const value = metrics[member];
  return typeof value === "number" ? { [member]: value } : {};
}

/** The most first; of what is not known, last. */
export function sortedUsage(rows: readonly Usage[], by: UsageSort): Usage[] {
  const rank: Record<UsageSort, (row: Usage) => number> = {
    cpu: ({ cpuShare = -1 }) => -cpuShare,
    memory: ({ memoryBytes = -1 }) => -memoryBytes,
    restarts: ({ restarts }) => -restarts,
    name: () => 0,
  };
  return [...rows].sort((a, b) =>
    rank[by](a) - rank[by](b) || compareText(a.name, b.name) || compareText(a.id, b.id)
  );
}

/** At `now`, epoch milliseconds. */
export function usageColumns(now: number, isWide: boolean): Column<Usage>[] {
  const columns: Column<Usage>[] = [
    { title: "NAME", text: ({ name }) => name, canShrink: true },
    { title: "STATUS", text: ({ status }) => status, colour: ({ status }) => statusColour(status) },
    { title: "HEALTH", text: ({ health }) => health, colour: ({ health }) => healthColour(health) },
    { title: "CPU", text: ({ cpuShare }) => percent(cpuShare), isNumber: true },
    { title: "MEMORY", text: ({ memoryBytes }) => bytes(memoryBytes), isNumber: true },
    { title: "RESTARTS", text: ({ restarts }) => String(restarts), isNumber: true },
    { title: "UP", text: ({ startedAt }) => age(startedAt, now), isNumber: true },
  ];
  return isWide ? [...columns, ...WIDE] : columns;
}

const WIDE: readonly Column<Usage>[] = [
  { title: "WORKER", text: ({ worker = "" }) => worker },
  { title: "ID", text: ({ id }) => id },
];

/** A frame of the live table. */
export interface UsageFrame {
  rows: readonly Usage[];
  now: number;
  /** Said at its end: what is wrong at the moment; null: nothing. */
  problem: string | null;
}

/**
 * Lines that fit a terminal, the last of them without a line end; so nothing scrolls, and nothing wraps.
 * @param size of the terminal
 */
export function frameLines(
  { rows, now, problem }: UsageFrame,
  size: { columns: number; rows: number },
  paint: Paint = plain,
): string[] {
  const width = Math.max(1, size.columns - 1);
  // The sums, the head and the last line.
  const room = Math.max(1, size.rows - 3);
  const shown = rows.slice(0, room);
  const [head = "", ...body] = tableText(usageColumns(now, false), shown, { width }).split("\n");
  const hidden = rows.length - shown.length;
  const last = problem ?? (hidden > 0 ? `and ${hidden} more; Ctrl-C ends it` : "Ctrl-C ends it");
  return [
    paint(cut(sumsText(rows), width), "bold"),
    paint(cut(head, width), "bold"),
    ...shown.map((row, at) => paint(cut(body[at] ?? "", width), statusColour(row.status))),
    paint(cut(last, width), problem === null ? "dim" : "red"),
  ];
}

function cut(text: string, width: number): string {
  return fit(text, width).trimEnd();
}

function sumsText(rows: readonly Usage[]): string {
  const sum = (of: (row: Usage) => number | undefined) =>
    rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const running = rows.filter(({ status }) => status === "Running").length;
  const cores = sum(({ cpuShare }) => cpuShare).toFixed(2);
  const memory = size(sum(({ memoryBytes }) => memoryBytes));
  return `${rows.length} instances, ${running} running: ${cores} cores, ${memory} of memory`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
