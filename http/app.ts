/** The HTTP API over the instance system: middleware, routes, and one answer for everything that goes wrong. */
import { Hono } from "hono";
import { Gate, leastRole } from "./access/gate.ts";
import { patternOf, watchAnswers } from "./answer_watch.ts";
import { nameRequests } from "./correlation.ts";
import {
  DEFAULT_LIMITS,
  type HttpContext,
  type HttpEnv,
  type HttpOptions,
  type HttpServices,
  type Route,
} from "./options.ts";
import { answerToOrigins, refuseForeignSites } from "./origin.ts";
import { bugProblem, Problem, problemOfError } from "./problem.ts";
import { configurationRoutes } from "./routes/configuration.ts";
import { documentationRoutes } from "./routes/documentation.ts";
import { eventsRoutes } from "./routes/events.ts";
import { fleetRoutes } from "./routes/fleet.ts";
import { historyRoutes } from "./routes/history.ts";
import { instanceRoutes } from "./routes/instance.ts";
import { instancesRoutes } from "./routes/instances.ts";
import { lifecycleRoutes } from "./routes/lifecycle.ts";
import { logsRoutes } from "./routes/logs.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { operationsRoutes } from "./routes/operations.ts";
import { predecessorRoutes } from "./routes/predecessor.ts";
import { revisionRoutes } from "./routes/revisions.ts";
import { stateRoutes } from "./routes/state.ts";
import { statusRoutes } from "./routes/status.ts";
import { waitRoutes } from "./routes/wait.ts";
import { whyRoutes } from "./routes/why.ts";
import { workerRoutes } from "./routes/workers.ts";
import { ShownInstances } from "./shown_instances.ts";

/**
 * The API as a function from request to response (`app.fetch`), not yet listening anywhere (`server.ts`).
 *
 * ```ts ignore
 * const app = createHttpApp({ system, tokens: null, clock, ids, onBug, allowedHosts: [], … });
 * const response = await app.fetch(new Request("http://localhost/api/server/instances"));
 * ```
 */
export function createHttpApp(options: HttpOptions): Hono<HttpEnv> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const services = { ...options, limits, shown: new ShownInstances() };
  const routes = allRoutes(services);
  const { watch } = services;
  const app = new Hono<HttpEnv>();
  if (watch) app.use(watchAnswers(watch, services.clock, routes.map(({ path }) => path)));
  app.use(nameRequests(services.ids, watch?.traceparent));
  const { allowedHosts, allowedOrigins = [] } = services;
  app.use(refuseForeignSites(allowedHosts, allowedOrigins));
  if (allowedOrigins.length > 0) app.use(answerToOrigins(allowedOrigins));
  const gate = new Gate(services);
  addRoutes(app, routes, gate);
  app.all("/api/*", (context) => {
    gate.admit(context, TO_ASK_WHAT_THERE_IS);
    throw routeNotFound(context);
  });
  app.notFound((context) => routeNotFound(context).response(context.get("correlationId")));
  app.onError((error, context) => answerToError(error, context, services));
  return app;
}

/** Every route, with those that tell of all. */
function allRoutes(services: HttpServices): readonly Route[] {
  const routes: Route[] = [
    ...instancesRoutes,
    ...instanceRoutes,
    ...lifecycleRoutes,
    ...configurationRoutes,
    ...revisionRoutes,
    ...predecessorRoutes,
    ...statusRoutes,
    ...historyRoutes,
    ...stateRoutes,
    ...whyRoutes,
    ...waitRoutes(),
    ...logsRoutes(),
    ...workerRoutes,
    ...fleetRoutes(),
    ...eventsRoutes(),
    ...operationsRoutes,
    ...(services.metrics ? metricsRoutes(services.metrics) : []),
    ...documentationRoutes(() => routes),
  ];
  routes.push(indexRoute(routes));
  return routes;
}

/** Below `/api` nobody without a token is told of what there is, and what there is not. */
const TO_ASK_WHAT_THERE_IS = { method: "GET" } as const;

function addRoutes(app: Hono<HttpEnv>, routes: readonly Route[], gate: Gate): void {
  const methods = new Map<string, string[]>();
  for (const route of routes) {
    app.on(route.method, route.path, (context) => {
      context.set("route", route.path);
      return route.handle(context, gate.admit(context, route));
    });
    methods.set(route.path, [...methods.get(route.path) ?? [], route.method]);
  }
  for (const [path, known] of methods) {
    const allow = known.includes("GET") ? ["HEAD", ...known] : known;
    app.all(path, (context) => {
      if (path.startsWith("/api/")) gate.admit(context, TO_ASK_WHAT_THERE_IS);
      throw new Problem("method_not_allowed", {
        detail: `${context.req.path} does not know ${context.req.method}.`,
        hint: `Use ${known.join(" or ")}.`,
        headers: { allow: allow.join(", ") },
        extra: { allow },
      });
    });
  }
}

/** What there is, for someone who opens the address without a guide. */
function indexRoute(routes: readonly Route[]): Route {
  const index = routes.map((route) => ({
    method: route.method,
    path: patternOf(route.path),
    summary: route.summary,
    role: leastRole(route),
    ...(route.forceRole === undefined ? {} : { forceRole: route.forceRole }),
  }));
  return {
    method: "GET",
    path: "/",
    summary: "this index",
    docs: {
      id: "getIndex",
      title: "The routes in short",
      tag: "Operations",
      answers: { 200: "Index" },
    },
    role: "anyone",
    handle: (context, { version }) => context.json({ name: "DRaaS", version, routes: index }),
  };
}

function routeNotFound(context: HttpContext): Problem {
  return new Problem("route_not_found", {
    detail: `There is no route ${context.req.path.slice(0, 200)}.`,
    hint: "GET / lists the routes.",
  });
}

function answerToError(error: unknown, context: HttpContext, services: HttpServices): Response {
  const traceId = context.get("correlationId");
  const problem = problemOfError(error, {
    path: context.req.path,
    idempotencyKey: context.req.header("idempotency-key"),
  });
  if (problem === null) {
    services.onBug(error, { traceId, method: context.req.method, path: context.req.path });
  }
  return (problem ?? bugProblem(traceId)).response(traceId);
}
