/** Keeps web pages away from a server on loopback: DNS rebinding (by `Host`) and cross-site requests (by `Origin`). */
import type { MiddlewareHandler } from "hono";
import type { HttpContext, HttpEnv } from "./options.ts";
import { Problem } from "./problem.ts";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Refuses host names that are not ours (`allowedHosts` null: none), and mutations that come from another site. */
export function refuseForeignSites(
  allowedHosts: readonly string[] | null,
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
        hint: "Use localhost or 127.0.0.1, or add the name to the server's host names.",
      });
    }
    if (!SAFE_METHODS.has(context.req.method) && isCrossSite(context, host)) {
      throw new Problem("origin_refused", {
        detail: "The request comes from a page of another web site.",
        hint: "Ask from the same origin, or from a program that sends no Origin header.",
      });
    }
    await next();
  };
}

function hostOf(context: HttpContext): string {
  return (context.req.header("host") ?? new URL(context.req.url).host).toLowerCase();
}

function nameOf(host: string): string {
  return host.replace(/:\d*$/, "");
}

function isCrossSite(context: HttpContext, host: string): boolean {
  if (context.req.header("sec-fetch-site") === "cross-site") return true;
  const origin = context.req.header("origin");
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host.toLowerCase() !== host;
}
