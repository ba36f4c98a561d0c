/** The fleet's instances: create and list. Design §6. */
import { z } from "zod";
import type { ListFilter } from "../../actors/system_port.ts";
import { templateSchema } from "../../events/configuration.ts";
import { askOptions, dryRunQuery, readMutationHeaders } from "../ask_options.ts";
import { allParts } from "../checked_input.ts";
import { platformText, readCreation } from "../instance_input.ts";
import { instanceView, workerOf } from "../instance_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders, locationOf, staleness } from "../outcome.ts";
import { position, readQuery, status, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";
import { invalidRequest } from "../problem.ts";

const PATH = "/api/server/instances";

/** The routes of the collection. */
export const instancesRoutes: readonly Route[] = [
  { method: "POST", path: PATH, summary: "create an instance", handle: create },
  {
    method: "GET",
    path: PATH,
    summary: "list: ?status= platform= template= worker= label= q= limit= cursor= atLeast=",
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

const text = z.string().min(1, "must not be empty").max(256, "must have at most 256 characters");

const listQuery = {
  status: status.optional(),
  platform: platformText.optional(),
  template: templateSchema.optional(),
  worker: text.optional(),
  label: text.optional(),
  q: text.optional(),
  limit: wholeNumber(1, 500).optional(),
  cursor: text.optional(),
  atLeast: position.optional(),
};

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
