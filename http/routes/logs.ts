/** What an instance's server prints: its last lines, or all that comes, as server-sent events. Design §6. */
import { z } from "zod";
import type { FollowBegin } from "../../actors/system_port.ts";
import {
  type OutputLine,
  plainText,
  TAIL_LINES_MAX,
  withoutColours,
} from "../../events/server_output.ts";
import type { Parsed } from "../../events/specification.ts";
import { allParts } from "../checked_input.ts";
import { openLogStream, outputLineView } from "../log_stream.ts";
import type { HttpContext, HttpServices, Route } from "../options.ts";
import { tooManyStreams } from "../problem.ts";
import { flag, readQuery, wholeNumber } from "../query.ts";
import { streamResponse } from "../sse_channel.ts";
import { presentInstance } from "./instance.ts";

/** Lines where a request names neither `tail` nor `since`. */
const TAIL_LINES = 200;
const POSITION = /^[0-9.]{1,64}@[A-Za-z0-9-]{1,64}$/;

const logsQuery = {
  tail: wholeNumber(0, TAIL_LINES_MAX).optional().meta({
    description: `The last lines; ${TAIL_LINES} where \`since\` is left out too.`,
  }),
  since: since().optional(),
  stream: z.enum(["stdout", "stderr"], { error: "must be stdout or stderr" }).optional(),
  follow: flag.optional().meta({
    description: "`true`: go on with what it prints, as server-sent events.",
  }),
  timestamps: flag.optional().meta({ description: "`true`: tell when each line was printed." }),
  colours: z.enum(["keep", "strip"], { error: "must be keep or strip" }).optional().meta({
    description: "Whether colour codes are left in; they are when left out.",
  }),
};

/** The route of logs; it keeps count of the streams that are open. */
export function logsRoutes(): readonly Route[] {
  let open = 0;
  return [{
    method: "GET",
    path: "/api/server/instances/:id/logs",
    // Servers print what is in no configuration.
    role: "operator",
    summary:
      "what it prints: ?tail= since= stream= timestamps= colours= follow= (SSE); text by Accept",
    docs: {
      id: "readLogs",
      title: "Read what its server prints",
      tag: "Logs",
      query: logsQuery,
      headers: ["Accept", "Last-Event-ID"],
      answers: { 200: "Logs" },
      problems: ["deleted", "site_unreachable", "busy"],
    },
    async handle(context, services) {
      const asked = readAsked(context, services);
      const { instanceId } = (await presentInstance(context, services)).context;
      if (!asked.follow) return await once(context, services, instanceId, asked);
      // HEAD comes here too, and nobody would ever read or end its stream.
      if (context.req.method === "HEAD") return streamResponse(null);
      const { logStreamsMax } = services.limits;
      if (open >= logStreamsMax) throw tooManyStreams(logStreamsMax);
      const { system, clock, limits, closing, watch } = services;
      const count = (by: number) => {
        open += by;
        watch?.eventStreams("logs", open);
      };
      count(1);
      return streamResponse(
        await openLogStream({
          follow: (signal) => system.output.follow(instanceId, beginOf(asked), signal),
          adapt: (line) => adapted(line, asked),
          clock,
          heartbeatMs: limits.heartbeatMs,
          bufferBytes: limits.logBufferBytes,
          stalledMs: limits.streamStallMs,
          ...(closing ? { closing } : {}),
          onEnd: () => count(-1),
        }),
      );
    },
  }];
}

interface Asked {
  tail?: number | undefined;
  since?: number | undefined;
  stream?: "stdout" | "stderr" | undefined;
  follow?: boolean | undefined;
  timestamps?: boolean | undefined;
  colours?: "keep" | "strip" | undefined;
  after?: string | undefined;
}

function readAsked(context: HttpContext, { clock }: HttpServices): Asked {
  const { query, after } = allParts({
    query: readQuery(context, logsQuery),
    after: readLastEventId(context),
  });
  return { ...query, since: query.since?.(clock.now()), after };
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A time, or how long ago: epoch milliseconds once the present is known. */
function since() {
  return z.string().transform((text, issues): (now: number) => number => {
    const [, count, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
    if (count !== undefined) return (now) => now - Number(count) * UNITS_MS[unit]!;
    const at = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : NaN;
    if (Number.isFinite(at)) return () => at;
    issues.addIssue({
      code: "custom",
      message: "must be a time such as 2026-01-31T12:00:00Z, or how long ago: 90s, 10m, 2h, 7d",
    });
    return z.NEVER;
  }).meta({ description: "A time, or how long ago: 90s, 10m, 2h, 7d." });
}

function readLastEventId(context: HttpContext): Parsed<string | undefined> {
  const id = context.req.header("last-event-id") || undefined;
  if (id === undefined || POSITION.test(id)) return { ok: true, value: id };
  const message = "must be the id of a message of this stream";
  return { ok: false, faults: [{ path: "Last-Event-ID", message }] };
}

/** Without `tail`, all since `since`, or the last 200. */
function beginOf({ tail, since, stream, after }: Asked): FollowBegin {
  return {
    ...(since === undefined
      ? { tail: tail ?? TAIL_LINES }
      : { since, ...(tail === undefined ? {} : { tail }) }),
    ...(stream === undefined ? {} : { stream }),
    ...(after === undefined ? {} : { after }),
  };
}

async function once(
  context: HttpContext,
  { system }: HttpServices,
  instanceId: string,
  asked: Asked,
): Promise<Response> {
  const isPlain = asked.since === undefined && asked.stream === undefined && !asked.timestamps;
  const tail = asked.tail ?? (asked.since === undefined ? TAIL_LINES : TAIL_LINES_MAX);
  const lines: OutputLine[] = isPlain
    ? (await system.logs(instanceId, tail)).map((text) => ({ stream: "stdout", at: null, text }))
    : (await system.output.read(instanceId, { ...beginOf(asked), tail })).lines;
  const told = lines.map((line) => adapted(line, asked));
  const texts = told.flatMap((line) => asked.timestamps ? timedText(line) : plainText(line) ?? []);
  if (prefersText(context.req.header("accept") ?? "")) {
    return context.text(texts.map((text) => `${text}\n`).join(""));
  }
  return context.json({ items: asked.timestamps ? told.map(outputLineView) : texts });
}

function adapted(line: OutputLine, { colours }: Asked): OutputLine {
  return colours === "strip" ? { ...line, text: withoutColours(line.text) } : line;
}

function timedText(line: OutputLine): string {
  const { at, between } = outputLineView(line);
  const time = at ?? (between ? `${between[1]}~` : "-");
  return `${time} ${line.stream} ${line.text}`;
}

/** JSON unless the client names plain text and not JSON, or names text first. */
function prefersText(accept: string): boolean {
  const text = accept.indexOf("text/plain");
  const json = accept.indexOf("application/json");
  return text >= 0 && (json < 0 || text < json);
}
