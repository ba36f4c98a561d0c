/** What an instance has been through: its events. Design §6. */
import { allParts, instanceIdOf } from "../checked_input.ts";
import { eventView } from "../event_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { historyTruncated, instanceNotFound } from "../problem.ts";
import { readQuery, VERSION_MAX, wholeNumber } from "../query.ts";

const PATH = "/api/server/instances/:id";

const historyQuery = {
  limit: wholeNumber(1, 500).optional().meta({ description: "100 when left out." }),
  before: wholeNumber(1, VERSION_MAX).optional().meta({
    description: "Only events below this version: `nextBefore` of the page before.",
  }),
};

/** The route of history. */
export const historyRoutes: readonly Route[] = [
  {
    method: "GET",
    path: `${PATH}/events`,
    summary: "its events, oldest first: ?limit= before=<version>",
    docs: {
      id: "listEventsOfInstance",
      title: "List an instance's events",
      tag: "History",
      description: "The newest ones, oldest first. Deleted instances have a history too.",
      query: historyQuery,
      answers: { 200: "History" },
      problems: ["log_truncated"],
    },
    handle: history,
  },
];

/** Deleted instances have a history too. */
async function history(context: HttpContext, { system }: HttpServices): Promise<Response> {
  const instanceId = instanceIdOf(context);
  const { query } = allParts({
    query: readQuery(context, historyQuery),
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
