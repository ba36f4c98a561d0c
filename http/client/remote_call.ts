/** One request to a control plane: sent, sent again where that is safe, and read; or a typed error. */
import { type Clock, sleep } from "../../events/clock.ts";
import type { Ids, Randomness } from "../../events/ids.ts";
import type { Json, JsonObject } from "../../events/json.ts";
import { lateAnswer, noAnswerOf, problemOfAnswer, strangeAnswer } from "./remote_problem.ts";
import { type Repetition, retryDelayMs } from "./retries.ts";

/** What a client is made of. */
export interface RemoteOptions {
  /** Of the control plane, without a slash at its end. */
  url: string;
  token: string | null;
  /** The host's `fetch`, or an app's own. */
  fetch(request: Request): Response | Promise<Response>;
  clock: Clock;
  ids: Ids;
  randomness: Randomness;
  /** Hears why a request is sent again. */
  onRetry?(error: unknown): void;
}

/** One request. */
export interface RemoteCall {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: Readonly<Record<string, string | undefined>>;
  body?: Json;
  repetition: Repetition;
  /** `Idempotency-Key`. */
  key?: string;
  /** Further headers, such as `If-Match`; of a body that is not plain JSON, its type. */
  headers?: Readonly<Record<string, string>>;
  /** How long the server is to wait for the outcome; it is told what is left of it with each attempt. */
  waitMs?: number;
  /** How long the client waits, all attempts together. */
  limitMs: number;
  /** False: what comes of the first attempt is the answer, also where another one might succeed. */
  isRepeated?: boolean;
}

/** A success. `body` is null where there is none. */
export interface RemoteReply {
  status: number;
  body: Json;
  /** The log is away: what was read may be old. */
  isStale: boolean;
  /** What the server's clock showed, epoch milliseconds to the second; null: it does not say. */
  dateMs: number | null;
}

/** What the way to the server and back may take, beside the server's own waiting. */
export const WAY_MS = 10_000;

/**
 * Sends a request until it is answered.
 * @throws {RemoteProblem} when it is refused
 * @throws {NoAnswer} when no answer came
 */
export async function callRemote(
  options: RemoteOptions,
  call: RemoteCall,
): Promise<RemoteReply> {
  const { clock, randomness } = options;
  const deadline = clock.monotonic() + call.limitMs;
  for (let attempt = 1;; attempt++) {
    try {
      return await send(options, call, deadline - clock.monotonic());
    } catch (error) {
      if (call.isRepeated === false) throw error;
      const delayMs = retryDelayMs(error, attempt, call.repetition, randomness.fraction());
      if (delayMs === null || clock.monotonic() + delayMs >= deadline) throw error;
      options.onRetry?.(error);
      await sleep(clock, delayMs);
    }
  }
}

/**
 * The object that the API answers with; also a server that speaks JSON may be another one.
 * @throws {RemoteProblem} where it is
 */
export function objectOf(
  { status, body }: RemoteReply,
  url: string,
  isOurs: (answer: JsonObject) => boolean,
): JsonObject {
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  if (isObject && isOurs(body)) return body;
  throw strangeAnswer(status, url);
}

/** The request itself. A redirect is not followed: it would take the token elsewhere. */
export function requestOf(
  { url, token }: RemoteOptions,
  { method, path, query = {}, body, key }: Pick<
    RemoteCall,
    "method" | "path" | "query" | "body" | "key"
  >,
  extra: { signal: AbortSignal; headers?: Readonly<Record<string, string>> },
): Request {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]]
  );
  const search = new URLSearchParams(given).toString();
  return new Request(`${url}${path}${search === "" ? "" : `?${search}`}`, {
    method,
    redirect: "manual",
    signal: extra.signal,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...extra.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function send(
  options: RemoteOptions,
  call: RemoteCall,
  leftMs: number,
): Promise<RemoteReply> {
  const leaving = new AbortController();
  const cancel = options.clock.after(leftMs, () => leaving.abort());
  const { headers = {} } = call;
  const request = requestOf(options, withWait(call, leftMs), { signal: leaving.signal, headers });
  let response: Response;
  let text: string;
  try {
    response = await options.fetch(request);
    text = await response.text();
  } catch (error) {
    if (leaving.signal.aborted) throw lateAnswer(options.url, call.limitMs);
    throw noAnswerOf(error, options.url);
  } finally {
    cancel();
  }
  if (!response.ok) throw problemOfAnswer(response, text, options.url);
  const dateMs = Date.parse(response.headers.get("date") ?? "");
  return {
    status: response.status,
    body: bodyOf(response, text, options.url),
    isStale: response.headers.get("draas-stale") === "true",
    dateMs: Number.isFinite(dateMs) ? dateMs : null,
  };
}

function withWait(call: RemoteCall, leftMs: number): RemoteCall {
  if (call.waitMs === undefined) return call;
  const waitMs = Math.max(1, Math.floor(Math.min(call.waitMs, leftMs - WAY_MS)));
  return { ...call, query: { ...call.query, timeout: `${waitMs}ms` } };
}

function bodyOf(response: Response, text: string, url: string): Json {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    // Some other server's page, with a status of success.
    throw strangeAnswer(response.status, url);
  }
}
