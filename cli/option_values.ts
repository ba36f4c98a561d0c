/** The values of flags: durations as people write them (`500ms`, `30s`, `5m`, `1h`), numbers and labels. Design §8. */
import { InvalidArgumentError } from "commander";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const HOUR_MS = 3_600_000;

/** Milliseconds, at most an hour; for commander, which says which flag it was. */
export const duration: (text: string) => number = durationUpTo(HOUR_MS, "1h");

/** Milliseconds, from one to `mostMs`; for commander. */
export function durationUpTo(mostMs: number, most: string): (text: string) => number {
  return (text) => {
    const [, count = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? [];
    const ms = Number(count) * (UNITS_MS[unit] ?? NaN);
    if (Number.isInteger(ms) && ms >= 1 && ms <= mostMs) return ms;
    throw new InvalidArgumentError(`It must be from 1ms to ${most}, for example 30s or 5m.`);
  };
}

/** A whole number in a range; for commander. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** One more label, `key=value`; for commander, of a flag that may be repeated. */
export function oneMoreLabel(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("It must be KEY=VALUE, for example env=prod.");
  const [key, value] = [text.slice(0, equals), text.slice(equals + 1)];
  if (Object.hasOwn(before, key) && before[key] !== value) {
    throw new InvalidArgumentError(`${key} has one value; it is said to be another one, too.`);
  }
  return { ...before, [key]: value };
}

/** An `Idempotency-Key`, as the API takes it; for commander. */
export function idempotencyKey(text: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be 1 to 255 visible ASCII characters.");
}

/** Statuses with commas between them, each in any case; for commander. */
export function statusesOf(known: readonly string[]): (text: string) => string[] {
  return (text) => {
    const words = text.split(",").map((word) => word.trim().toLowerCase());
    const found = words.map((word) => known.find((one) => one.toLowerCase() === word));
    if (found.every((one) => one !== undefined)) return [...new Set(found)];
    throw new InvalidArgumentError(`It must be some of ${known.join(", ")}, with commas between.`);
  };
}

const AGO_MS: Readonly<Record<string, number>> = { ...UNITS_MS, d: 24 * HOUR_MS };
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A time in ISO 8601, or how long ago, as in `90s`, `10m`, `2h`, `7d`; for commander. */
export function moment(text: string): { agoMs: number } | { at: string } {
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== "") return { agoMs: Number(count) * AGO_MS[unit]! };
  if (TIME.test(text) && Number.isFinite(Date.parse(text))) return { at: text };
  throw new InvalidArgumentError(
    "It must be a time such as 2026-01-31T12:00:00Z, or how long ago: 90s, 10m, 2h, 7d.",
  );
}
