/** The fleet's instances: create and list. Design §6. */
import { z } from "zod";
import type { ListFilter } from "../../actors/system_port.ts";
import { templateSchema } from "../../events/configuration.ts";
import { askOptions, dryRunQuery, readMutationHeaders } from "../ask_options.ts";
import { allParts } from "../checked_input.ts";
import { creation, platformText, readCreation } from "../instance_input.ts";
import { instanceView, workerOf } from "../instance_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders, locationOf, staleness } from "../outcome.ts";
import { readingQuery, readQuery, status, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";
import { invalidRequest } from "../problem.ts";
import { MUTATION_HEADERS } from "../route_docs.ts";

const PATH = "/api/server/instances";

const text = z.string().min(1, "must not be empty").max(256, "must have at most 256 characters");

const listQuery = {
  status: status.optional(),
  platform: platformText.optional(),
  template: templateSchema.optional(),
  worker: text.optional().meta({ description: "The id of the worker that it may run at." }),
  label: text.optional().meta({ description: "`key` or `key=value`." }),
  q: text.optional().meta({ description: "Part of the name or the id, in any case." }),
  limit: wholeNumber(1, 500).optional().meta({ description: "Of a page; 100 when left out." }),
  cursor: text.optional().meta({ description: "`nextCursor` of the page before." }),
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
    summary: "list: ?status= platform= template= worker= label= q= limit= cursor= atLeast=",
    docs: {
      id: "listInstances",
      title: "List instances",
      tag: "Instances",
      description: "In the order of their creation, page by page. Deleted ones are left out.",
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
  const { query } = allParts({ query: readQuery(context, listQuery) });
  const { limit = 100, atLeast, ...filters } = query;
  const { cursor } = filters;
  if (cursor !== undefined && !await services.system.get(cursor)) {
    throw invalidRequest([{
      path: "?cursor",
      message: "must be the nextCursor of a page of this list",
    }]);
  }
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  const filter = { ...Object.fromEntries(given), limit } as ListFilter;
  const page = await services.system.list(filter, atLeast);
  const workerIds = page.items.flatMap((state) => workerOf(state) ?? []);
  const metrics = await services.system.metrics(workerIds);
  return context.json(
    {
      items: page.items.map((state) =>
        instanceView(state, (workerId) => services.system.isSilent(workerId), metrics)
      ),
      ...(page.nextCursor === null ? {} : { nextCursor: page.nextCursor }),
      position: page.position,
    },
    200,
    { "draas-position": page.position, ...staleness(services) },
  );
}
