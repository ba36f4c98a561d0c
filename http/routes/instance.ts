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
import {
  change as changeBody,
  destinationBody,
  readChanges,
  readDestination,
} from "../instance_input.ts";
import { instanceView, workerOf } from "../instance_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { answer, instanceHeaders, staleness } from "../outcome.ts";
import { instanceNotFound, problemOfRejection } from "../problem.ts";
import { flag, readingQuery, readQuery } from "../query.ts";
import { readJsonBody } from "../request_body.ts";
import { MUTATION_HEADERS } from "../route_docs.ts";

const PATH = "/api/server/instances/:id";

const moveQuery = {
  ...waitingQuery,
  force: flag.optional().meta({
    description: "`true`: wait for no worker; what its last place keeps is left there.",
  }),
};

const deleteQuery = {
  ...waitingQuery,
  force: flag.optional().meta({
    description: "`true`: wait for no worker; whoever has its server ends it on its return.",
  }),
};

/** The routes of one instance. */
export const instanceRoutes: readonly Route[] = [
  {
    method: "GET",
    path: PATH,
    summary: "one instance: ?atLeast=<position>",
    docs: {
      id: "getInstance",
      title: "Show an instance",
      tag: "Instances",
      description: "With its last failure, which lists leave out.",
      query: readingQuery,
      answers: { 200: "Instance" },
      problems: ["deleted"],
    },
    handle: show,
  },
  {
    method: "PATCH",
    path: PATH,
    summary: "change name, description, labels, restartPolicy, limits, serverConfiguration",
    docs: {
      id: "changeInstance",
      title: "Change an instance",
      tag: "Instances",
      description: "Fields that the body names are replaced, the others stay. A server that runs " +
        "gets a new `serverConfiguration` at its next start.",
      query: dryRunQuery,
      headers: MUTATION_HEADERS,
      body: {
        schema: changeBody,
        isRequired: true,
        examples: {
          labels: { labels: { team: "sales" } },
          restartPolicy: { restartPolicy: { mode: "always", maxStarts: 5 } },
        },
      },
      answers: { 200: "InstanceChanged" },
      problems: ["deleted", "conflict"],
    },
    handle: change,
  },
  {
    method: "POST",
    path: `${PATH}/move`,
    forceRole: "admin",
    summary: "move it, stopped, to another platform: ?force=true wait=false",
    docs: {
      id: "moveInstance",
      title: "Move an instance to another platform",
      tag: "Instances",
      description: "It must not run. What its last place keeps of it is removed there.",
      query: moveQuery,
      headers: MUTATION_HEADERS,
      body: {
        schema: destinationBody,
        isRequired: true,
        examples: {
          docker: {
            platform: "docker",
            template: "image",
            serverConfiguration: { image: "redis:7" },
          },
        },
      },
      answers: { 200: "InstanceChanged", 202: "Accepted" },
      problems: ["deleted", "conflict"],
    },
    handle: move,
  },
  {
    method: "DELETE",
    path: PATH,
    summary: "delete it: ?force=true wait=false",
    docs: {
      id: "deleteInstance",
      title: "Delete an instance",
      tag: "Instances",
      description: "What runs is stopped, and what its host keeps is removed. Its history stays.",
      query: deleteQuery,
      headers: MUTATION_HEADERS,
      answers: { 200: "Plan", 202: "Accepted", 204: "Gone" },
      problems: ["conflict", "deleted"],
    },
    // What may still run is given up: that it does not is for whoever keeps the hosts to know.
    forceRole: "admin",
    handle: remove,
  },
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
  const { query } = allParts({ query: readQuery(context, readingQuery) });
  const state = await presentInstance(context, services, query.atLeast);
  const { system } = services;
  const worker = workerOf(state);
  const metrics = worker === undefined ? undefined : await system.metrics([worker]);
  const text = services.shown.textOf(state, (workerId) => system.isSilent(workerId), metrics);
  return context.body(text, 200, {
    "content-type": "application/json",
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
    query: readQuery(context, moveQuery),
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
    query: readQuery(context, deleteQuery),
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
