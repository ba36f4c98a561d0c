/** The configurations that an instance has had: list them, compare them, go back to one. Design §6. */
import { z } from "zod";
import { describeFaults } from "../../events/configuration.ts";
import type { Position } from "../../events/envelope.ts";
import type { JsonObject } from "../../events/json.ts";
import { parseWith } from "../../events/specification.ts";
import { runningLaunch } from "../../machines/legacy_status.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { requestConfiguration } from "../configuration_change.ts";
import { revisionEntry, revisionView } from "../configuration_view.ts";
import { readConfiguration } from "../instance_input.ts";
import { difference } from "../json_patch.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { staleness } from "../outcome.ts";
import { instanceNotFound, Problem } from "../problem.ts";
import { readingQuery, readQuery, wholeNumber } from "../query.ts";
import { revisionNotFound, revisionsBelow, revisionsNumbered } from "../revision_reading.ts";
import { changing, CONFIGURATION_PATH } from "./configuration.ts";

const REVISION_MAX = 999_999_999;
const PAGE_DEFAULT = 50;
const PAGE_MAX = 200;

const listQuery = {
  ...readingQuery,
  limit: wholeNumber(1, PAGE_MAX).optional().meta({
    description: `Of a page; ${PAGE_DEFAULT} when left out.`,
  }),
  cursor: wholeNumber(2, REVISION_MAX).optional().meta({
    description: "`nextCursor` of the page before.",
  }),
};

const compareQuery = {
  ...readingQuery,
  from: wholeNumber(1, REVISION_MAX).optional().meta({
    description: "The number of a revision; when left out, the one that runs, or that before `to`.",
  }),
  to: wholeNumber(1, REVISION_MAX).optional().meta({
    description: "The number of a revision; the newest when left out.",
  }),
};

const rollbackSchema = z.strictObject({
  revision: z.number({ error: "must be the number of a revision" })
    .int("must be a whole number").min(1, "must be at least 1").max(REVISION_MAX),
}, { error: 'the body must be a JSON object, such as {"revision": 3}' });

/** The routes of revisions. */
export const revisionRoutes: readonly Route[] = [
  {
    method: "GET",
    path: `${CONFIGURATION_PATH}/revisions`,
    summary: "the configurations it has had, newest first: ?limit= cursor=",
    docs: {
      id: "listRevisions",
      title: "List the configurations it has had",
      tag: "Configuration",
      description: "The newest first, without what is in them. Also of a deleted instance.",
      query: listQuery,
      answers: { 200: "RevisionList" },
      problems: ["log_truncated"],
    },
    handle: list,
  },
  {
    method: "GET",
    path: `${CONFIGURATION_PATH}/revisions/:revision`,
    summary: "one configuration that it has had",
    docs: {
      id: "getRevision",
      title: "Show a configuration it has had",
      tag: "Configuration",
      query: readingQuery,
      answers: { 200: "Revision" },
      problems: ["revision_not_found", "log_truncated"],
    },
    handle: show,
  },
  {
    method: "GET",
    path: `${CONFIGURATION_PATH}/diff`,
    summary:
      "a JSON Patch from what runs to what is configured, or: ?from=<revision> to=<revision>",
    docs: {
      id: "compareConfigurations",
      title: "Compare two configurations",
      tag: "Configuration",
      description: "As a JSON Patch, from what runs to what is configured unless two are named.",
      query: compareQuery,
      answers: { 200: "ConfigurationDifference" },
      problems: ["revision_not_found", "log_truncated"],
    },
    handle: compare,
  },
  {
    method: "POST",
    path: `${CONFIGURATION_PATH}/rollback`,
    summary: 'configure again what it had: {"revision": 3}',
    docs: {
      ...changing,
      id: "rollBackConfiguration",
      title: "Go back to a configuration it has had",
      description: "Makes a new revision of an old one.",
      body: {
        schema: rollbackSchema,
        isRequired: true,
        examples: { third: { revision: 3 } },
      },
      problems: [...changing.problems, "revision_not_found", "log_truncated"],
    },
    handle: rollBack,
  },
];

