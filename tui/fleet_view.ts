/** What the live view shows of the fleet: plain data and text, made from states. Knows nothing of React. */
import type { InstanceState } from "../machines/lifecycle.ts";
import { type InstanceStatus, STATUSES } from "../machines/requests.ts";
import { statusOf } from "../machines/status.ts";
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

/** Whether nobody has heard of a worker lately. */
export type IsSilent = (workerId: string) => boolean;

const ALL_HEARD: IsSilent = () => false;

/** The row of an instance at a time (epoch milliseconds). What a silent worker runs is said to be so. */
export function rowOf(state: InstanceState, now: number, isSilent = ALL_HEARD): FleetRow {
  const { instanceId, specification, run, restarts, failure, nextStart } = state.context;
  const status = statusOf(state);
  const info = run?.runtimeInfo;
  const isLive = info?.status === "Running";
  return {
    id: printable(instanceId),
    name: printable(specification?.name ?? ""),
    status,
    symbol: SYMBOLS[status],
    processId: isLive ? printable(info.processId ?? "") : "",
    port: isLive && info.port !== undefined ? String(info.port) : "",
    restarts: String(restarts),
    since: duration(now - (isLive ? info.startedAt : state.context.lastModifiedAt)),
    detail: detailOf(
      silenceOf(run, isSilent) ?? failure?.message ?? conditionOf(state.context),
      nextStart?.at,
      now,
      info?.runtimeMetadata.standIn === "true",
    ),
  };
}

/** The fleet at a time (epoch milliseconds), with at most `rowsMax` rows. */
export function fleetView(
  states: readonly InstanceState[],
  now: number,
  rowsMax: number,
  isSilent = ALL_HEARD,
): FleetView {
  const rows = states.slice(0, rowsMax).map((state) => rowOf(state, now, isSilent));
  return { rows, counts: countsOf(states.map(statusOf)), hidden: states.length - rows.length };
}

/** The first line: which program, where, and what is wrong with the log. */
export function titleLine(version: string, url: string, away: string | null): string {
  const title = `DRaaS ${version} ${url}`;
  return away === null ? title : `${title}  LOG AWAY, this may be old: ${printable(away)}`;
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

function silenceOf(run: InstanceState["context"]["run"], isSilent: IsSilent): string | undefined {
  const workerId = run?.runtimeInfo?.status === "Running" ? run.workerId : undefined;
  return workerId !== undefined && isSilent(workerId)
    ? `worker ${workerId} is silent, this may be old`
    : undefined;
}

/** That it is unhealthy, or what its start waits for. */
function conditionOf(
  { health, progress }: InstanceState["context"],
): string | undefined {
  if (health?.status === "unhealthy") {
    return `unhealthy${health.reason === null ? "" : `: ${health.reason}`}`;
  }
  return progress?.problem ?? undefined;
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
