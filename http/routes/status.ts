/**
 * Statuses as the predecessor knew them: what somebody outside reports, which is recorded and shown and decides nothing,
 * and how statuses have changed lately. Design §4 rule 15, §6; `drasi-server.md` §16.
 */
import { z } from "zod";
import type { AskOutcome, RecentChange } from "../../actors/system_port.ts";
import { isPosition } from "../../events/envelope.ts";
import { type ExternalStatus, externalStatusSchema } from "../../events/external_status.ts";
import { ID_PATTERN } from "../../events/ids.ts";
import type { Json, JsonObject } from "../../events/json.ts";
import { type Parsed, parseWith } from "../../events/specification.ts";
import { LEGACY_STATUSES } from "../../machines/legacy_status.ts";
import { STATUSES } from "../../machines/requests.ts";
import { askOptions, dryRunQuery, readMutationHeaders } from "../ask_options.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { cursorOf, cursorOfList } from "../cursor.ts";
import { instanceView } from "../instance_view.ts";
import { isoTime } from "../iso_time.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders, staleness } from "../outcome.ts";
import { readQuery, time, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";

/** The routes of statuses. */
export const statusRoutes: readonly Route[] = [
  {
    method: "PUT",
    path: "/api/server/instances/:id/status",
    summary: "record what somebody outside says of its server; it is shown, and nothing follows",
    handle: put,
  },
  {
    method: "POST",
    path: "/api/status/updates",
    summary: "the same, with the instance in the body: instanceId, status, source, metadata",
    handle: update,
  },
  {
    method: "GET",
    path: "/api/status/recent-changes",
    summary: "how statuses have changed: ?since= (the last 5 minutes) statusFilter= limit= cursor=",
    handle: recentChanges,
  },
];

const WORDS = [...new Set<string>([...LEGACY_STATUSES, ...STATUSES])];
const wordsText = `${WORDS.join(", ")}, or the predecessor's number from 0 to ${
  LEGACY_STATUSES.length - 1
}`;

/** A status in any case; a number is the predecessor's. */
function statusNamed(given: unknown): string | undefined {
  const text = String(given);
  return /^\d$/.test(text)
    ? LEGACY_STATUSES[Number(text)]
    : WORDS.find((one) => one.toLowerCase() === text.toLowerCase());
}

const status = z.union([z.string(), z.number()], { error: `must be one of ${wordsText}` })
  .transform((given, issues) => {
    const named = statusNamed(given);
    if (named !== undefined) return named;
    issues.addIssue({ code: "custom", message: `must be one of ${wordsText}` });
    return z.NEVER;
  });
const PRINTABLE = /^\P{Cc}*$/u;
const printable = "must have no control characters";
const report = {
  status,
  source: externalStatusSchema.shape.source.regex(PRINTABLE, printable),
  metadata: externalStatusSchema.shape.metadata
    .refine((metadata) => Object.entries(metadata).flat().every((text) => PRINTABLE.test(text)), {
      error: printable,
    }).default({}),
};
const reportSchema = z.strictObject({ ...report, source: report.source.optional() }, {
  error: 'the body must be a status, such as "Running", or an object with one',
});
const updateSchema = z.strictObject({
  instanceId: z.string({ error: "must be the id of an instance" })
    .regex(ID_PATTERN, "must be the id of an instance"),
  ...report,
}, { error: "the body must be an object with instanceId, status and source" });

async function put(context: HttpContext, services: HttpServices): Promise<Response> {
  const body = await readJsonBody(context, services);
  const caller = context.get("caller");
  const instanceId = instanceIdOf(context);
  const outcome = await record(context, services, body, (given) => {
    const isObject = typeof given === "object" && given !== null;
    const parsed = parseWith(reportSchema, isObject ? given : { status: given });
    return parsed.ok
      ? {
        ok: true,
        value: { instanceId, report: { ...parsed.value, source: parsed.value.source ?? caller } },
      }
      : parsed;
  });
  return answer(
    context,
    outcome,
    ({ state, position }) =>
      context.json(instanceView(state), 200, instanceHeaders(state, position)),
  );
}

async function update(context: HttpContext, services: HttpServices): Promise<Response> {
  const outcome = await record(
    context,
    services,
    await readJsonBody(context, services),
    (given) => {
      const parsed = parseWith(updateSchema, given);
      if (!parsed.ok) return parsed;
      const { instanceId, ...report } = parsed.value;
      return { ok: true, value: { instanceId, report } };
    },
  );
  return answer(context, outcome, ({ state, changed, position }) => {
    const { instanceId } = state.context;
    return context.json({ instanceId, changed, position }, 202, { "draas-position": position });
  });
}

async function record(
  context: HttpContext,
  services: HttpServices,
  body: Json | undefined,
  read: (given: Json | undefined) => Parsed<{ instanceId: string; report: ExternalStatus }>,
): Promise<AskOutcome> {
  const { query, headers, reported: { instanceId, report } } = allParts({
    query: readQuery(context, dryRunQuery),
    headers: readMutationHeaders(context),
    reported: read(body),
  });
  const options = await askOptions(context, services, query, headers, {
    body: body ?? null,
    query: {},
  });
  return await services.system.ask(instanceId, { type: "reportStatus", report }, options);
}

const RECENT_MS = 300_000;
/** What its cursors are called. */
const LIST = "recent-changes";

const statusFilter = z.string().transform((text, issues) => {
  const some = text.split(",").map((word) => statusNamed(word.trim()));
  if (some.every((one) => one !== undefined)) return some;
  issues.addIssue({
    code: "custom",
    message: `must be some of ${wordsText}, with commas between them`,
  });
  return z.NEVER;
});

async function recentChanges(context: HttpContext, services: HttpServices): Promise<Response> {
  const { system, clock } = services;
  const { query: { since, statusFilter: statuses, limit = 100, cursor: after } } = allParts({
    query: readQuery(context, {
      since: time.optional(),
      statusFilter: statusFilter.optional(),
      limit: wholeNumber(1, 1_000).optional(),
      cursor: cursorOfList(LIST, z.string().refine(isPosition)).optional(),
    }),
  });
  const { items, next, position } = system.recentChanges({
    since: since ?? (after === undefined ? clock.now() - RECENT_MS : 0),
    limit,
    ...(statuses ? { statuses } : {}),
    ...(after === undefined ? {} : { after }),
  });
  return context.json(
    {
      items: items.map(changeView),
      ...(next === null ? {} : { nextCursor: cursorOf(LIST, next) }),
      position,
    },
    200,
    { "draas-position": position, ...staleness(services) },
  );
}

function changeView(change: RecentChange): JsonObject {
  const { instanceId, from, to, source, at, position, isReported, metadata = {} } = change;
  return {
    instanceId,
    oldStatus: from,
    newStatus: to,
    source,
    timestamp: isoTime(at),
    metadata,
    ...(isReported ? { reported: true } : {}),
    position,
  };
}
