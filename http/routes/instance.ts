/** One instance: show, change and delete. Design §6. */
import type { AskOutcome } from "../../actors/system_port.ts";
import type { Position } from "../../events/envelope.ts";
import type { Specification } from "../../events/specification.ts";
import type { InstanceState } from "../../machines/lifecycle.ts";
import { deletedRejection } from "../../machines/decide.ts";
import { statusOf } from "../../machines/status.ts";
import {
  askOptions,
  dryRunQuery,
  expectNoBody,
  readMutationHeaders,
  waitingQuery,
} from "../ask_options.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { readChanges, readDestination } from "../instance_input.ts";
import { failureView } from "../health_view.ts";
import { instanceView, workerOf } from "../instance_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders, staleness } from "../outcome.ts";
import { instanceNotFound, problemOfRejection } from "../problem.ts";
import { flag, position, readQuery } from "../query.ts";
import { readJsonBody } from "../request_body.ts";

const PATH = "/api/server/instances/:id";

/** The routes of one instance. */
export const instanceRoutes: readonly Route[] = [
  { method: "GET", path: PATH, summary: "one instance: ?atLeast=<position>", handle: show },
  {
    method: "PATCH",
    path: PATH,
    summary: "change name, description, labels, restartPolicy, limits, serverConfiguration",
    handle: change,
  },
  {
    method: "POST",
    path: `${PATH}/move`,
    summary: "move it, stopped, to another platform: ?force=true wait=false",
    handle: move,
  },
  { method: "DELETE", path: PATH, summary: "delete it: ?force=true wait=false", handle: remove },
];

/**
 * The instance that the path names.
 * @throws {Problem} 404 when there never was one, 410 when it was deleted
 */
export async function presentInstance(
  context: HttpContext,
  { system }: HttpServices,
  atLeast?: Position,
): Promise<InstanceState> {
  const instanceId = instanceIdOf(context);
  const state = await system.get(instanceId, atLeast);
  if (!state?.context.specification) throw instanceNotFound(instanceId);
  if (statusOf(state) === "Deleted") throw problemOfRejection(deletedRejection(state));
  return state;
}

async function show(context: HttpContext, services: HttpServices): Promise<Response> {
  const { query } = allParts({ query: readQuery(context, { atLeast: position.optional() }) });
  const state = await presentInstance(context, services, query.atLeast);
  const { system } = services;
  const worker = workerOf(state);
  const metrics = worker === undefined ? undefined : await system.metrics([worker]);
  const shown = instanceView(state, (workerId) => system.isSilent(workerId), metrics);
  return context.json({ ...shown, ...failureView(state) }, 200, {
    ...instanceHeaders(state, state.context.position),
    ...staleness(services),
  });
}

/**
 * The specification of the instance that the path names. That it was deleted is the decision's to say: a repeated
 * change has been answered already.
 * @throws {Problem} 404 when there never was one
 */
async function specificationOf(
  instanceId: string,
  { system }: HttpServices,
): Promise<Specification> {
  const specification = (await system.get(instanceId))?.context.specification;
  if (!specification) throw instanceNotFound(instanceId);
  return specification;
}

async function change(context: HttpContext, services: HttpServices): Promise<Response> {
  const body = await readJsonBody(context, services);
  const instanceId = instanceIdOf(context);
  const specification = await specificationOf(instanceId, services);
  const input = allParts({
    query: readQuery(context, dryRunQuery),
    headers: readMutationHeaders(context),
    changes: readChanges(body, specification.template),
  });
  const options = await askOptions(context, services, input.query, input.headers, {
    body: body ?? null,
    query: {},
  });
  const request = { type: "configure", changes: input.changes } as const;
  return shownWhenDone(context, await services.system.ask(instanceId, request, options));
}

async function move(context: HttpContext, services: HttpServices): Promise<Response> {
  const body = await readJsonBody(context, services);
  const instanceId = instanceIdOf(context);
  const input = allParts({
    query: readQuery(context, { ...waitingQuery, force: flag.optional() }),
    headers: readMutationHeaders(context),
    to: readDestination(body, (await specificationOf(instanceId, services)).template),
  });
  const force = input.query.force ?? false;
  const options = await askOptions(context, services, input.query, input.headers, {
    body: body ?? null,
    query: { force },
  });
  const request = { type: "move", to: input.to, force } as const;
  return shownWhenDone(context, await services.system.ask(instanceId, request, options));
}

function shownWhenDone(context: HttpContext, outcome: AskOutcome): Response {
  return answer(
    context,
    outcome,
    ({ state, position }) =>
      context.json(instanceView(state), 200, instanceHeaders(state, position)),
  );
}

async function remove(context: HttpContext, services: HttpServices): Promise<Response> {
  expectNoBody(await readJsonBody(context, services));
  const instanceId = instanceIdOf(context);
  const { query, headers } = allParts({
    query: readQuery(context, { ...waitingQuery, force: flag.optional() }),
    headers: readMutationHeaders(context),
  });
  const force = query.force ?? false;
  const options = await askOptions(context, services, query, headers, {
    body: null,
    query: { force },
  });
  const outcome = await services.system.ask(instanceId, { type: "delete", force }, options);
  return answer(
    context,
    outcome,
    ({ position }) => new Response(null, { status: 204, headers: { "draas-position": position } }),
  );
}
