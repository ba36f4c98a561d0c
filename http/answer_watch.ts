/** Tells of each answer to whoever measures or traces the API; without one there is nothing of it in a request's way. */
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { Clock } from "../events/clock.ts";
import type { HttpEnv, HttpWatch } from "./options.ts";

/** @param paths the routes' own, as they were added */
export function watchAnswers(
  watch: HttpWatch,
  clock: Clock,
  paths: readonly string[],
): MiddlewareHandler<HttpEnv> {
  const patterns = new Map(paths.map((path) => [path, patternOf(path)]));
  return async (context, next) => {
    const begin = clock.monotonic();
    await next();
    const path = context.get("route") ??
      // Refused before it came to its route. The middleware's own paths (`*`) come first.
      matchedRoutes(context).find(({ path }) => patterns.has(path))?.path;
    watch.answered({
      method: context.req.method,
      route: path === undefined ? null : patterns.get(path)!,
      status: context.res.status,
      tookMs: clock.monotonic() - begin,
      traceId: context.get("correlationId"),
    });
  };
}

/** A route's path as people read it: `{id}` for `:id`. */
export function patternOf(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}
