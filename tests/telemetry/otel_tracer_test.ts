/** Whose part a span is: over Deno's own OpenTelemetry, in a process of its own. */
import { assertEquals } from "@std/assert";
import { until } from "../e2e/program.ts";
import { type CollectedSpan, TraceCollector } from "./trace_collector.ts";

Deno.test("a span is a part of what it is done for, and of nothing else", async () => {
  const collector = new TraceCollector();
  try {
    const program = new URL("./traced_process.ts", import.meta.url).pathname;
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", program],
      env: collector.environment("traced"),
    }).output();
    assertEquals(code, 0);
    await until("all are exported", async () => collector.spans.length >= 12);
    const { spans } = collector;
    const named = (name: string) => spans.find((span) => span.name === name)!;
    const parentOf = ({ parentId }: CollectedSpan) =>
      spans.find(({ spanId }) => spanId === parentId)?.name ?? parentId;
    assertEquals(
      Object.fromEntries(spans.map((span) => [span.name, parentOf(span)])),
      {
        "ask": null,
        "append for the same": "ask",
        "append for another": null,
        "below": "append for another",
        "for nobody in particular": "ask",
        "of another program": "2".repeat(16),
        "of nobody's program": "ask",
        "later": "ask",
        "alone": null,
        "refused": null,
        "faulty": null,
        "failed": null,
      },
    );
    assertEquals(named("of another program").traceId, "1".repeat(32));
    assertEquals(
      spans.filter(({ isError }) => isError).map(({ name, fault }) => [name, fault]).toSorted(),
      [["failed", "code no"], ["faulty", "fault"], ["refused", "log_unavailable"]],
    );
  } finally {
    await collector.close();
  }
});
