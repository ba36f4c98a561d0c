/** What an instance has been through and what it said: its events and its output. Design §6. */
import { allParts, instanceIdOf } from "../checked_input.ts";
import { eventView } from "../event_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { historyTruncated, instanceNotFound } from "../problem.ts";
import { readQuery, wholeNumber } from "../query.ts";
import { presentInstance } from "./instance.ts";

const PATH = "/api/server/instances/:id";
const VERSION_MAX = 999_999_999_999;

/** The routes of history and logs. */
export const historyRoutes: readonly Route[] = [
  {
    method: "GET",
    path: `${PATH}/events`,
    summary: "its events, oldest first: ?limit= before=<version>",
    handle: history,
  },
  {
    method: "GET",
    path: `${PATH}/logs`,
    summary: "its last lines of output: ?tail=; text/plain by Accept",
    handle: logs,
  },
];

/** Deleted instances have a history too. */
async function history(context: HttpContext, { system }: HttpServices): Promise<Response> {
  const instanceId = instanceIdOf(context);
  const { query } = allParts({
    query: readQuery(context, {
      limit: wholeNumber(1, 500).optional(),
      before: wholeNumber(1, VERSION_MAX).optional(),
    }),
  });
  const state = await system.get(instanceId);
  if (!state?.context.specification) throw instanceNotFound(instanceId);
  const events = await system.history(instanceId, query.limit ?? 100, query.before);
  const first = events[0];
  const { before } = query;
  if (!first && before !== undefined && before > 1 && before <= state.context.version) {
    throw historyTruncated(instanceId, before);
  }
  return context.json({
    items: events.map(eventView),
    ...(first && first.version > 1 ? { nextBefore: first.version } : {}),
    position: state.context.position,
  });
}

async function logs(context: HttpContext, services: HttpServices): Promise<Response> {
  const { query } = allParts({
    query: readQuery(context, { tail: wholeNumber(1, 5_000).optional() }),
  });
  const { instanceId } = (await presentInstance(context, services)).context;
  const lines = await services.system.logs(instanceId, query.tail ?? 200);
  return prefersText(context.req.header("accept") ?? "")
    ? context.text(lines.map((line) => `${line}\n`).join(""))
    : context.json({ items: lines });
}

/** JSON unless the client names plain text and not JSON, or names text first. */
function prefersText(accept: string): boolean {
  const text = accept.indexOf("text/plain");
  const json = accept.indexOf("application/json");
  return text >= 0 && (json < 0 || text < json);
}
