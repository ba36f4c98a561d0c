/** Requests by the document, as data: every operation, right and wrong in each of its parts. */
import fc from "fast-check";
import { ROLES } from "../../../events/access_tokens.ts";
import type { DocumentedApi, Json, Operation } from "../support/documented_api.ts";
import { tokenOf } from "../support/tokens.ts";
import { anyJson, nearly, valuesOf } from "./json_values.ts";

/** What stands for `{id}` and the like: one of those that are known when it is sent, or a text. */
export type Segment = { known: number } | { text: string };

/** A request before it is known which instances there are. */
export interface FuzzedRequest {
  method: string;
  /** As in the document; `{name}` is filled by `segments`. */
  path: string;
  segments: Record<string, Segment>;
  query: [string, string][];
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer> | null;
}

/** Values of parameters that are waited for: long enough for a worker that answers at once, and no longer. */
const QUICK_VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  timeout: fc.constantFrom("1", "20ms", "0.03s"),
  // A node waits for what is not in the log yet.
  atLeast: fc.oneof(
    { weight: 300, arbitrary: fc.constantFrom("0-0", "1-0", "2-0") },
    { weight: 1, arbitrary: fc.constant("999999-0") },
  ),
};
const KEYS = ["k-1", "k-2", "k-3"];

/** A text that a header can carry. */
const headerText = fc.string({ unit: fc.constantFrom(..."aZ09-_.:;,/\"'=*% é"), maxLength: 30 })
  .map((text) => text.trim());

/** Of an admin mostly; where no token is asked for, it is as if there were none. */
const authorization = fc.oneof(
  { weight: 20, arbitrary: fc.constant(tokenOf("admin")) },
  { weight: 5, arbitrary: fc.constantFrom(...ROLES.map(tokenOf)) },
  { weight: 1, arbitrary: fc.constantFrom(tokenOf("expired"), "nonsense", "a b") },
).map((token) => `Bearer ${token}`);

const oddText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "nobody",
    "",
    "..",
    "%",
    "%00",
    "%zz",
    "%2F",
    "null",
    "0",
    "-1",
    "constructor",
    "__proto__",
  ),
  fc.string({ minLength: 200, maxLength: 300 }),
);

/** Against the ten of others: without instances most of them have little to say; and some take long. */
const WEIGHTS: Readonly<Record<string, number>> = {
  createInstance: 30,
  startInstance: 20,
  forgetWorker: 1,
  getDocsProgram: 1,
  getOpenApi: 1,
};

/** Of any operation. */
export function anyRequest(api: DocumentedApi): fc.Arbitrary<FuzzedRequest> {
  const known = api.operations.map((one) => ({
    weight: WEIGHTS[one.definition.operationId] ?? 10,
    arbitrary: requestOf(one, api),
  }));
  return fc.oneof(
    { weight: 30, arbitrary: fc.oneof(...known) },
    { weight: 1, arbitrary: strangeRequest(api) },
  );
}

/** A request of `operation`: mostly one that might be answered as it wishes. */
export function requestOf(operation: Operation, api: DocumentedApi): fc.Arbitrary<FuzzedRequest> {
  const { method, path, definition } = operation;
  const parameters: Json[] = definition.parameters ?? [];
  const of = (place: string) => parameters.filter((one) => one.in === place);
  const isBodied = definition.requestBody !== undefined;
  return fc.record({
    method: often(
      fc.constant(method),
      method === "GET" ? fc.constant("HEAD") : fc.constant(method),
    ),
    path: fc.constant(path),
    segments: fc.record(
      Object.fromEntries(of("path").map(({ name, schema }) => [name, segment(name, schema, api)])),
    ),
    query: queryOf(of("query"), api),
    headers: headersOf(of("header"), api),
    body: isBodied ? bodyOf(definition.requestBody, api) : often(fc.constant(null), oddBody),
  }).chain((request) => typedBody(request, definition));
}

/** Methods and paths that are not in the document. */
function strangeRequest(api: DocumentedApi): fc.Arbitrary<FuzzedRequest> {
  const paths = fc.oneof(
    fc.constantFrom(...api.operations.map(({ path }) => path)),
    oddText.map((text) => `/${encodeURIComponent(text)}`),
    oddText.map((text) => `/api/server/${encodeURIComponent(text)}`),
  );
  return fc.record({
    method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"),
    path: paths,
    segments: fc.constant({}),
    query: fc.constant([]),
    headers: headersOf([], api),
    body: fc.constant(null),
  });
}

/** Nine times in ten the one, else the other. */
function often<T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: other });
}

function segment(name: string, schema: Json, api: DocumentedApi): fc.Arbitrary<Segment> {
  const known = name === "id"
    ? fc.nat(5).map((index): Segment => ({ known: index }))
    : fc.integer({ min: 0, max: 4 }).map((number): Segment => ({ text: String(number) }));
  const text = fc.oneof(valuesOf(schema, api.document), oddText)
    .map((one): Segment => ({ text: String(one) }));
  return fc.oneof({ weight: 8, arbitrary: known }, { weight: 1, arbitrary: text });
}

