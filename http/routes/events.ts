/** The fleet's log as a stream. Design §6. */
import { z } from "zod";
import { eventSchemas, type EventType } from "../../events/instance_events.ts";
import { ID_PATTERN } from "../../events/ids.ts";
import type { Parsed } from "../../events/specification.ts";
import { allParts } from "../checked_input.ts";
import type { EventFilter } from "../event_filter.ts";
import { type EventFormat, formatFor } from "../event_format.ts";
import { findPlace, type GivenPlace, readEventId } from "../event_id.ts";
import { EventPages } from "../event_pages.ts";
import { openEventStream } from "../event_stream.ts";
import { strangePlaceView } from "../history_break_view.ts";
import { labelSelector, someOf } from "../list_query.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { tooManyStreams } from "../problem.ts";
import { readQuery } from "../query.ts";
import { streamResponse } from "../sse_channel.ts";

const PLACE = "must be a position in the log, such as 0-0";
const ID = "the id of a message of this stream";
const INSTANCES_MAX = 100;

const instanceIds = z.string().transform((text, issues) => {
  const ids = text.split(",").map((id) => id.trim());
  if (ids.length <= INSTANCES_MAX && ids.every((id) => ID_PATTERN.test(id))) return new Set(ids);
  issues.addIssue({
    code: "custom",
    message: `must be at most ${INSTANCES_MAX} ids of instances, with commas between them`,
  });
  return z.NEVER;
});

const eventsQuery = {
  after: z.string().transform((text, issues) => {
    const place = text === "now" ? null : readEventId(text);
    if (place !== null || text === "now") return place;
    issues.addIssue({ code: "custom", message: `${PLACE}, ${ID}, or now` });
    return z.NEVER;
  }).optional().meta({
    description: "Where to begin: after this position, or after the message of this id; `now` " +
      "when left out. `Last-Event-ID` goes before it.",
    pattern: "^(now|([0-9a-f]{8}:)?\\d{1,15}-\\d{1,15})$",
  }),
  instance: instanceIds.optional().meta({
    description: "Only of these instances: their ids, with commas between them.",
  }),
  type: someOf(Object.keys(eventSchemas) as EventType[]).optional().meta({
    description: "Only of these types, with commas between them.",
    example: "InstanceCreated,CommandFailed",
  }),
  label: labelSelector.optional().meta({
    description: "Only of instances whose labels are so by then, as in the list of instances.",
  }),
};

/** The route of the log; it keeps count of its open streams, and what they share. */
export function eventsRoutes(): readonly Route[] {
  let open = 0;
  const shared = new Map<EventFormat, EventPages>();
  return [{
    method: "GET",
    path: "/api/events",
    summary:
      "every event as it happens (SSE, or NDJSON by Accept): ?after=<position> or Last-Event-ID; instance= type= label=",
    docs: {
      id: "followEvents",
      title: "Follow the fleet's log",
      tag: "Events",
      description: "From where you were: nothing is left out, nothing told twice. As server-sent " +
        "events, or as lines of JSON for `Accept: application/x-ndjson`.",
      query: eventsQuery,
      headers: ["Last-Event-ID", "Accept"],
      answers: { 200: "EventStream" },
      problems: ["busy", "log_truncated"],
    },
    async handle(context, services) {
      const { limits, system, clock, closing, onBug, watch } = services;
      const { given, filter } = readAsked(context);
      const format = formatFor(context.req.header("accept") ?? "");
      // HEAD comes here too, and nobody would ever read or end its stream.
      if (context.req.method === "HEAD") return streamResponse(null, format.contentType);
      if (open >= limits.eventStreamsMax) throw tooManyStreams(limits.eventStreamsMax);
      const count = (by: number) => {
        open += by;
        watch?.eventStreams("events", open);
      };
      count(1);
      const now = system.position;
      const wanted = given ?? { epoch: null, position: now };
      const found = await findPlace(system, wanted).catch((error) => {
        count(-1);
        throw error;
      });
      if (!found && given) {
        count(-1);
        return gap(given, services, format);
      }
      const pages = shared.get(format) ?? new EventPages(system, clock, format);
      shared.set(format, pages);
      const traceId = context.get("correlationId");
      const { method, path } = context.req;
      const stream = await openEventStream({
        system,
        pages,
        format,
        ...(filter ? { filter } : {}),
        clock,
        heartbeatMs: limits.heartbeatMs,
        bufferBytes: limits.eventBufferBytes,
        stalledMs: limits.streamStallMs,
        ...(closing ? { closing } : {}),
        onEnd: () => count(-1),
        onBug: (error) => onBug(error, { traceId, method, path }),
      }, found ?? { id: now, position: now });
      return streamResponse(stream, format.contentType);
    },
  }];
}

/** A reconnecting client sends both: its address as it was, and where it has come to. `given` is null for "now". */
function readAsked(context: HttpContext): { given: GivenPlace | null; filter?: EventFilter } {
  const { query: { after, instance, type, label }, lastEventId } = allParts({
    query: readQuery(context, eventsQuery),
    lastEventId: readLastEventId(context),
  });
  const filter: EventFilter = {
    ...(instance ? { instanceIds: instance } : {}),
    ...(type ? { types: new Set(type) } : {}),
    ...(label ? { labels: label } : {}),
  };
  const given = lastEventId ?? after ?? null;
  return Object.keys(filter).length === 0 ? { given } : { given, filter };
}

function readLastEventId(context: HttpContext): Parsed<GivenPlace | undefined> {
  const id = context.req.header("last-event-id") || undefined;
  const place = id === undefined ? undefined : readEventId(id);
  return place === null
    ? { ok: false, faults: [{ path: "Last-Event-ID", message: `${PLACE}, or ${ID}` }] }
    : { ok: true, value: place };
}

/** A stream that says that its client's place is none of this log, and where it can go on. */
function gap(
  { epoch, position }: GivenPlace,
  { system }: HttpServices,
  format: EventFormat,
): Response {
  const given = epoch === null ? position : `${epoch}:${position}`;
  const { type, resumeAfter, data } = strangePlaceView(given, system.position);
  const text = format.preamble + format.message(type, resumeAfter, data);
  return streamResponse(new Blob([text]).stream(), format.contentType);
}
