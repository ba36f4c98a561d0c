/** The fleet's instances: create and list. Design §6. */
import { z } from "zod";
import type { ListFilter } from "../../actors/system_port.ts";
import { templateSchema } from "../../events/configuration.ts";
import { askOptions, dryRunQuery, readMutationHeaders } from "../ask_options.ts";
import { allParts } from "../checked_input.ts";
import type { JsonObject } from "../../events/json.ts";
import { cursorOf, cursorOfList } from "../cursor.ts";
import { creation, platformText, readCreation } from "../instance_input.ts";
import { INSTANCE_FIELDS, instanceView, workerOf } from "../instance_view.ts";
import { labelSelector, someOf, sortBy, sortText } from "../list_query.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders, locationOf, staleness } from "../outcome.ts";
import { readingQuery, readQuery, statuses, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";
import { invalidRequest } from "../problem.ts";
import { MUTATION_HEADERS } from "../route_docs.ts";

const PATH = "/api/server/instances";
/** What its cursors are called. */
const LIST = "instances";

const text = z.string().min(1, "must not be empty").max(256, "must have at most 256 characters");

const place = z.strictObject({
  sort: z.string(),
  key: z.union([z.string(), z.number()]),
  id: z.string(),
});

const listQuery = {
  status: statuses.optional(),
  platform: platformText.optional(),
  template: templateSchema.optional(),
  worker: text.optional().meta({ description: "The id of the worker that it may run at." }),
  label: labelSelector.optional(),
  q: text.optional().meta({ description: "Part of the name or the id, in any case." }),
  sort: sortBy.optional(),
  fields: someOf(INSTANCE_FIELDS).optional().meta({
    description: "Only these fields, with commas between them.",
    example: "id,name,status",
  }),
  limit: wholeNumber(1, 500).optional().meta({ description: "Of a page; 100 when left out." }),
  cursor: cursorOfList(LIST, place).optional().meta({
    description: "`nextCursor` of the page before, which was sorted alike.",
  }),
  ...readingQuery,
};

/** The routes of the collection. */
export const instancesRoutes: readonly Route[] = [
  {
    method: "POST",
    path: PATH,
    summary: "create an instance",
    docs: {
      id: "createInstance",
      title: "Create an instance",
      tag: "Instances",
      description: "It is not started by that.",
      query: dryRunQuery,
      headers: MUTATION_HEADERS,
      body: {
        schema: creation,
        isRequired: true,
        examples: {
          "drasi-server": {
            name: "orders",
            serverConfiguration: { host: "127.0.0.1", port: 8080, logLevel: "info" },
          },
          command: {
            name: "cache",
            template: "command",
            labels: { team: "sales" },
            serverConfiguration: { command: ["redis-server", "--port", "6380"], port: 6380 },
          },
          image: {
            name: "cache",
            platform: "docker",
            template: "image",
            serverConfiguration: { image: "redis:7", ports: [{ port: 6379 }] },
            restartPolicy: { mode: "always" },
          },
        },
      },
      answers: { 200: "Plan", 201: "InstanceCreated" },
      problems: ["already_exists"],
    },
    handle: create,
  },
  {
    method: "GET",
    path: PATH,
    summary:
      "list: ?status=Running,Failed label=env=prod,!old platform= template= worker= q= sort=-createdAt fields= limit= cursor= atLeast=",
    docs: {
      id: "listInstances",
      title: "List instances",
      tag: "Instances",
      description:
        "Page by page, in the order of their creation or as `sort` says. A cursor is a place: what " +
        "changes between two pages makes nobody else missing or told twice. Deleted ones are told " +
        "only where `status` names them.",
      query: listQuery,
      answers: { 200: "InstanceList" },
    },
    handle: list,
  },
];

async function create(context: HttpContext, services: HttpServices): Promise<Response> {
  const body = await readJsonBody(context, services);
  const input = allParts({
    query: readQuery(context, dryRunQuery),
    headers: readMutationHeaders(context),
    specification: readCreation(body),
  });
  const options = await askOptions(context, services, input.query, input.headers, {
    body: body ?? null,
    query: {},
  });
  const request = { type: "create", specification: input.specification } as const;
  const outcome = await services.system.ask(null, request, options);
  return answer(context, outcome, ({ state, position }) =>
    context.json(instanceView(state), 201, {
      ...instanceHeaders(state, position),
      location: locationOf(state),
    }));
}

async function list(context: HttpContext, services: HttpServices): Promise<Response> {
  const { system } = services;
  const { query } = allParts({ query: readQuery(context, listQuery) });
  const { fields, atLeast } = query;
  const page = await system.list(filterOf(query), atLeast);
  const isAsked = (field: typeof INSTANCE_FIELDS[number]) =>
    fields === undefined || fields.includes(field);
  const workerIds = isAsked("metrics") ? page.items.flatMap((one) => workerOf(one) ?? []) : [];
  const metrics = await system.metrics(workerIds);
  const items = page.items.map((state) => {
    const view = instanceView(state, (workerId) => system.isSilent(workerId), metrics);
    return fields ? onlyThese(fields, view) : view;
  });
  const nextCursor = page.next && cursorOf(LIST, { sort: sortText(query.sort), ...page.next });
  return context.json(
    { items, ...(nextCursor ? { nextCursor } : {}), position: page.position },
    200,
    { "draas-position": page.position, ...staleness(services) },
  );
}

/** @throws {Problem} 400 for a cursor of another order: its place says nothing in this one */
function filterOf(query: ListQuery): ListFilter {
  const { platform, template, worker, q, sort, status, label, cursor, limit = 100 } = query;
  const { sort: sortedBy, ...after } = cursor ?? { sort: sortText(sort) };
  if (sortedBy !== sortText(sort)) {
    throw invalidRequest([{ path: "?cursor", message: `is of a list with sort=${sortedBy}` }]);
  }
  const given = {
    platform,
    template,
    worker,
    q,
    sort,
    statuses: status,
    labels: label,
    after: cursor && after,
  };
  const some = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(some), limit };
}

type ListQuery = z.output<z.ZodObject<typeof listQuery>>;

function onlyThese(fields: readonly string[], view: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(view).filter(([name]) => fields.includes(name)));
}
