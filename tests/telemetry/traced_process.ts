/** A program whose spans a test looks at: Deno makes them only where it was started for it. */
import { openTracer } from "../../adapters/opentelemetry/otel_tracer.ts";
import { OperationalError } from "../../events/errors.ts";

const { inSpan, inContext, traceparent } = openTracer("0.0.0-test");
const nothing = async () => {};
const caught = (work: Promise<unknown>) => work.catch(() => {});
let later: (() => Promise<void>) | null = null;

if (import.meta.main) {
  await inSpan({ name: "ask", of: "a" }, async () => {
    await inSpan({ name: "append for the same", of: "a" }, nothing);
    await inSpan({ name: "append for another", of: "b" }, () => inSpan({ name: "below" }, nothing));
    await inSpan({ name: "for nobody in particular" }, nothing);
    const parent = traceparent()!;
    const flags = parent.slice(-2);
    const remote = `00-${"1".repeat(32)}-${"2".repeat(16)}-${flags}`;
    await inSpan({ name: "of another program", of: "c", parent: remote }, nothing);
    await inSpan({ name: "of nobody's program", of: "a", parent: "malformed" }, nothing);
    later = inContext(() => inSpan({ name: "later" }, nothing));
  });
  await later!();
  await inSpan({ name: "alone" }, nothing);
  const unavailable = new OperationalError("log_unavailable", "Redis.", true, "Wait.");
  await caught(inSpan({ name: "refused" }, () => Promise.reject(unavailable)));
  await caught(inSpan({ name: "faulty" }, () => Promise.reject(new Error("a secret"))));
  await inSpan({ name: "failed" }, async () => "no", (result) => `code ${result}`);
}
