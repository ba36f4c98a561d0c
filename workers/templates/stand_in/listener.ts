/** The TCP side of the API: binds the port and turns answers into HTTP, each with the stand-in's mark. */
import { type Answer, answer, type ApiState } from "./api.ts";
import { FatalError, osErrorText } from "./disk.ts";
import { STAND_IN_HEADER } from "./identity.ts";

/**
 * Listens at once; gives back the function that closes the port and every connection.
 * @throws {FatalError} when the address can't be bound: `Address already in use (os error 98)`, …
 */
export function listen(host: string, port: number, state: ApiState): () => void {
  // Upstream joins host and port with a colon, which no IPv6 address survives.
  if (host.includes(":")) {
    throw new FatalError("failed to lookup address information: Name or service not known");
  }
  const closing = new AbortController();
  try {
    // Prints nothing on listening: stdout belongs to the log.
    const options = { hostname: host, port, signal: closing.signal, onListen: () => {} };
    Deno.serve(options, (request) => respond(state, request));
  } catch (error) {
    throw new FatalError(osErrorText(error));
  }
  return () => closing.abort();
}

function respond(state: ApiState, request: Request): Response {
  const url = new URL(request.url);
  const found = answer(state, {
    method: request.method,
    path: url.pathname,
    query: url.searchParams,
  });
  return new Response(bodyOf(found), {
    status: found.status,
    headers: [STAND_IN_HEADER as [string, string], ["content-type", contentTypeOf(found)]],
  });
}

function bodyOf(found: Answer): string {
  return "text" in found ? found.text : JSON.stringify(found.body);
}

function contentTypeOf(found: Answer): string {
  return "text" in found ? "text/plain; charset=utf-8" : "application/json";
}
