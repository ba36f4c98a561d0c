/** Names each request: by the client's own id where it sends one, so that its logs and ours meet. */
import type { MiddlewareHandler } from "hono";
import type { Ids } from "../events/ids.ts";
import type { HttpContext, HttpEnv } from "./options.ts";

const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;
/** W3C Trace Context: version, trace id, parent id, flags. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/** Keeps the request's id for log, problems and the answer's `X-Request-Id`, and sets what every answer carries. */
export function nameRequests(ids: Ids): MiddlewareHandler<HttpEnv> {
  return async (context, next) => {
    const correlationId = givenId(context) ?? ids.next("request");
    context.set("correlationId", correlationId);
    await next();
    const { headers } = context.res;
    headers.set("x-request-id", correlationId);
    headers.set("x-content-type-options", "nosniff");
    headers.set("cache-control", "no-store");
  };
}

function givenId(context: HttpContext): string | null {
  const requestId = context.req.header("x-request-id");
  if (requestId !== undefined && REQUEST_ID.test(requestId)) return requestId;
  return TRACEPARENT.exec(context.req.header("traceparent") ?? "")?.[1] ?? null;
}
