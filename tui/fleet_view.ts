/** What the live view shows of the fleet: plain data and text, made from answers. Knows nothing of React. */
import type { InstanceAnswer } from "../http/client/answers.ts";
import type { Availability } from "../http/client/fleet_port.ts";
import { type InstanceStatus, STATUSES } from "../machines/requests.ts";
import { fit, printable } from "./terminal_text.ts";

/** What the screen shows at one time. */
export interface FleetView {
  /** The first instances, as many as there is room for. */
  rows: FleetRow[];
  /** Of the whole fleet, shown or not: `3 Running, 1 Failed`. */
  counts: string;
  /** How many instances there is no room for. */
  hidden: number;
}

/** One line of the table, ready to print. */
export interface FleetRow {
  id: string;
  name: string;
  status: InstanceStatus;
  symbol: string;
  processId: string;
  port: string;
  restarts: string;
  since: string;
  detail: string;
}

/** State is never told by colour alone: each status has a sign of its own, all plain ASCII. */
export const SYMBOLS: Readonly<Record<InstanceStatus, string>> = {
  Created: ".",
  Starting: "^",
  Running: "*",
  Restarting: "~",
  Stopping: "v",
  Stopped: "-",
  Failed: "!",
  Deleting: "x",
  Deleted: "x",
};

/** The row of an instance at a time (epoch milliseconds). What a silent worker runs is said to be so. */
export function rowOf(instance: InstanceAnswer, now: number): FleetRow {
  const { id, name, runtimeInfo, restarts, nextStartAt } = instance;
  const status = statusOf(instance);
  const info = runtimeInfo?.status === "Running" ? runtimeInfo : undefined;
  const since = info?.startedAt ?? String(instance.lastModifiedAt);
  return {
    id: printable(id),
    name: printable(name),
    status,
    symbol: SYMBOLS[status],
    processId: printable(info?.processId ?? ""),
    port: info?.port === undefined ? "" : String(info.port),
    restarts: String(restarts),
    since: duration(now - Date.parse(since)),
    detail: detailOf(
      silenceOf(instance) ?? failureOf(instance) ?? conditionOf(instance),
      typeof nextStartAt === "string" ? Date.parse(nextStartAt) : undefined,
      now,
      isStandIn(instance),
    ),
  };
}

/** The fleet at a time (epoch milliseconds), with at most `rowsMax` rows. */
export function fleetView(
  instances: readonly InstanceAnswer[],
  now: number,
  rowsMax: number,
): FleetView {
  const rows = instances.slice(0, rowsMax).map((one) => rowOf(one, now));
  const hidden = instances.length - rows.length;
  return { rows, counts: countsOf(instances.map(statusOf)), hidden };
}

/** Why what is shown may be old, at a time (epoch milliseconds); null: it is not. */
export function oldText(
  availability: Availability,
  away: string | null,
  now: number,
): string | null {
  if (availability.kind === "live" || availability.error === null) return away;
  const { since, error } = availability;
  return `no contact for ${duration(now - since)}: ${error.message}`;
}

/** The first line: which program, where, and why what is shown may be old. */
export function titleLine(version: string, url: string, old: string | null): string {
  const title = `DRaaS ${version} ${url}`;
  return old === null ? title : `${title}  THIS MAY BE OLD: ${printable(old)}`;
}

/** The heads of the columns, as one line of a screen that is `columns` wide. */
export function headLine(columns: number): string {
  return lineOf(HEADS, columns);
}

/** A row as one line of a screen that is `columns` wide. */
export function rowLine(row: FleetRow, columns: number): string {
  const { symbol, status, name, processId, port, restarts, since, detail } = row;
  return lineOf([symbol, status, name, processId, port, restarts, since, detail], columns);
}

/** `45s`, `12m`, `3h`, `2d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

const HEADS = ["", "STATUS", "NAME", "PID", "PORT", "RESTARTS", "AGE", ""];
const WIDTHS = [2, 11, 24, 9, 7, 9, 6];

/** The last cell has what room the others leave. */
function lineOf(cells: readonly string[], columns: number): string {
  const line = cells.map((cell, index) => {
    const width = WIDTHS[index];
    return width === undefined ? cell : `${fit(cell, width - 1)} `;
  }).join("");
  return fit(line, columns).trimEnd();
}

function countsOf(statuses: readonly InstanceStatus[]): string {
  const counts = STATUSES.map((status) =>
    [status, statuses.filter((one) => one === status).length] as const
  );
  return counts.filter(([, count]) => count > 0).map(([status, count]) => `${count} ${status}`)
    .join(", ") || "no instances";
}

/** A newer control plane may know one that is not known here: of that nothing is claimed. */
function statusOf({ status }: InstanceAnswer): InstanceStatus {
  return STATUSES.find((one) => one === status) ?? "Created";
}

function silenceOf({ workerSilent, worker, runtimeInfo }: InstanceAnswer): string | undefined {
  return workerSilent && runtimeInfo?.status === "Running"
    ? `worker ${worker} is silent, this may be old`
    : undefined;
}

function failureOf({ status, lastError }: InstanceAnswer): string | undefined {
  return status === "Failed" ? textIn(lastError, "message") : undefined;
}

/** That it is unhealthy, or what its start waits for. */
function conditionOf(
  { health, healthDetail, startProgress }: InstanceAnswer,
): string | undefined {
  if (health !== "unhealthy") return textIn(startProgress, "problem");
  const reason = textIn(healthDetail, "reason");
  return reason === undefined ? "unhealthy" : `unhealthy: ${reason}`;
}

function isStandIn({ runtimeInfo }: InstanceAnswer): boolean {
  return textIn(runtimeInfo?.runtimeMetadata, "standIn") === "true";
}

function textIn(value: unknown, member: string): string | undefined {
  const found = (value as Record<string, unknown> | undefined)?.[member];
  return typeof found === "string" ? found : undefined;
}

function detailOf(
  failure: string | undefined,
  nextAt: number | undefined,
  now: number,
  isStandIn: boolean,
): string {
  const next = nextAt === undefined ? "" : `next try in ${duration(nextAt - now)}; `;
  return printable(next + (failure ?? (isStandIn ? "stand-in, not drasi-server" : "")));
}
