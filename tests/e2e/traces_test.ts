/** One trace from the HTTP request through Redis to the worker and what it asks of its platform; on the real programs. */
import { assert, assertEquals } from "@std/assert";
import { type CollectedSpan, TraceCollector } from "../telemetry/trace_collector.ts";
import { until } from "./program.ts";
import { commandInstance } from "./support/control_plane.ts";
import { testWithFleet } from "./support/redis_fleet.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const CALLER = "b7ad6b7169203331";
const INSTANCES = "/api/server/instances";

/** The spans as a tree in words: each with its program, below what it is a part of. */
function tree(spans: readonly CollectedSpan[], parentId: string | null, depth = 0): string[] {
  return spans.filter((span) => span.parentId === parentId).flatMap((span) => [
    `${"  ".repeat(depth)}${span.service}: ${span.name}`,
    ...tree(spans, span.spanId, depth + 1),
  ]);
}

testWithFleet(
  "a start is one trace over both programs, with every step below the one that caused it",
  async (fleet) => {
    const collector = new TraceCollector();
    try {
      const node = await fleet.serve([], collector.environment("node"));
      const url = await node.ready();
      await fleet.worker("host", [], collector.environment("worker"));
      const { json: { id } } = await node.call(
        `POST ${INSTANCES}`,
        commandInstance("one", ["sleep", "1000"]),
      );
      const traceparent = `00-${TRACE}-${CALLER}-01`;
      const started = await fetch(`${url}${INSTANCES}/${id}/start`, {
        method: "POST",
        headers: { traceparent },
      });
      assertEquals([started.status, started.headers.get("x-request-id")], [200, TRACE]);
      await started.body?.cancel();
      await until("all spans are exported", async () => collector.of(TRACE).length >= 6);
      const spans = collector.of(TRACE);
      assertEquals(tree(spans, CALLER), [
        `node: POST ${INSTANCES}/{id}/start`,
        "  node: ask start",
        "    node: append",
        "      worker: StartInstanceCommand",
        "        worker: process inspect",
        "        worker: process start",
      ]);
      assert(
        spans.slice(1).every(({ name, attributes }) =>
          name.startsWith("POST") || attributes["draas.instance_id"] === id
        ),
      );
      assertEquals(spans.filter(({ isError }) => isError), []);
    } finally {
      await collector.close();
    }
  },
);

testWithFleet(
  "requests that wait for each other keep their own traces, and a failure is told in its own",
  async (fleet) => {
    const collector = new TraceCollector();
    try {
      const node = await fleet.serve([], collector.environment("node"));
      const url = await node.ready();
      await fleet.worker("host", [], collector.environment("worker"));
      const { json: { id } } = await node.call(
        `POST ${INSTANCES}`,
        commandInstance("one", ["/no/such/program"], "never"),
      );
      const traces = [..."12345678"].map((digit) => digit.repeat(32));
      // All at once: each takes its turn at the instance's actor, whoever's turn set it going.
      await Promise.all(traces.map(async (trace) => {
        const answer = await fetch(`${url}${INSTANCES}/${id}`, {
          method: "PATCH",
          headers: {
            "content-type": "application/json",
            traceparent: `00-${trace}-${CALLER}-01`,
          },
          body: JSON.stringify({ name: `of ${trace}` }),
        });
        assertEquals(answer.status, 200, await answer.text());
      }));
      const { json: { traceId } } = await node.call(`POST ${INSTANCES}/${id}/start`);
      await until("the last trace is exported", async () => collector.of(traceId).length >= 6);
      for (const trace of traces) {
        assertEquals(tree(collector.of(trace), CALLER), [
          `node: PATCH ${INSTANCES}/{id}`,
          "  node: ask configure",
          "    node: append",
        ]);
      }
      const failed = collector.of(traceId).filter(({ isError }) => isError).map(({ name }) => name);
      assertEquals(failed.toSorted(), [
        `POST ${INSTANCES}/{id}/start`,
        "StartInstanceCommand",
        "ask start",
        "process start",
      ]);
    } finally {
      await collector.close();
    }
  },
);
