/** What an instance has been through: its events. Design §6. */
import { z } from "zod";
import { isPosition } from "../../events/envelope.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { cursorOf, cursorOfList } from "../cursor.ts";
import { eventView } from "../event_view.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { historyTruncated, instanceNotFound } from "../problem.ts";
import { atMostOneOf, readQuery, VERSION_MAX, wholeNumber } from "../query.ts";

const PATH = "/api/server/instances/:id";

/** Where a page goes on: before an event that was told. */
const place = z.strictObject({
  version: z.number().int().min(2).max(VERSION_MAX),
  previous: z.string().refine(isPosition),
});
/** What its cursors are called. */
const LIST = "events";

const historyQuery = {
  limit: wholeNumber(1, 500).optional().meta({ description: "100 when left out." }),
  before: wholeNumber(1, VERSION_MAX).optional().meta({
    description: "Only events below this version.",
  }),
  cursor: cursorOfList(LIST, place).optional().meta({
    description: "`nextCursor` of the page before: what comes before that.",
  }),
};

/** The route of history. */
export const historyRoutes: readonly Route[] = [
  {
    method: "GET",
    path: `${PATH}/events`,
    summary: "its last events, oldest first: ?limit= cursor= (further back), or before=<version>",
    docs: {
      id: "listEventsOfInstance",
      title: "List an instance's events",
      tag: "History",
      description:
        "The newest ones, oldest first; the next page goes further back. Deleted instances have " +
        "a history too.",
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
  const { query: { limit = 100, before, cursor } } = allParts({
    query: readQuery(context, historyQuery),
    places: atMostOneOf(context, "before", "cursor"),
  });
  const state = await system.get(instanceId);
  if (!state?.context.specification) throw instanceNotFound(instanceId);
  const events = await system.history(instanceId, limit, cursor ?? before);
  const first = events[0];
  const below = cursor?.version ?? before;
  if (!first && below !== undefined && below > 1 && below <= state.context.version) {
    throw historyTruncated(instanceId, below);
  }
  const { position } = state.context;
  return context.json(
    {
      items: events.map(eventView),
      ...(first && first.previous !== null
        ? { nextCursor: cursorOf(LIST, { version: first.version, previous: first.previous }) }
        : {}),
      position,
    },
    200,
    { "draas-position": position },
  );
}
