/** A tiny OTLP/HTTP collector: takes spans as JSON, as Deno exports them, and keeps them. */

/** A span that was exported. */
export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** Null: it is the first of its trace. */
  parentId: string | null;
  name: string;
  /** Of its program: `service.name`. */
  service: string;
  attributes: Record<string, string>;
  isError: boolean;
  /** What an error says. */
  fault: string | null;
}

interface OtlpValue {
  stringValue?: string;
  intValue?: string | number;
  boolValue?: boolean;
}

interface OtlpAttribute {
  key: string;
  value: OtlpValue;
}

interface OtlpSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes?: OtlpAttribute[];
  status?: { code?: number; message?: string };
}

interface OtlpTraces {
  resourceSpans: {
    resource: { attributes: OtlpAttribute[] };
    scopeSpans: { spans: OtlpSpan[] }[];
  }[];
}

const ERROR_CODE = 2;

export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      async (request) => {
        const body = await request.text();
        if (new URL(request.url).pathname === "/v1/traces") this.#take(JSON.parse(body));
        return Response.json({});
      },
    );
  }

  /** What makes a program of Deno export its spans here, at once. */
  environment(service: string): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_SERVICE_NAME: service,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "100",
    };
  }

  /** Of one trace. */
  of(traceId: string): CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  close(): Promise<void> {
    return this.#server.shutdown();
  }

  #take({ resourceSpans }: OtlpTraces): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = attributesOf(resource.attributes)["service.name"] ?? "";
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({
          traceId: span.traceId,
          spanId: span.spanId,
          parentId: span.parentSpanId || null,
          name: span.name,
          service,
          attributes: attributesOf(span.attributes ?? []),
          isError: span.status?.code === ERROR_CODE,
          fault: span.status?.message || null,
        });
      }
    }
  }
}

function attributesOf(attributes: readonly OtlpAttribute[]): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]),
  );
}
