/** Times and sizes as short text for columns. Pure. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How long ago an ISO time was at `now` (epoch milliseconds): `4s`, `12m`, `5h`, `3d`; `-` where it is no time. */
export function age(since: string | undefined, now: number): string {
  const at = since === undefined ? NaN : Date.parse(since);
  if (!Number.isFinite(at)) return "-";
  const ms = Math.max(0, now - at);
  if (ms < 2 * MINUTE_MS) return `${Math.floor(ms / 1_000)}s`;
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)}h`;
  return `${Math.floor(ms / DAY_MS)}d`;
}

/** How long something took: `350ms`, `1.2s`, `95s`. */
export function took(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)}s` : `${Math.round(ms / 1_000)}s`;
}

/** Bytes in the largest unit that gives at least 1: `64.0Mi`. */
export function size(bytes: number): string {
  const units = ["", "Ki", "Mi", "Gi", "Ti"];
  let [value, at] = [bytes, 0];
  while (value >= 1_024 && at < units.length - 1) [value, at] = [value / 1_024, at + 1];
  return at === 0 ? `${value}` : `${value.toFixed(1)}${units[at]}`;
}
