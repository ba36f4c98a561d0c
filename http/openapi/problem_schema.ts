/** The JSON of a problem: RFC 9457 with the members that every problem has, and those of some. Design §6. */
import { z } from "zod";
import { ROLES } from "../../events/access_tokens.ts";
import { STATUSES } from "../../machines/requests.ts";
import { readinessFields } from "./readiness_schema.ts";
import { count, logPosition, time } from "./values.ts";

const everyProblem = {
  type: z.string().meta({ description: "`urn:draas:problem:` and the code." }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().meta({ description: "What is wrong, in words." }),
  error: z.string().meta({
    description: "The predecessor's field: as `detail`, or `Operation timed out`.",
  }),
  code: z.string().meta({ description: "Stable, for programs." }),
  retryable: z.boolean().meta({ description: "Whether the same request may succeed later." }),
  hint: z.string().meta({ description: "What to do next, in words." }),
  traceId: z.string().meta({
    description: "As the header `X-Request-Id`, and as `correlationId` in the log.",
  }),
};

/** By the codes that have them. */
const someProblems = {
  faults: z.array(z.object({ path: z.string(), message: z.string() })).meta({
    description: "`invalid`, `conflict`: every fault, with its place; `?` marks a query parameter.",
  }),
  line: count.meta({ description: "`malformed_json`: where it stops being JSON." }),
  column: count,
  position: z.union([z.number().int(), logPosition]).meta({
    description: "`malformed_json`: the character; otherwise a position in the log.",
  }),
  bodyBytesMax: count.meta({ description: "`body_too_large`." }),
  allow: z.array(z.string()).meta({ description: "`method_not_allowed`: the methods." }),
  role: z.enum(ROLES).meta({ description: "`forbidden`: the one that the token has." }),
  neededRole: z.enum(ROLES).meta({ description: "`forbidden`: the least that does." }),
  instanceStatus: z.enum(STATUSES).meta({ description: "`conflict`." }),
  allowed: z.array(z.string()).meta({ description: "`conflict`: what may be asked now." }),
  expected: z.number().int().meta({ description: "`stale_version`: what `If-Match` named." }),
  actual: count.meta({ description: "`stale_version`: the version that it is at." }),
  plan: z.string().meta({ description: "`plan_changed`: the present one." }),
  deletedAt: time.meta({ description: "`deleted`." }),
  deletedBy: z.string(),
  version: z.union([count, z.string()]).meta({
    description: "Of the instance; with `not_ready` that of this release.",
  }),
  instanceId: z.string().meta({ description: "`outcome_unknown`." }),
  commandId: z.string(),
  outcome: z.literal("unknown").meta({ description: "`log_indeterminate`." }),
  at: time.meta({ description: "`version_not_found`: the time that it has come to." }),
  firstVersion: count.meta({ description: "`version_not_found`, `log_truncated`: what there is." }),
  firstAt: time,
  firstPosition: logPosition,
  newestRevision: count.meta({ description: "`revision_not_found`." }),
  firstRevision: count.nullable().meta({ description: "`log_truncated`." }),
  operation: z.object({ index: count, op: z.string(), path: z.string() }).meta({
    description: "`patch_failed`, `patch_test_failed`: the one that could not be done.",
  }),
};

const { version: _, position: __, ...unreadyNode } = readinessFields;

/** Any problem. */
export const problem = z.object({
  ...everyProblem,
  ...z.object({ ...someProblems, ...unreadyNode }).partial().shape,
}).meta({ id: "Problem" });
