/**
 * Statuses as the predecessor knew them: what somebody outside reports, which is recorded and shown and decides nothing,
 * and how statuses have changed lately. Design §4 rule 15, §6; `drasi-server.md` §16.
 */
import { z } from "zod";
import type { AskOutcome, RecentChange } from "../../actors/system_port.ts";
import { isPosition } from "../../events/envelope.ts";
import type { ExternalStatus } from "../../events/external_status.ts";
import type { Json, JsonObject } from "../../events/json.ts";
import { type Parsed, parseWith } from "../../events/specification.ts";
import { askOptions, dryRunQuery, readMutationHeaders } from "../ask_options.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { cursorOf, cursorOfList } from "../cursor.ts";
import { instanceView } from "../instance_view.ts";
import { isoTime } from "../iso_time.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders, staleness } from "../outcome.ts";
import { readQuery, time, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";
import { MUTATION_HEADERS } from "../route_docs.ts";
import {
  externalStatusWord,
  reportSchema,
  STATUS_WORDS,
  statusNamed,
  updateSchema,
} from "../status_input.ts";

const RECENT_MS = 300_000;
/** What its cursors are called. */
const LIST = "recent-changes";

const statusFilter = z.string().transform((text, issues) => {
  const some = text.split(",").map((word) => statusNamed(word.trim()));
  if (some.every((one) => one !== undefined)) return some;
  issues.addIssue({
    code: "custom",
    message: `must be some of ${STATUS_WORDS}, with commas between them`,
  });
  return z.NEVER;
}).meta({
  description: "Only changes to one of these, with commas between them.",
  example: "Error",
});

const changesQuery = {
  since: time.optional().meta({ description: "The last five minutes when left out." }),
  statusFilter: statusFilter.optional(),
  limit: wholeNumber(1, 1_000).optional().meta({ description: "Of a page; 100 when left out." }),
  cursor: cursorOfList(LIST, z.string().refine(isPosition)).optional().meta({
    description: "`nextCursor` of the page before.",
  }),
};

/** The routes of statuses. */
export const statusRoutes: readonly Route[] = [
  {
    method: "PUT",
    path: "/api/server/instances/:id/status",
    summary: "record what somebody outside says of its server; it is shown, and nothing follows",
    docs: {
      id: "reportStatus",
      title: "Record a status from outside",
      tag: "Status",
      description:
        "What somebody outside says of its server, as a word or with its source: it is " +
        "recorded and shown in `externalStatus`, and nothing follows. The same again is no news.",
      query: dryRunQuery,
      headers: MUTATION_HEADERS,
      body: {
        schema: z.union([externalStatusWord, reportSchema]),
        isRequired: true,
        examples: {
          word: "Running",
          "the predecessor's number": 3,
          object: { status: "Error", source: "DockerDaemon", metadata: { container: "4f2a" } },
        },
      },
      answers: { 200: "InstanceChanged" },
      problems: ["deleted"],
    },
    handle: put,
  },
  {
    method: "POST",
    path: "/api/status/updates",
    summary:
      "record a status from outside, with the instance in the body: instanceId, status, source, metadata",
    docs: {
      id: "updateStatus",
      title: "Record a status from outside, of any instance",
      tag: "Status",
      query: dryRunQuery,
      headers: MUTATION_HEADERS,
      body: {
        schema: updateSchema,
        isRequired: true,
        examples: {
          update: { instanceId: "inst-1b2c3d", status: "Running", source: "DockerDaemon" },
        },
      },
      answers: { 200: "StatusPlan", 202: "StatusRecorded" },
      problems: ["not_found", "deleted"],
    },
    handle: update,
  },
  {
    method: "GET",
    path: "/api/status/recent-changes",
    summary: "how statuses have changed: ?since= (the last 5 minutes) statusFilter= limit= cursor=",
    docs: {
      id: "listStatusChanges",
      title: "List changes of statuses",
      tag: "Status",
      description: "The last eight of each instance, in the order of the log.",
      query: changesQuery,
      answers: { 200: "StatusChanges" },
    },
    handle: recentChanges,
  },
];

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

async function recentChanges(context: HttpContext, services: HttpServices): Promise<Response> {
  const { system, clock } = services;
  const { query: { since, statusFilter: statuses, limit = 100, cursor: after } } = allParts({
    query: readQuery(context, changesQuery),
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
