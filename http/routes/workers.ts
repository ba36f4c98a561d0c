/** The workers, as the bus knows them, and what an admin may do with them. */
import type { WorkerRecord } from "../../events/command_bus.ts";
import type { JsonObject } from "../../events/json.ts";
import { expectNoBody } from "../ask_options.ts";
import { z } from "zod";
import { allParts } from "../checked_input.ts";
import { cursorOf, cursorOfList } from "../cursor.ts";
import { isoTime } from "../iso_time.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { workerNotFound } from "../problem.ts";
import { readQuery, wholeNumber } from "../query.ts";
import { readJsonBody } from "../request_body.ts";

/** Workers of other makers have ids of any form. */
const ID_CHARACTERS_MAX = 200;

/** What its cursors are called. */
const LIST = "workers";
const listQuery = {
  limit: wholeNumber(1, 500).optional().meta({ description: "Of a page; 100 when left out." }),
  cursor: cursorOfList(LIST, z.string()).optional().meta({
    description: "`nextCursor` of the page before.",
  }),
};

/** The routes of workers. */
export const workerRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/api/workers",
    summary: "the workers that have registered and were not forgotten, by id: ?limit= cursor=",
    docs: {
      id: "listWorkers",
      title: "List workers",
      tag: "Workers",
      description: "Those that have registered and were not forgotten, by their ids, page by page.",
      query: listQuery,
      answers: { 200: "Workers" },
    },
    handle: list,
  },
  {
    method: "POST",
    path: "/api/workers/:id/drain",
    role: "admin",
    summary: "keep new starts from a worker; what it has goes on, also over its restarts",
    docs: {
      id: "drainWorker",
      title: "Drain a worker",
      tag: "Workers",
      description: "Keeps new starts from it; what it has goes on, also over its restarts.",
      answers: { 200: "WorkerDrained" },
      problems: ["worker_not_found"],
    },
    handle: (context, services) => drain(context, services, true),
  },
  {
    method: "POST",
    path: "/api/workers/:id/resume",
    role: "admin",
    summary: "let a drained worker take starts again",
    docs: {
      id: "resumeWorker",
      title: "Resume a drained worker",
      tag: "Workers",
      description: "Lets it take starts again.",
      answers: { 200: "WorkerDrained" },
      problems: ["worker_not_found"],
    },
    handle: (context, services) => drain(context, services, false),
  },
  {
    method: "POST",
    path: "/api/workers/:id/forget",
    role: "admin",
    summary: "give up a worker whose host does not come back: its instances may start elsewhere",
    docs: {
      id: "forgetWorker",
      title: "Give up a worker",
      tag: "Workers",
      description: "Whose host does not come back: its instances may start elsewhere.",
      answers: { 200: "WorkerForgotten" },
      problems: ["worker_not_found", "worker_alive"],
    },
    handle: forget,
  },
];

async function list(context: HttpContext, { system }: HttpServices): Promise<Response> {
  const { query: { limit = 100, cursor: after } } = allParts({
    query: readQuery(context, listQuery),
  });
  const { position } = system;
  const all = (await system.workers())
    .filter(({ workerId }) => after === undefined || workerId > after)
    .sort((a, b) => a.workerId < b.workerId ? -1 : 1);
  const page = all.slice(0, limit);
  return context.json(
    {
      items: page.map((worker) => workerView(worker, system.isSilent(worker.workerId))),
      ...(all.length > limit ? { nextCursor: cursorOf(LIST, page.at(-1)!.workerId) } : {}),
      position,
    },
    200,
    { "draas-position": position },
  );
}

async function drain(
  context: HttpContext,
  services: HttpServices,
  draining: boolean,
): Promise<Response> {
  const workerId = await workerIdOf(context, services);
  if (!await services.system.drainWorker(workerId, draining)) throw workerNotFound(workerId);
  return context.json({ id: workerId, draining });
}

async function forget(context: HttpContext, services: HttpServices): Promise<Response> {
  const workerId = await workerIdOf(context, services);
  const events = await services.system.forgetWorker(workerId, context.get("caller"));
  if (events === null) throw workerNotFound(workerId);
  const instanceIds = [...new Set(events.map(({ instanceId }) => instanceId))];
  return context.json({ id: workerId, forgotten: true, instanceIds });
}

/** The worker's id in the path of a request that has nothing else to say. */
async function workerIdOf(context: HttpContext, services: HttpServices): Promise<string> {
  expectNoBody(await readJsonBody(context, services));
  allParts({ query: readQuery(context, {}) });
  const id = context.req.param("id") ?? "";
  if (id.length > ID_CHARACTERS_MAX) throw workerNotFound(id.slice(0, ID_CHARACTERS_MAX));
  return id;
}

function workerView(
  { workerId, registeredAt, lastHeartbeatAt, ...rest }: WorkerRecord,
  silent: boolean,
): JsonObject {
  return {
    id: workerId,
    ...rest,
    silent,
    registeredAt: isoTime(registeredAt),
    lastHeartbeatAt: isoTime(lastHeartbeatAt),
  };
}
