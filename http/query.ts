/** Reads query parameters by a schema: unknown, repeated and malformed ones are faults, all told at once. */
import { z } from "zod";
import { isPosition } from "../events/envelope.ts";
import type { Fault } from "../events/configuration.ts";
import { type Parsed, parseWith } from "../events/specification.ts";
import { type InstanceStatus, STATUSES } from "../machines/requests.ts";
import type { HttpContext } from "./options.ts";

/** To make a schema of a shape takes longer than all the rest of a simple request. */
const schemas = new WeakMap<z.ZodRawShape, z.ZodType>();

/** The parameters of a request by `shape`; a fault's path is the parameter's name after `?`. */
export function readQuery<S extends z.ZodRawShape>(
  context: HttpContext,
  shape: S,
): Parsed<z.infer<z.ZodObject<S>>> {
  const given: Record<string, string> = {};
  const repeated: Fault[] = [];
  for (const [name, value] of parametersOf(context)) {
    if (Object.hasOwn(given, name)) {
      repeated.push({ path: name, message: "must be given once" });
    }
    given[name] = value;
  }
  const parsed = parseWith(schemaOf(shape), given) as Parsed<z.infer<z.ZodObject<S>>>;
  const faults = [...repeated, ...(parsed.ok ? [] : parsed.faults)];
  if (faults.length === 0) return parsed;
  return {
    ok: false,
    faults: faults.map(({ path, message }) => ({
      path: `?${path}`,
      message: message.replace("field", "parameter"),
    })),
  };
}

function schemaOf(shape: z.ZodRawShape): z.ZodType {
  let schema = schemas.get(shape);
  if (!schema) schemas.set(shape, schema = z.strictObject(shape));
  return schema;
}

function parametersOf({ req: { url } }: HttpContext): Iterable<[string, string]> {
  return url.includes("?") ? new URL(url).searchParams : [];
}

/** That exactly one of these parameters is given: two ways to say one thing. */
export function exactlyOneOf(context: HttpContext, name: string, other: string): Parsed<null> {
  const { searchParams } = new URL(context.req.url);
  if (searchParams.has(name) !== searchParams.has(other)) return { ok: true, value: null };
  const fault = searchParams.has(name)
    ? { path: `?${other}`, message: `is another way to say ${name}; give one of them` }
    : { path: `?${name}`, message: `must be given, or ${other}` };
  return { ok: false, faults: [fault] };
}

/** That one of these parameters is given, or both. */
export function atLeastOneOf(context: HttpContext, name: string, other: string): Parsed<null> {
  const { searchParams } = new URL(context.req.url);
  if (searchParams.has(name) || searchParams.has(other)) return { ok: true, value: null };
  return { ok: false, faults: [{ path: `?${name}`, message: `must be given, or ${other}` }] };
}

/** That not both of these parameters are given: two ways to say one thing. */
export function atMostOneOf(context: HttpContext, name: string, other: string): Parsed<null> {
  const { searchParams } = new URL(context.req.url);
  if (!searchParams.has(name) || !searchParams.has(other)) return { ok: true, value: null };
  const message = `is another way to say ${name}; give one of them`;
  return { ok: false, faults: [{ path: `?${other}`, message }] };
}

/** `true` or `false`. */
export const flag = z.enum(["true", "false"], { error: "must be true or false" })
  .transform((text) => text === "true").meta({ type: "boolean" });

const POSITION_PATTERN = "^\\d{1,15}-\\d{1,15}$";

/** A position in the log, as every answer to a mutation gives one. */
export const position = z.string().refine(isPosition, {
  error: "must be a position in the log, such as 12-0",
}).meta({ pattern: POSITION_PATTERN, example: "12-0" });

/** What every read takes that can wait for a position. */
export const readingQuery = {
  atLeast: position.optional().meta({
    description: "A position in the log that the answer must have in it; 503 `behind` where this " +
      "node does not get there in time.",
  }),
};

/** No instance comes so far. */
export const VERSION_MAX = 999_999_999_999;

/** A whole number in a range. */
export function wholeNumber(
  least: number,
  most: number,
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.string().transform((text, issues) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    issues.addIssue({ code: "custom", message: error });
    return z.NEVER;
  }).meta({ type: "integer", minimum: least, maximum: most });
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** A time as epoch milliseconds: `2026-01-31T12:00:00Z`, with any offset, or the milliseconds themselves. */
export const time = z.string().transform((text, issues) => {
  const at = /^\d{1,15}$/.test(text) ? Number(text) : TIME.test(text) ? Date.parse(text) : NaN;
  if (Number.isFinite(at)) return at;
  issues.addIssue({
    code: "custom",
    message: "must be a time such as 2026-01-31T12:00:00Z, or epoch milliseconds",
  });
  return z.NEVER;
}).meta({
  description: "A time with an offset, or epoch milliseconds.",
  example: "2026-01-31T12:00:00Z",
});

/** A status in any case. */
export const status = z.preprocess(
  (value) => statusNamed(String(value)) ?? value,
  z.enum(STATUSES, { error: `must be one of ${STATUSES.join(", ")}` }),
);

/** Statuses with commas between them, each in any case. */
export const statuses = z.string().transform((text, issues) => {
  const some = text.split(",").map((word) => statusNamed(word.trim()));
  if (some.every((one) => one !== undefined)) return [...new Set(some)];
  issues.addIssue({
    code: "custom",
    message: `must be some of ${STATUSES.join(", ")}, with commas between them`,
  });
  return z.NEVER;
}).meta({
  description: `Some of ${STATUSES.join(", ")}, with commas between them; in any case.`,
  example: "Running,Failed",
});

function statusNamed(text: string): InstanceStatus | undefined {
  return STATUSES.find((one) => one.toLowerCase() === text.toLowerCase());
}

const UNITS: Readonly<Record<string, number>> = { "": 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A duration in milliseconds: `1500`, `500ms`, `30s`, `5m`, `1h`; from 1 ms to `most`. Design §8. */
export function durationUpTo(
  mostMs: number,
  most: string,
): z.ZodPipe<z.ZodString, z.ZodTransform<number, string>> {
  return z.string().transform((text, issues) => {
    const found = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|)$/.exec(text);
    const ms = found ? Number(found[1]) * (UNITS[found[2] ?? ""] ?? NaN) : NaN;
    if (Number.isInteger(ms) && ms >= 1 && ms <= mostMs) return ms;
    issues.addIssue({
      code: "custom",
      message:
        `must be a duration from 1ms to ${most}: milliseconds, or a number with ms, s, m or h`,
    });
    return z.NEVER;
  }).meta({
    description: `A duration up to ${most}: milliseconds, or a number with ms, s, m or h.`,
    pattern: "^\\d{1,9}(\\.\\d{1,3})?(ms|s|m|h|)$",
  });
}

/** How long a request may wait. */
export const duration = durationUpTo(3_600_000, "1h");
