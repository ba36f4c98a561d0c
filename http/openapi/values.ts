/** Values that many answers hold. */
import { z } from "zod";

/** A time as the API shows it. */
export const time = z.string().meta({
  format: "date-time",
  description: "ISO 8601 in UTC.",
  example: "2026-01-31T12:00:00.000Z",
});

/** A place in the log. */
export const logPosition = z.string().meta({
  pattern: "^\\d{1,15}-\\d{1,15}$",
  description: "A position in the log, for `?atLeast=` and `Last-Event-ID`.",
  example: "12-0",
});

export const count = z.number().int().nonnegative();

/** A JSON object whose content is not the API's to say. */
export const anyObject = z.looseObject({});

/** JSON and an example of it, as an answer's content. */
export function json<Schema extends z.ZodType>(
  schema: Schema,
  example: z.input<Schema>,
): { "application/json": { schema: z.ZodType; example: unknown } } {
  return { "application/json": { schema, example } };
}
