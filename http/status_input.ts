/** What may be reported of a server from outside: the words for its status, and the forms of a report. `drasi-server.md` §16. */
import { z } from "zod";
import { externalStatusSchema } from "../events/external_status.ts";
import { ID_PATTERN } from "../events/ids.ts";
import { LEGACY_STATUSES } from "../machines/legacy_status.ts";
import { STATUSES } from "../machines/requests.ts";

const WORDS = [...new Set<string>([...LEGACY_STATUSES, ...STATUSES])];
/** All words, as a fault says them. */
export const STATUS_WORDS = `${WORDS.join(", ")}, or the predecessor's number from 0 to ${
  LEGACY_STATUSES.length - 1
}`;

/** A status in any case; a number is the predecessor's. */
export function statusNamed(given: unknown): string | undefined {
  const text = String(given);
  return /^\d$/.test(text)
    ? LEGACY_STATUSES[Number(text)]
    : WORDS.find((one) => one.toLowerCase() === text.toLowerCase());
}

/** A status by itself. */
export const externalStatusWord = z.union([z.string(), z.number()], {
  error: `must be one of ${STATUS_WORDS}`,
})
  .transform((given, issues) => {
    const named = statusNamed(given);
    if (named !== undefined) return named;
    issues.addIssue({ code: "custom", message: `must be one of ${STATUS_WORDS}` });
    return z.NEVER;
  }).meta({
    anyOf: [{ enum: WORDS }, { type: "integer", minimum: 0, maximum: LEGACY_STATUSES.length - 1 }],
  });
const PRINTABLE = /^\P{Cc}*$/u;
const printable = "must have no control characters";
const report = {
  status: externalStatusWord,
  // No `regex`: the document would have its flag in the pattern.
  source: externalStatusSchema.shape.source.refine((text) => PRINTABLE.test(text), {
    error: printable,
  }),
  metadata: externalStatusSchema.shape.metadata
    .refine((metadata) => Object.entries(metadata).flat().every((text) => PRINTABLE.test(text)), {
      error: printable,
    }).default({}),
};
/** A report of an instance that the path names. */
export const reportSchema = z.strictObject({ ...report, source: report.source.optional() }, {
  error: 'the body must be a status, such as "Running", or an object with one',
});
/** A report that names its instance. */
export const updateSchema = z.strictObject({
  instanceId: z.string({ error: "must be the id of an instance" })
    .regex(ID_PATTERN, "must be the id of an instance"),
  ...report,
}, { error: "the body must be an object with instanceId, status and source" });
