/** Answers about what was: events, states, explanations; and what servers print. */
import { z } from "zod";
import { eventSchemas, type EventType } from "../../../events/instance_events.ts";
import { STATUSES } from "../../../machines/requests.ts";
import { EVENT, event } from "../event_schema.ts";
import { INSTANCE, instance } from "../instance_schema.ts";
import { count, json, logPosition, time } from "../values.ts";
import { READ_HEADERS } from "./instances.ts";

const history = z.object({
  items: z.array(event),
  nextCursor: z.string().optional().meta({ description: "There are older ones." }),
  position: logPosition,
}).meta({ id: "History" });

const past = instance.extend({ at: time, event, position: logPosition })
  .meta({ id: "PastInstance" });

const types = Object.keys(eventSchemas) as EventType[];

const step = z.object({
  at: time,
  version: count,
  position: logPosition,
  kind: z.enum(["request", "command", "accept", "answer", "end", "report", "policy", "gap"]),
  text: z.string(),
  event: z.enum(types),
  requestedBy: z.string().optional(),
  correlationId: z.string().optional(),
  commandId: z.string().optional(),
  workerId: z.string().optional(),
  site: z.string().optional(),
  runId: z.string().optional(),
});

const next = z.object({
  at: time.optional(),
  kind: z.string(),
  text: z.string(),
  commandId: z.string().optional(),
  workerId: z.string().optional(),
});

const explanation = z.object({
  id: z.string(),
  status: z.enum(STATUSES),
  summary: z.string(),
  version: count,
  steps: z.array(step).meta({ description: "What led to it, oldest first." }),
  next: z.array(next).meta({ description: "What is owed, the first due first." }),
  position: logPosition,
}).meta({ id: "Explanation" });

const line = z.object({
  stream: z.enum(["stdout", "stderr", "marker"]),
  at: time.nullable(),
  between: z.array(time).optional().meta({
    description: "Where `at` is null: it was printed after the first and not after the second.",
  }),
  kind: z.string().optional(),
  text: z.string(),
}).meta({ id: "OutputLine" });

const lines = z.object({
  items: z.union([z.array(z.string()), z.array(line)]),
}).meta({ id: "OutputLines" });

const eventLine = z.object({
  id: z.string().optional(),
  event: z.enum([...types, "connected", "heartbeat", "gap", "error"]),
  data: z.union([event, z.looseObject({})]),
}).meta({ id: "EventLine", description: "Each line is one." });

const AT = "2026-01-31T12:00:00.000Z";
const message = (type: string, id: string, data: unknown) =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

export const HISTORY_ANSWERS = {
  History: {
    description: "Its events, oldest first.",
    headers: ["Draas-Position"],
    content: json(history, {
      items: [EVENT],
      nextCursor: "WyJldmVudHMiLHt9XQ",
      position: "12-0",
    }),
  },
  PastInstance: {
    description: "What it was, and the event that made it so.",
    headers: ["Draas-Position"],
    content: json(past, { ...INSTANCE, at: AT, event: EVENT, position: "12-0" }),
  },
  Explanation: {
    description: "Why it is what it is.",
    headers: READ_HEADERS,
    content: json(explanation, {
      id: "inst-1b2c3d",
      status: "Starting",
      summary: "It is Starting: anonymous asked for a start.",
      version: 2,
      steps: [{
        at: AT,
        version: 2,
        position: "12-0",
        kind: "request",
        text: "anonymous asked for a start.",
        event: "StartRequested",
        requestedBy: "anonymous",
        commandId: "cmd-7a8b9c",
      }],
      next: [{ kind: "answer", text: "Worker worker-1 has the start, and answers it." }],
      position: "12-0",
    }),
  },
  EventStream: {
    description: "Events as they happen. The first message, `connected`, tells where the stream " +
      "begins; then each is named by its type, its data is an `Event`, its id the place to go on " +
      "after: `epoch:position`. `gap` and `error` are the last ones of a stream that cannot go on, " +
      "and say why. A heart-beat may have an id: so far the log was read.",
    headers: [],
    content: {
      "text/event-stream": {
        schema: z.string(),
        example: "retry: 2000\n" + message("connected", "0badcafe:11-0", { position: "11-0" }) +
          message(EVENT.type, `0a1b2c3d:${EVENT.position}`, EVENT),
      },
      "application/x-ndjson": {
        schema: eventLine,
        example: { id: `0a1b2c3d:${EVENT.position}`, event: EVENT.type, data: EVENT },
      },
    },
  },
  Logs: {
    description: "What it has printed; with `?follow=true` as it comes: messages `lines` with " +
      "`{items}`, and `end` or `error` as the last one.",
    headers: [],
    content: {
      ...json(lines, { items: ["listening on 127.0.0.1:8080"] }),
      "text/plain": { schema: z.string(), example: "listening on 127.0.0.1:8080\n" },
      "text/event-stream": {
        schema: z.string(),
        example: message("lines", "1.120@site-1", {
          items: [{ stream: "stdout", at: AT, text: "listening on 127.0.0.1:8080" }],
        }),
      },
    },
  },
} as const;
