/** An answer that is told line by line, as JSON: opened with retries, read to its last line, or a typed error. */
import { sleep } from "../../events/clock.ts";
import type { JsonObject } from "../../events/json.ts";
import type { ApplyLine } from "./answers.ts";
import { endedBy, SILENCE_MAX_MS } from "./followed_stream.ts";
import { type RemoteOptions, requestOf } from "./remote_call.ts";
import {
  endedStream,
  lateAnswer,
  noAnswerOf,
  problemOfAnswer,
  RemoteProblem,
  strangeAnswer,
} from "./remote_problem.ts";
import { retryDelayMs } from "./retries.ts";

/** What is asked. */
export interface Telling {
  path: string;
  query: Readonly<Record<string, string | undefined>>;
  body: JsonObject;
  /** `Idempotency-Key`: it may be sent again until it is answered. */
  key: string;
  /** Leaves, without an error. */
  signal: AbortSignal;
}

/** Nothing of the API is so long. */
const LINE_CHARACTERS_MAX = 16_777_216;

/**
 * The lines, but for signs of life, up to the one of the type `end`; fewer where `signal` was aborted.
 * @throws {RemoteProblem} when it is refused
 * @throws {NoAnswer} when no answer came, or it broke off
 */
export async function* toldLines(
  options: RemoteOptions,
  telling: Telling,
): AsyncGenerator<ApplyLine> {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  telling.signal.addEventListener("abort", leave, { once: true });
  const watch = { cancel: () => {} };
  const expect = () => {
    watch.cancel();
    watch.cancel = options.clock.after(SILENCE_MAX_MS, leave);
  };
  try {
    const body = await opened(options, telling, leaving.signal, expect);
    for await (const line of linesOf(endedBy(body, leaving.signal), options.url, expect)) {
      if (line.type !== "heartbeat") yield line;
      if (line.type === "end") return;
    }
    throw endedStream(options.url);
  } catch (error) {
    if (telling.signal.aborted) return;
    if (leaving.signal.aborted) throw lateAnswer(options.url, SILENCE_MAX_MS);
    throw error;
  } finally {
    watch.cancel();
    telling.signal.removeEventListener("abort", leave);
    leave();
  }
}

async function opened(
  options: RemoteOptions,
  { path, query, body, key }: Telling,
  signal: AbortSignal,
  expect: () => void,
): Promise<ReadableStream<Uint8Array>> {
  for (let attempt = 1;; attempt++) {
    expect();
    try {
      return await sent(
        options,
        requestOf(options, { method: "POST", path, query, body, key }, { signal }),
      );
    } catch (error) {
      const delayMs = retryDelayMs(error, attempt, "keyed", options.randomness.fraction());
      if (signal.aborted || delayMs === null) throw error;
      options.onRetry?.(error);
      await sleep(options.clock, delayMs, signal);
    }
  }
}

async function sent(
  { fetch, url }: RemoteOptions,
  request: Request,
): Promise<ReadableStream<Uint8Array>> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    throw noAnswerOf(error, url);
  }
  if (!response.ok) throw problemOfAnswer(response, await response.text(), url);
  const type = response.headers.get("content-type") ?? "";
  if (response.body !== null && type.startsWith("application/x-ndjson")) return response.body;
  await response.body?.cancel();
  throw strangeAnswer(response.status, url);
}

async function* linesOf(
  body: ReadableStream<Uint8Array>,
  url: string,
  onChunk: () => void,
): AsyncGenerator<ApplyLine> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const bytes of body) {
      onChunk();
      const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      if (rest.length > LINE_CHARACTERS_MAX) throw strangeAnswer(200, url);
      for (const part of parts) yield lineOf(part, url);
    }
  } catch (error) {
    throw error instanceof RemoteProblem ? error : noAnswerOf(error, url);
  }
}

function lineOf(text: string, url: string): ApplyLine {
  try {
    const line = JSON.parse(text);
    if (typeof line?.type === "string") return line;
  } catch {
    // Some other server's text: who called says that it is none of ours.
  }
  throw strangeAnswer(200, url);
}
