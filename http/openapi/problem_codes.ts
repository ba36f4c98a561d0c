/** Which problems a route may answer with: its own, and those of all routes that take or do such things. Design §6. */
import { leastRole } from "../access/gate.ts";
import type { Route } from "../options.ts";
import type { ProblemCode } from "../problem.ts";
import type { RouteDocs } from "../route_docs.ts";

/** A reason for problems, and the problems. */
interface Cause {
  applies(route: Route, docs: RouteDocs): boolean;
  codes: readonly ProblemCode[];
}

const isGuarded = (route: Route) => leastRole(route) !== "anyone";
const isOfApi = (route: Route) => route.path.startsWith("/api/");
const isMutation = (route: Route) => route.method !== "GET";

const CAUSES: readonly Cause[] = [
  { applies: () => true, codes: ["host_refused", "origin_refused", "internal_error"] },
  { applies: isGuarded, codes: ["unauthorized", "rate_limited"] },
  {
    // Whoever is known may read.
    applies: (route) => isGuarded(route) && (leastRole(route) !== "viewer" || !!route.forceRole),
    codes: ["forbidden"],
  },
  {
    applies: isOfApi,
    codes: [
      // Of all, since a parameter that a route does not know is refused.
      "invalid",
      "log_unavailable",
      "log_from_newer_version",
      "recovering",
      "redis_busy",
      "unavailable",
      "operation_failed",
    ],
  },
  {
    applies: (route) => /\/(instances|status)\/:id(\/|$)/.test(route.path),
    codes: ["not_found"],
  },
  { applies: (_, { query = {} }) => "atLeast" in query, codes: ["behind"] },
  {
    applies: isMutation,
    codes: ["malformed_json", "body_too_slow", "body_too_large", "unsupported_media_type"],
  },
  { applies: (_, { headers = [] }) => headers.includes("If-Match"), codes: ["stale_version"] },
  {
    applies: (_, { headers = [] }) => headers.includes("Idempotency-Key"),
    codes: ["key_reused", "busy", "batch_too_large"],
  },
  {
    applies: (route) => isOfApi(route) && isMutation(route),
    codes: [
      "log_indeterminate",
      "log_unwritable",
      "redis_out_of_memory",
      "redis_read_only",
      "release_mixed",
    ],
  },
  {
    applies: (_, { query = {} }) => "wait" in query,
    codes: [
      "cancelled",
      "no_worker",
      "workers_busy",
      "workers_unreachable",
      "not_released",
      "outcome_unknown",
      "worker_failure",
    ],
  },
];

/** Every problem that the route may answer with, each once. */
export function problemCodesOf(route: Route, docs: RouteDocs): ProblemCode[] {
  const common = CAUSES.filter((cause) => cause.applies(route, docs)).flatMap(({ codes }) => codes);
  return [...new Set([...common, ...docs.problems ?? []])];
}
