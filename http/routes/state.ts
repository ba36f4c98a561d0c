/** Time travel: what an instance was at a version or at a time. Design §6. */
import type { Moment, PastState } from "../../actors/system_port.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { allParts, instanceIdOf } from "../checked_input.ts";
import { eventView } from "../event_view.ts";
import { failureView } from "../health_view.ts";
import { deletionView, instanceView } from "../instance_view.ts";
import { isoTime } from "../iso_time.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { instanceNotFound, Problem } from "../problem.ts";
import { exactlyOneOf, readQuery, time, VERSION_MAX, wholeNumber } from "../query.ts";

const PATH = "/api/server/instances/:id/state";

const stateQuery = {
  version: wholeNumber(1, VERSION_MAX).optional().meta({
    description: "How many events it had been through. This or `at`.",
  }),
  at: time.optional(),
};

/** The route of time travel. */
export const stateRoutes: readonly Route[] = [
  {
    method: "GET",
    path: PATH,
    summary: "what it was, deleted or not: ?version= or at=<time>",
    docs: {
      id: "getPastInstance",
      title: "Show what an instance was",
      tag: "History",
      description: "At a version or at a time; one of them must be given.",
      query: stateQuery,
      answers: { 200: "PastInstance" },
      problems: ["version_not_found", "log_truncated"],
    },
    handle: past,
  },
];

async function past(context: HttpContext, { system }: HttpServices): Promise<Response> {
  const instanceId = instanceIdOf(context);
  const { query } = allParts({
    query: readQuery(context, stateQuery),
    oneWay: exactlyOneOf(context, "version", "at"),
  });
  const { version, at = 0 } = query;
  const moment = version === undefined ? { at } : { version };
  const { state, event } = foundIn(await system.past(instanceId, moment), instanceId, moment);
  // A worker may have told of it before anybody had created it.
  if (state.context.specification === null) throw instanceNotFound(instanceId);
  return context.json(
    {
      ...instanceView(state),
      ...failureView(state),
      ...deletionView(state),
      at: isoTime(event.at),
      event: eventView(event),
      position: event.position,
    },
    200,
    { "draas-position": event.position },
  );
}

type Found = PastState & { kind: "found" };

function foundIn(found: PastState, instanceId: string, moment: Moment): Found {
  switch (found.kind) {
    case "found":
      return found;
    case "unknown":
      throw instanceNotFound(instanceId);
    case "ahead":
      throw notYet(instanceId, moment, found.newest);
    case "before":
      throw notCreated(instanceId, found.first);
    case "cut":
      throw cut(instanceId, moment, found.first);
  }
}

function notYet(instanceId: string, moment: Moment, newest: RecordedEvent): Problem {
  const { version } = newest;
  const asked = "version" in moment ? moment.version : version;
  return new Problem("version_not_found", {
    detail: `Instance '${instanceId}' has come to version ${version}, at ${isoTime(newest.at)}.`,
    hint: `GET /api/server/instances/${instanceId}/wait?atLeastVersion=${asked} waits for it.`,
    extra: { version, at: isoTime(newest.at) },
  });
}

function notCreated(instanceId: string, first: RecordedEvent): Problem {
  const firstAt = isoTime(first.at);
  return new Problem("version_not_found", {
    detail: `There was no instance '${instanceId}' before ${firstAt}.`,
    hint: `Ask for ?at=${firstAt} or later.`,
    extra: { firstVersion: first.version, firstAt, firstPosition: first.position },
  });
}

function cut(instanceId: string, moment: Moment, first: RecordedEvent): Problem {
  const asked = "version" in moment ? `at version ${moment.version}` : `at ${isoTime(moment.at)}`;
  const { version: firstVersion, position: firstPosition } = first;
  const firstAt = isoTime(first.at);
  return new Problem("log_truncated", {
    detail: `What instance '${instanceId}' was ${asked} was cut from the log.`,
    hint: `The first that there is: ?version=${firstVersion}, from ${firstAt} on.`,
    extra: { firstVersion, firstAt, firstPosition },
  });
}
