/** Calls an app's `fetch` as a client would, and takes the answer apart. */
import { assertEquals } from "@std/assert";
import { documentedApi } from "./documented_api.ts";

/** An answer with its body read. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // deno-lint-ignore no-explicit-any -- tests look into answers of every shape
  json: any;
}

export interface Call {
  /** Sent as JSON, unless it is a string or bytes: then as it is. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Fetching {
  fetch(request: Request): Response | Promise<Response>;
}

/** `client("POST /api/server/instances", {body})`. */
export type ApiClient = (line: string, call?: Call) => Promise<Answer>;

/** A client of an app in this process; each answer must be one that the API's document knows. */
export function apiClient(app: Fetching, standing: Record<string, string> = {}): ApiClient {
  const call = plainClient(app, standing);
  return async (line, given) => {
    const answer = await call(line, given);
    const [method = "GET", path = "/"] = line.split(" ");
    const faults = (await documentedApi()).faultsOf(method, path, answer);
    assertEquals(faults, [], `${line} is answered as documented: ${answer.text.slice(0, 2_000)}`);
    return answer;
  };
}

/** A client that takes each answer as it is: for tests that look at the clock. */
export function plainClient(app: Fetching, standing: Record<string, string> = {}): ApiClient {
  return async (line, { body, headers = {} } = {}) => {
    const [method = "GET", path = "/"] = line.split(" ");
    const isRaw = typeof body === "string" || body instanceof Uint8Array ||
      body instanceof ReadableStream;
    const response = await app.fetch(
      new Request(`http://localhost:4700${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...standing,
          ...headers,
        },
        ...(body === undefined ? {} : { body: isRaw ? body as BodyInit : JSON.stringify(body) }),
      }),
    );
    return await answerOf(response);
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== "" ? JSON.parse(text) : undefined,
  };
}

/** Checks that an answer is a problem in full, with this status and code; gives its JSON. */
// deno-lint-ignore no-explicit-any -- as above
export function assertProblem(answer: Answer, status: number, code: string): any {
  assertEquals(
    [answer.status, answer.json?.code, answer.headers.get("content-type")],
    [status, code, "application/problem+json"],
    answer.text,
  );
  const { type, title, detail, error, retryable, hint, traceId } = answer.json;
  assertEquals(answer.json.status, status);
  assertEquals(type, `urn:draas:problem:${code}`);
  assertEquals(typeof retryable, "boolean");
  for (const text of [title, detail, error, hint, traceId]) {
    assertEquals(
      typeof text === "string" && text !== "",
      true,
      `each member is said: ${answer.text}`,
    );
  }
  return answer.json;
}

/** The faults of a 400 as `path: message` lines. */
export function faultLines(answer: Answer): string[] {
  assertProblem(answer, 400, "invalid");
  return answer.json.faults.map((one: { path: string; message: string }) =>
    `${one.path}: ${one.message}`
  );
}
