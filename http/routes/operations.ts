/** For those who keep the node running: whether it lives, whether it is ready. Design §6. */
import type { Route } from "../options.ts";
import { problemOfUnready, readinessOf } from "../problem.ts";

/** The routes that need no token: they say nothing of instances. */
export const operationsRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/healthz",
    summary: "200 while the process lives",
    docs: {
      id: "isAlive",
      title: "Whether it lives",
      tag: "Operations",
      description: "200 while the process lives, ready or not.",
      answers: { 200: "Alive" },
    },
    role: "anyone",
    handle: (context, { version }) => context.json({ status: "alive", version }),
  },
  {
    method: "GET",
    path: "/readyz",
    summary: "200 when requests can be served; else 503 with the reasons",
    docs: {
      id: "isReady",
      title: "Whether it is ready",
      tag: "Operations",
      description: "200 when requests can be served; else 503 with the reasons.",
      answers: { 200: "Ready" },
      problems: ["not_ready", "unavailable"],
    },
    role: "anyone",
    async handle(context, { system, version, tokens }) {
      const warnings = tokens?.fault ? [tokens.fault] : [];
      const status = { ...await system.status(), ...(warnings.length > 0 ? { warnings } : {}) };
      if (!status.ready) throw problemOfUnready(status, version);
      return context.json({ ...readinessOf(status), version });
    },
  },
];
