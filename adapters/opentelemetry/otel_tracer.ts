/** The `Tracer` port on OpenTelemetry's API, whose spans Deno itself exports (`OTEL_DENO=true`). */
import {
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { OperationalError } from "../../events/errors.ts";
import { parseTraceparent, type Span, type Tracer } from "../../events/tracer.ts";

/** Under this a context holds what its spans are done for. */
const OF = createContextKey("draas.of");

const KINDS: Readonly<Record<NonNullable<Span["kind"]>, SpanKind>> = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
};

/** Spans are named as those of this version of DRaaS. */
export function openTracer(version: string): Tracer {
  const tracer = trace.getTracer("draas", version);
  return {
    inSpan(span, work, faultOf = () => null) {
      const around = surroundingsOf(span);
      const options = {
        kind: KINDS[span.kind ?? "internal"],
        ...(span.attributes ? { attributes: { ...span.attributes } } : {}),
      };
      return tracer.startActiveSpan(span.name, options, around, async (open) => {
        try {
          const result = await work();
          const fault = faultOf(result);
          if (fault !== null) fail(open, fault);
          return result;
        } catch (error) {
          // What a fault of ours says could hold anything.
          fail(open, error instanceof OperationalError ? error.code : "fault");
          throw error;
        } finally {
          open.end();
        }
      });
    },
    inContext: (work) => context.bind(context.active(), work),
    traceparent() {
      const found = trace.getActiveSpan()?.spanContext();
      if (!found || !trace.isSpanContextValid(found)) return null;
      const flags = found.traceFlags.toString(16).padStart(2, "0");
      return `00-${found.traceId}-${found.spanId}-${flags}`;
    },
    nameRequest(method, route) {
      const span = trace.getActiveSpan();
      span?.updateName(`${method} ${route}`);
      span?.setAttribute("http.route", route);
    },
  };
}

/** Timers and turns that were set up in one request come to work for another one: what that does is no part of it. */
function surroundingsOf({ of, parent }: Span): Context {
  const active = context.active();
  const activeOf = active.getValue(OF);
  const isForOther = of !== undefined && activeOf !== undefined && activeOf !== of;
  const base = isForOther ? ROOT_CONTEXT : active;
  const around = of === undefined ? base : base.setValue(OF, of);
  const remote = parent === undefined ? null : parseTraceparent(parent);
  if (remote === null) return around;
  const { traceId, spanId, flags } = remote;
  return trace.setSpanContext(around, { traceId, spanId, traceFlags: flags, isRemote: true });
}

function fail(span: OtelSpan, message: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
