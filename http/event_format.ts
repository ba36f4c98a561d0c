/** How the fleet's log is written to a stream: as server-sent events, or as a line of JSON for each message. Design §6. */
import { sseMessage } from "./sse_channel.ts";

/** One way to write messages. */
export interface EventFormat {
  contentType: string;
  /** Before the first message. */
  preamble: string;
  message(type: string, id: string, data: unknown): string;
  /** A sign of life; with an id where its reader has come further than what it was told. */
  heartbeat(id: string | null): string;
}

/** As browsers read it: `EventSource` comes back by itself, after 2 s, with the last id. */
export const SSE: EventFormat = {
  contentType: "text/event-stream",
  preamble: "retry: 2000\n",
  message: sseMessage,
  heartbeat: (id) => `: heartbeat\n${id === null ? "" : `id: ${id}\n`}\n`,
};

/** As programs like it: each line is `{id, event, data}`. */
export const NDJSON: EventFormat = {
  contentType: "application/x-ndjson",
  preamble: "",
  message: (event, id, data) => `${JSON.stringify({ id, event, data })}\n`,
  heartbeat: (id) =>
    `${JSON.stringify({ ...(id === null ? {} : { id }), event: "heartbeat", data: {} })}\n`,
};

/** The way that a client asks for: server-sent events, unless it names lines alone. */
export function formatFor(accept: string): EventFormat {
  return accept.includes(NDJSON.contentType) && !accept.includes(SSE.contentType) ? NDJSON : SSE;
}
