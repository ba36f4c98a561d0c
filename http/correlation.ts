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
    for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
    for (const [name, value] of HEADERS_OF_DATA) if (!headers.has(name)) headers.set(name, value);
  };
}

/** What every answer tells a browser: to take it for what it says it is, in no frame, for no other site. */
const SECURITY_HEADERS = [
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-resource-policy", "same-origin"],
] as const;

/** Of what a route does not say otherwise: it is data, of this moment, and nothing of it is to be run or loaded. */
const HEADERS_OF_DATA = [
  ["cache-control", "no-store"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
] as const;

function givenId(context: HttpContext): string | null {
  const requestId = context.req.header("x-request-id");
  if (requestId !== undefined && REQUEST_ID.test(requestId)) return requestId;
  return traceIdIn(context.req.header("traceparent") ?? null);
}

function traceIdIn(traceparent: string | null): string | null {
  return traceparent === null ? null : parseTraceparent(traceparent)?.traceId ?? null;
}
