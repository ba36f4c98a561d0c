/** Holds answers to the API's own document: status, content type, headers, and JSON without a field that is not in it. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { createHttpApp } from "../../../http/app.ts";
import { apiOptions } from "./api_options.ts";
import { scriptedSystem } from "./scripted_system.ts";

/** An answer as a client has it. */
export interface GivenAnswer {
  status: number;
  headers: Headers;
  text: string;
}

// deno-lint-ignore no-explicit-any -- JSON of every shape
export type Json = any;

/** One operation of the document. */
export interface Operation {
  method: string;
  path: string;
  pattern: RegExp;
  /** All that the document says of it. */
  definition: Json;
  responses: Record<
    string,
    { description: string; content?: Record<string, Json>; headers?: Record<string, Json> }
  >;
}

/** Headers that say something of the answer; others are HTTP's own. */
const TOLD_HEADERS = [
  "allow",
  "draas-position",
  "draas-stale",
  "etag",
  "location",
  "retry-after",
  "www-authenticate",
  "x-request-id",
];
const DATE_TIME = /^-?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const METHODS = new Set(["get", "post", "put", "patch", "delete"]);
/** Its schema is that of each line. */
const LINES = "application/x-ndjson";
const ID = "openapi";

export class DocumentedApi {
  readonly operations: Operation[];
  private readonly ajv = new Ajv2020({
    strict: false,
    formats: { "date-time": DATE_TIME },
  });

  private readonly validators = new Map<string, ValidateFunction>();
  private readonly schemas: Json;

  constructor(readonly document: Json) {
    this.schemas = { ...closed(document), $id: ID };
    this.ajv.addSchema(this.schemas);
    this.operations = Object.entries<Json>(document.paths).flatMap(([path, item]) =>
      Object.keys(item).filter((method) => METHODS.has(method)).map((method) => ({
        method: method.toUpperCase(),
        path,
        pattern: patternOf(path),
        definition: item[method],
        responses: item[method].responses,
      }))
    );
  }

  /** What the document has for a request; `HEAD` is a `GET` without a body. */
  operationAt(method: string, path: string): Operation | undefined {
    const name = method === "HEAD" ? "GET" : method;
    return this.operations.find((one) => one.method === name && one.pattern.test(path));
  }

  /** What is wrong with an answer by the document; empty when nothing is. */
  faultsOf(method: string, address: string, answer: GivenAnswer): string[] {
    const path = address.replace(/[?#].*$/, "");
    const operation = this.operationAt(method, path);
    if (!operation) {
      const isKnown = this.operations.some(({ pattern }) => pattern.test(path));
      return this.faultsWithoutRoute(isKnown, answer);
    }
    const response = operation.responses[answer.status];
    if (!response) {
      return [`${answer.status} is no documented answer of ${operation.method} ${operation.path}`];
    }
    const faults = headerFaults(answer.headers, response.headers ?? {});
    const type = mediaTypeOf(answer.headers);
    if (response.content === undefined) {
      return answer.text === "" ? faults : [...faults, "it has a body, and none is documented"];
    }
    if (!(type in response.content)) return [...faults, `its type ${type} is not documented`];
    if (!type.endsWith("json") || method === "HEAD") return faults;
    const place = ["paths", operation.path, operation.method.toLowerCase(), "responses"];
    const schema = [...place, String(answer.status), "content", type, "schema"];
    const values = type === LINES ? answer.text.trimEnd().split("\n") : [answer.text];
    return [
      ...faults,
      ...values.flatMap((text) => this.schemaFaults(schema, JSON.parse(text))),
    ];
  }

  /** What is wrong with a value by the schema at a JSON pointer into the document. */
  schemaFaults(at: readonly string[], value: unknown): string[] {
    const validate = this.validatorAt(at);
    if (validate(value)) return [];
    return validate.errors!.map(({ instancePath, message, params }) =>
      `${instancePath} ${message} ${JSON.stringify(params)}`
    );
  }

  /** Many places have the same schema; it is compiled once. */
  private validatorAt(at: readonly string[]): ValidateFunction {
    const schema = at.reduce((inner, key) => inner?.[key], this.schemas);
    const text = JSON.stringify(schema);
    const known = this.validators.get(text);
    if (known) return known;
    const made = this.ajv.getSchema(`${ID}#${pointer(at)}`);
    if (!made) throw new Error(`the document has no schema at ${at.join(" ")}`);
    this.validators.set(text, made);
    return made;
  }

  /** Before it is known that there is no such route, or method, a request may have been refused. */
  private faultsWithoutRoute(isKnownPath: boolean, answer: GivenAnswer): string[] {
    const expected = isKnownPath ? 405 : 404;
    if (![expected, 401, 403, 429].includes(answer.status)) {
      return [`${answer.status} is no answer to a request that is not documented`];
    }
    if (answer.text === "") return [];
    return this.schemaFaults(["components", "schemas", "Problem"], JSON.parse(answer.text));
  }
}

function pointer(tokens: readonly string[]): string {
  return tokens.map((token) => `/${encodeURIComponent(escaped(token))}`).join("");
}

function escaped(token: string): string {
  return token.replaceAll("~", "~0").replaceAll("/", "~1");
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`);
}

function mediaTypeOf(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";")[0]!.trim();
}

function headerFaults(given: Headers, documented: Record<string, unknown>): string[] {
  const known = new Set(Object.keys(documented).map((name) => name.toLowerCase()));
  return TOLD_HEADERS.filter((name) => given.has(name) && !known.has(name))
    .map((name) => `its header ${name} is not documented`);
}

/** The schemas with no room for fields that they do not name, unless they say that there is. */
function closed(value: Json): Json {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, closed(one)]));
  const isOpen = inner.type === "object" && inner.properties !== undefined &&
    inner.additionalProperties === undefined;
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}

let present: Promise<DocumentedApi> | null = null;

/** The document of this release; made once. */
export function documentedApi(): Promise<DocumentedApi> {
  return present ??= (async () => {
    const metrics = () => Promise.resolve("");
    const app = createHttpApp({ ...apiOptions(scriptedSystem(null)), metrics });
    const response = await app.fetch(new Request("http://localhost/openapi.json"));
    return new DocumentedApi(await response.json());
  })();
}
