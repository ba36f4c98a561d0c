/** What Prometheus reads of a node. Design §6. */
import type { Route } from "../options.ts";

/** Prometheus' text format. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The route of the metrics. It tells how large a fleet is and how busy, so it is for who may read. */
export function metricsRoutes(text: () => Promise<string>): readonly Route[] {
  return [{
    method: "GET",
    path: "/metrics",
    summary: "what this node measures and sees of the fleet, for Prometheus",
    docs: {
      id: "readMetrics",
      title: "What this node measures",
      tag: "Operations",
      description: "Of itself and the fleet, in Prometheus' text format.",
      answers: { 200: "Metrics" },
    },
    handle: async (context) => context.body(await text(), 200, { "content-type": CONTENT_TYPE }),
  }];
}
