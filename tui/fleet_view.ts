/** What the live view shows of the fleet: plain data and text, made from states. Knows nothing of React. */
import type { InstanceState } from "../machines/lifecycle.ts";
import { type InstanceStatus, STATUSES } from "../machines/requests.ts";
import { statusOf } from "../machines/status.ts";

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

/** The row of an instance at a time (epoch milliseconds). */
export function rowOf(state: InstanceState, now: number): FleetRow {
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
      failure?.message,
      nextStart?.at,
      now,
      info?.runtimeMetadata.standIn === "true",
    ),
  };
}

/** `3 Running, 1 Failed`: how many instances have each status, in the order of the lifecycle. */
export function countsOf(rows: readonly FleetRow[]): string {
  const counts = STATUSES.map((status) =>
    [status, rows.filter((row) => row.status === status).length] as const
  );
  return counts.filter(([, count]) => count > 0).map(([status, count]) => `${count} ${status}`)
    .join(", ") || "no instances";
}

/** `45s`, `12m`, `3h`, `2d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

/** Text from outside as it may reach a terminal: on one line, without control characters. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, " ");
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
