/** Names each request: by the client's own id where it sends one, so that its logs and ours meet. */
import type { MiddlewareHandler } from "hono";
import type { Ids } from "../events/ids.ts";
import { parseTraceparent } from "../events/tracer.ts";
import type { HttpContext, HttpEnv } from "./options.ts";

const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
/**
 * Keeps the request's id for log, problems and the answer's `X-Request-Id`, and sets what every answer carries.
 * @param traceparent of the span that we trace the request by, if we do
 */
export function nameRequests(
  ids: Ids,
  traceparent: () => string | null = () => null,
): MiddlewareHandler<HttpEnv> {
  return async (context, next) => {
    const correlationId = givenId(context) ?? traceIdIn(traceparent()) ?? ids.next("request");
    context.set("correlationId", correlationId);
    await next();
    const { headers } = context.res;
    headers.set("x-request-id", correlationId);
    headers.set("x-content-type-options", "nosniff");
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  };
}

function givenId(context: HttpContext): string | null {
  const requestId = context.req.header("x-request-id");
  if (requestId !== undefined && REQUEST_ID.test(requestId)) return requestId;
  return traceIdIn(context.req.header("traceparent") ?? null);
}

function traceIdIn(traceparent: string | null): string | null {
  return traceparent === null ? null : parseTraceparent(traceparent)?.traceId ?? null;
}