/** The configurations of a deleted instance are a part of its history, and told like it. */
async function knownInstance(
  context: HttpContext,
  { system }: HttpServices,
  atLeast: Position | undefined,
): Promise<InstanceState> {
  const instanceId = instanceIdOf(context);
  const state = await system.get(instanceId, atLeast);
  if (!state?.context.specification) throw instanceNotFound(instanceId);
  return state;
}

async function list(context: HttpContext, services: HttpServices): Promise<Response> {
  const { query: { limit = PAGE_DEFAULT, cursor, atLeast } } = allParts({
    query: readQuery(context, listQuery),
  });
  const state = await knownInstance(context, services, atLeast);
  const page = await revisionsBelow(services.system, state, limit, cursor);
  const { revisions, hasMore, firstKnown } = page;
  return shown(context, services, state, {
    items: revisions.map(revisionEntry),
    ...(hasMore ? { nextCursor: String(revisions.at(-1)!.revision) } : {}),
    ...(firstKnown === null ? {} : { firstRevision: firstKnown }),
  });
}

async function show(context: HttpContext, services: HttpServices): Promise<Response> {
  const { query } = allParts({ query: readQuery(context, readingQuery) });
  const state = await knownInstance(context, services, query.atLeast);
  const named = context.req.param("revision") ?? "";
  if (!/^\d{1,9}$/.test(named)) throw revisionNotFound(state, named.slice(0, 100));
  const [revision] = await revisionsNumbered(services.system, state, [Number(named)]);
  return shown(context, services, state, revisionView(revision!));
}

async function compare(context: HttpContext, services: HttpServices): Promise<Response> {
  const { query } = allParts({
    query: readQuery(context, compareQuery),
  });
  const state = await knownInstance(context, services, query.atLeast);
  const { revision: present, specification } = state.context;
  const running = query.from === undefined && query.to === undefined ? runningLaunch(state) : null;
  if (running) {
    return shown(context, services, state, {
      // Null: it was started with a body of its own, which is no revision.
      from: running.configurationRevision,
      to: present,
      patch: patchFrom(running.configuration, specification?.configuration ?? {}),
    });
  }
  const to = query.to ?? present;
  const from = query.from ?? Math.max(1, to - 1);
  const [before, after] = await revisionsNumbered(services.system, state, [from, to]);
  return shown(context, services, state, {
    from,
    to,
    patch: patchFrom(before!.configuration, after!.configuration),
  });
}

function rollBack(context: HttpContext, services: HttpServices): Promise<Response> {
  return requestConfiguration(context, services, {
    read: (body) => parseWith(rollbackSchema, body),
    async next({ revision: number }, state) {
      const [revision] = await revisionsNumbered(services.system, state, [number]);
      return stillFitting(revision!.configuration, number, state);
    },
  });
}

/** After a move it may be of another template now. */
function stillFitting(
  configuration: JsonObject,
  revision: number,
  { context: { instanceId, specification } }: InstanceState,
): JsonObject {
  const { template = "drasi-server" } = specification ?? {};
  const parsed = readConfiguration(configuration, template);
  if (parsed.ok) return parsed.value;
  throw new Problem("conflict", {
    detail: `Revision ${revision} does not fit the template ${template} that the instance has ` +
      `now: ${describeFaults(parsed.faults)}`,
    hint: `PUT /api/configuration/instances/${instanceId} with a configuration that does.`,
    extra: { faults: parsed.faults.map(({ path, message }) => ({ path, message })) },
  });
}

function patchFrom(from: JsonObject, to: JsonObject): JsonObject[] {
  return difference(from, to) as unknown as JsonObject[];
}

function shown(
  context: HttpContext,
  services: HttpServices,
  { context: { instanceId, position: at } }: InstanceState,
  view: JsonObject,
): Response {
  return context.json({ id: instanceId, ...view, position: at }, 200, {
    "draas-position": at,
    ...staleness(services),
  });
}
