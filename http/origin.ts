/** Keeps web pages away from a server on loopback: DNS rebinding (by `Host`), and requests that come from another site. */
import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import type { HttpContext, HttpEnv } from "./options.ts";
import { Problem } from "./problem.ts";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const SAFE_METHODS = new Set(["GET", "HEAD"]);

/**
 * Refuses host names that are not ours (`allowedHosts` null: none), and whatever a page of another origin sends. A page
 * could read no answer anyway; but it could change things, hold streams open, and tell answers by the time they take.
 */
export function refuseForeignSites(
  allowedHosts: readonly string[] | null,
  allowedOrigins: readonly string[] = [],
): MiddlewareHandler<HttpEnv> {
  const known = allowedHosts === null
    ? null
    : new Set([...LOOPBACK, ...allowedHosts.map((host) => host.toLowerCase())]);
  return async (context, next) => {
    const host = hostOf(context);
    // A page whose name was made to point at 127.0.0.1 sends that name here.
    if (known !== null && !known.has(nameOf(host))) {
      throw new Problem("host_refused", {
        detail: `The request is for the host '${host.slice(0, 200)}'.`,
        hint: "Use localhost or 127.0.0.1; with a token the server answers to every name.",
      });
    }
    if (isForeign(context, host, allowedOrigins)) {
      throw new Problem("origin_refused", {
        detail: "The request comes from a page of another web site.",
        hint: "Ask from the same origin, from one that DRAAS_ALLOWED_ORIGINS names, or from a " +
          "program that sends no Origin header.",
      });
    }
    await next();
  };
}

/** Lets pages of these origins read what they are answered (CORS). Credentials are none of it: a token is sent by hand. */
export function answerToOrigins(allowedOrigins: readonly string[]): MiddlewareHandler<HttpEnv> {
  return cors({
    origin: [...allowedOrigins],
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      "authorization",
      "content-type",
      "idempotency-key",
      "if-match",
      "last-event-id",
      "traceparent",
      "x-request-id",
    ],
    exposeHeaders: [
      "draas-position",
      "draas-stale",
      "etag",
      "location",
      "retry-after",
      "x-request-id",
    ],
    maxAge: 600,
  });
}

function hostOf(context: HttpContext): string {
  return (context.req.header("host") ?? new URL(context.req.url).host).toLowerCase();
}

function nameOf(host: string): string {
  return host.replace(/:\d*$/, "");
}

function isForeign(
  context: HttpContext,
  host: string,
  allowedOrigins: readonly string[],
): boolean {
  const origin = context.req.header("origin");
  if (origin !== undefined) {
    if (allowedOrigins.includes(origin)) return false;
    // `null`: of a sandboxed frame, a file, or a redirect from elsewhere.
    if (URL.parse(origin)?.host.toLowerCase() !== host) return true;
  }
  const site = context.req.header("sec-fetch-site");
  // A page on another port of this host is of the same site, and as strange.
  return (site === "cross-site" || site === "same-site") && !isFollowedLink(context);
}

/** Somebody follows a link to here: what is answered is shown to them, and to no page. */
function isFollowedLink({ req }: HttpContext): boolean {
  return SAFE_METHODS.has(req.method) && req.header("sec-fetch-mode") === "navigate" &&
    req.header("sec-fetch-dest") === "document";
}
