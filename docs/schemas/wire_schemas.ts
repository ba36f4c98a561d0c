/** What travels besides commands, responses and events: each shape as Redis is given it. docs/wire-protocol.md */
import { z } from "zod";
import { eventSchemas } from "../../events/instance_events.ts";
import { logReadingSchema, outputLineSchema } from "../../events/server_output.ts";

const position = z.string().regex(/^\d+-\d+$/);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);
const count = z.number().int().nonnegative();

/** ARGV 1-10 of `register`, in this order, each as text. */
export const registrationSchema = z.tuple([
  name.describe("worker"),
  name.describe("incarnation"),
  z.string().describe("machine"),
  name.describe("platform"),
  name.describe("site"),
  z.string().regex(/^\d+$/).describe("slots"),
  z.string().describe("version"),
  z.string().describe("labels: a JSON object of texts"),
  z.string().regex(/^\d+$/).describe(
    "another machine's worker of this id counts as alive for (ms)",
  ),
  z.string().regex(/^\d+$/).describe("incarnations remembered"),
]);

/** ARGV 3 of `complete`. */
export const completionSchema = eventSchemas.CommandSucceeded;

/** ARGV 3 of `observe`. */
export const reportSchema = eventSchemas.RuntimeObserved;

/** ARGV 3 of `observe`, of how a server is. */
export const healthReportedSchema = eventSchemas.HealthObserved;

/** The field `q` of an entry in a `queries` stream. */
export const questionSchema = z.object({
  replyChannel: z.string(),
  query: z.object({
    type: z.literal("logs"),
    instanceId: z.string(),
    tailLines: count,
    reading: logReadingSchema.optional().describe("asks for a page; who knows it not gives lines"),
  }),
  timeoutMs: count,
});

/** A message on the reply channel of a question. */
export const chunkSchema = z.object({
  number: count.describe("from 0, without gaps"),
  lines: z.array(z.string()),
  entries: z.array(outputLineSchema).optional().describe("instead of lines, in a page"),
  cursor: z.string().nullable().optional().describe("where the next page goes on; with end"),
  hasMore: z.boolean().optional().describe("whether more is there already; with end"),
  beat: z.literal(true).optional().describe("no part: the worker has the question and waits"),
  end: z.literal(true).optional().describe("on the last chunk"),
  error: z.string().optional().describe("why there is no answer; nothing follows"),
});

/** The fields of an entry in the log; all are texts. */
export const logEntrySchema = z.object({
  i: z.string().describe("instance"),
  v: z.string().regex(/^\d+$/).describe("the instance's version after it, from 1"),
  t: z.string().describe("type; a reader may meet types that it does not know"),
  s: z.string().regex(/^\d+$/).describe("schema number of the data"),
  d: z.string().describe("data, JSON: events.json by type"),
  m: z.string().describe("metadata, JSON"),
  p: position.describe("entry of the instance's previous event; 0-0 for its first"),
  x: z.literal("1").optional().describe("a reader that does not know the type may pass over it"),
});

/** A message on the reply channel of a command: the event that ended it. */
export const replySchema = z.object({
  position,
  previous: position.nullable(),
  instanceId: z.string(),
  version: count,
  type: z.string(),
  schema: count,
  at: count.describe("epoch milliseconds by Redis' clock"),
  data: z.record(z.string(), z.unknown()).describe("events.json by type"),
  meta: z.record(z.string(), z.unknown()),
});