function queryOf(parameters: Json[], api: DocumentedApi): fc.Arbitrary<[string, string][]> {
  const given = parameters.map(({ name, schema, examples = {} }) => {
    const shown = Object.values<Json>(examples).map(({ value }) => fc.constant(value));
    const right = QUICK_VALUES[name] ??
      fc.oneof(valuesOf(schema, api.document), ...shown).map(String);
    const one = often(right, oddText).map((value): [string, string][] => [[name, value]]);
    return fc.oneof(
      { weight: 5, arbitrary: fc.constant<[string, string][]>([]) },
      { weight: 3, arbitrary: one },
    );
  });
  const strange = fc.oneof(
    { weight: 25, arbitrary: fc.constant<[string, string][]>([]) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom("colour", "dryRun", "status", "__proto__"), oddText)
        .map((pair): [string, string][] => [pair]),
    },
  );
  return fc.tuple(...given, strange).map((pairs) => pairs.flat());
}

function headersOf(parameters: Json[], api: DocumentedApi): fc.Arbitrary<Record<string, string>> {
  const values: Record<string, fc.Arbitrary<string>> = {
    "idempotency-key": fc.constantFrom(...KEYS),
    "if-match": fc.constantFrom('"1"', '"2"', '"3"', "*", '"99"'),
    "accept": fc.constantFrom("text/plain", "application/json", "text/event-stream", "*/*"),
    "last-event-id": fc.constantFrom("0-0", "1-0", "999999-0"),
  };
  const own = parameters.map(({ name, schema }): [string, fc.Arbitrary<string>] => {
    const lower = name.toLowerCase();
    const right = values[lower] ?? valuesOf(schema, api.document).map(String);
    return [lower, often(right, headerText)];
  });
  const common: [string, fc.Arbitrary<string>][] = [
    ["x-request-id", often(fc.constantFrom("mine", "trace-7"), headerText)],
    ["traceparent", often(fc.constant(`00-${"a".repeat(32)}-${"b".repeat(16)}-01`), headerText)],
    ["if-none-match", headerText],
  ];
  const foreign: [string, fc.Arbitrary<string>][] = [
    ["origin", fc.constantFrom("http://localhost:4700", "https://example.com", "null", "x")],
    ["sec-fetch-site", fc.constantFrom("same-origin", "cross-site", "none", "x")],
    ["host", fc.constantFrom("localhost", "127.0.0.1:80", "example.com", "[::1]", "")],
  ];
  const holder: [string, fc.Arbitrary<string>][] = [["authorization", authorization]];
  return fc.tuple(some(own, 1, 4), some(common, 1, 8), some(foreign, 1, 30), some(holder, 15, 1))
    .map((parts) => Object.assign({}, ...parts));
}

/** Each of these headers in `weight` of `weight + others` requests. */
function some(
  headers: [string, fc.Arbitrary<string>][],
  weight: number,
  others: number,
): fc.Arbitrary<Record<string, string>> {
  return fc.record(Object.fromEntries(headers.map(([name, values]) => [
    name,
    fc.oneof(
      { weight: others, arbitrary: fc.constant(undefined) },
      { weight, arbitrary: values },
    ),
  ]))).map((given) =>
    Object.fromEntries(
      Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
    )
  );
}

type Body = FuzzedRequest["body"];

const oddBody: fc.Arbitrary<Body> = fc.oneof(
  anyJson.map((value) => JSON.stringify(value)),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => Uint8Array.from(bytes)),
  fc.constantFrom("", " ", "{", '{"a":', "[".repeat(200), `{"a":"${"x".repeat(300_000)}"}`),
);

function bodyOf({ content }: Json, api: DocumentedApi): fc.Arbitrary<Body> {
  const { schema, examples } = Object.values<Json>(content)[0];
  const right = valuesOf(schema, api.document);
  const shown = Object.values<Json>(examples ?? {}).map(({ value }) => value);
  const text = (values: fc.Arbitrary<Json>): fc.Arbitrary<Body> =>
    values.map((value) => JSON.stringify(value));
  return fc.oneof(
    { weight: 3, arbitrary: text(right) },
    { weight: 8, arbitrary: shown.length > 0 ? text(fc.constantFrom(...shown)) : text(right) },
    {
      weight: 3,
      arbitrary: text(nearly(fc.oneof(right, ...shown.map((one) => fc.constant(one))))),
    },
    { weight: 1, arbitrary: oddBody },
    { weight: 1, arbitrary: fc.constant(null) },
  );
}

/** Its content type: the right one, or not. */
function typedBody(request: FuzzedRequest, definition: Json): fc.Arbitrary<FuzzedRequest> {
  const { method, headers } = request;
  if (request.body === null || method === "GET" || method === "HEAD") {
    return fc.constant({ ...request, body: null });
  }
  const types = Object.keys(definition.requestBody?.content ?? { "application/json": {} });
  const strange = fc.constantFrom(
    "text/plain",
    "application/json; charset=latin1",
    "application/json;charset=UTF-8",
    "",
    "x",
  );
  return fc.tuple(
    often(fc.constantFrom(...types), strange),
    fc.oneof({ weight: 20, arbitrary: fc.constant(null) }, {
      weight: 1,
      arbitrary: fc.constantFrom("gzip", "identity"),
    }),
  ).map(([type, encoding]) => ({
    ...request,
    headers: {
      ...headers,
      "content-type": type,
      ...(encoding === null ? {} : { "content-encoding": encoding }),
    },
  }));
}
