/** The fleet's log as a stream of server-sent events. Design §6. */
import { z } from "zod";
import { isPosition } from "../../events/envelope.ts";
import type { Parsed } from "../../events/specification.ts";
import { allParts } from "../checked_input.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { tooManyStreams } from "../problem.ts";
import { readQuery } from "../query.ts";
import { openEventStream } from "../sse.ts";
import { streamResponse } from "../sse_channel.ts";

const POSITION = "must be a position in the log, such as 0-0";

const eventsQuery = {
  after: z.string().refine((text) => text === "now" || isPosition(text), {
    error: `${POSITION}, or now`,
  }).optional().meta({
    description: "Where to begin: after this position; `now` when left out. `Last-Event-ID` goes " +
      "before it.",
    pattern: "^(now|\\d{1,15}-\\d{1,15})$",
  }),
};

/** The route of the log; it keeps count of its open streams. */
export function eventsRoutes(): readonly Route[] {
  let open = 0;
  return [{
    method: "GET",
    path: "/api/events",
    summary: "every event as it happens (SSE): ?after=<position> or Last-Event-ID; from now on",
    docs: {
      id: "followEvents",
      title: "Follow the fleet's log",
      tag: "Events",
      description:
        "Server-sent events, from where you were: nothing is left out, nothing told twice.",
      query: eventsQuery,
      headers: ["Last-Event-ID"],
      answers: { 200: "EventStream" },
      problems: ["busy", "log_truncated"],
    },
    async handle(context, services) {
      const { limits, system, clock, closing, watch } = services;
      const after = await startOf(context, services);
      // HEAD comes here too, and nobody would ever read or end its stream.
      if (context.req.method === "HEAD") return streamResponse(null);
      if (open >= limits.eventStreamsMax) {
        throw tooManyStreams(limits.eventStreamsMax);
      }
      const count = (by: number) => {
        open += by;
        watch?.eventStreams("events", open);
      };
      count(1);
      const stream = await openEventStream({
        system,
        clock,
        heartbeatMs: limits.heartbeatMs,
        bufferBytes: limits.eventBufferBytes,
        ...(closing ? { closing } : {}),
        onEnd: () => count(-1),
      }, after);
      return streamResponse(stream);
    },
  }];
}

/** A reconnecting client sends both: its address as it was, and where it has come to. */
async function startOf(context: HttpContext, { system }: HttpServices): Promise<string> {
  const { query, lastEventId } = allParts({
    query: readQuery(context, eventsQuery),
    lastEventId: readLastEventId(context),
  });
  const given = lastEventId ?? query.after ?? "now";
  return given === "now" ? system.position : given;
}

function readLastEventId(context: HttpContext): Parsed<string | undefined> {
  const id = context.req.header("last-event-id") || undefined;
  return id === undefined || isPosition(id)
    ? { ok: true, value: id }
    : { ok: false, faults: [{ path: "Last-Event-ID", message: POSITION }] };
}
