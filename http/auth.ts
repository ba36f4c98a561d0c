/** Who may ask: an optional bearer token, compared in constant time. Design §1, promise 11. */
import type { MiddlewareHandler } from "hono";
import type { HttpEnv } from "./options.ts";
import { Problem } from "./problem.ts";
import { sha256 } from "./sha256.ts";

/** Names as they stand in the log (`requestedBy`). */
const ANONYMOUS = "anonymous";
const TOKEN_HOLDER = "api-token";

/** Lets a request pass that carries the token, or any where none is configured, and notes who asks. */
export function requireToken(token: string | null): MiddlewareHandler<HttpEnv> {
  const expected = token === null ? null : sha256(token);
  return async (context, next) => {
    if (expected === null) {
      context.set("caller", ANONYMOUS);
    } else {
      const given = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
      // Digests have one length, so that neither length nor content of the token shows in the time taken.
      if (given === undefined || !isSame(await sha256(given), await expected)) {
        throw unauthorized(given !== undefined);
      }
      context.set("caller", TOKEN_HOLDER);
    }
    await next();
  };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= (a[at] ?? 0) ^ (b[at] ?? 0);
  return difference === 0;
}

function unauthorized(wasGiven: boolean): Problem {
  return new Problem("unauthorized", {
    detail: wasGiven ? "The token is not the right one." : "The request carries no bearer token.",
    hint: "Send 'Authorization: Bearer <token>' with the token that the server was started with.",
    headers: { "www-authenticate": 'Bearer realm="draas"' },
  });
}
