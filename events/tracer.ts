/** Traces: what was done for one request, by which program, for how long. Nothing depends on them. W3C Trace Context. */

/** One piece of work. */
export interface Span {
  name: string;
  /** `producer`: it hands work to another program; `consumer`: it does what another one handed over. */
  kind?: "internal" | "producer" | "consumer" | "client";
  attributes?: Readonly<Record<string, string | number | boolean>>;
  /** What it is done for (a `correlationId`). Within work for something else it begins a trace of its own. */
  of?: string;
  /** The `traceparent` of the span that it is a part of, where that was another program's. */
  parent?: string;
}

export interface Tracer {
  /**
   * Does the work as a span within the one that the caller is in. What the work throws fails the span, too.
   * @param faultOf the code of a failure in what came of it; null: it is none
   */
  inSpan<T>(span: Span, work: () => Promise<T>, faultOf?: (result: T) => string | null): Promise<T>;
  /** Work for later that belongs to the span that the caller is in. */
  inContext<T>(work: () => Promise<T>): () => Promise<T>;
  /** The span that the caller is in, for another program; null: it is in none. */
  traceparent(): string | null;
  /** Names the request that the caller answers, whose span is the host's own. */
  nameRequest(method: string, route: string): void;
}

/** `version-trace-parent-flags`. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})/;

/** The parts of a `traceparent`; null for what is none. */
export function parseTraceparent(
  text: string,
): { traceId: string; spanId: string; flags: number } | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined) return null;
  return { traceId, spanId, flags: parseInt(flags!, 16) };
}
