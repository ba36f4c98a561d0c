/** An event stream that is followed over broken connections: taken up again where it was, for as long as is wanted. */
import { sleep } from "../../events/clock.ts";
import { type RemoteOptions, requestOf } from "./remote_call.ts";
import {
  endedStream,
  lateAnswer,
  NoAnswer,
  noAnswerOf,
  problemOfAnswer,
  RemoteProblem,
} from "./remote_problem.ts";
import { RETRY_AFTER_MAX_MS } from "./retries.ts";
import { type SseMessage, sseMessages } from "./sse_messages.ts";

/** What is followed. */
export interface Following {
  path: string;
  query: Readonly<Record<string, string | undefined>>;
  /** Ends it, without an error. */
  signal: AbortSignal;
  /** It is taken up again however long nobody answers; only a refusal ends it. */
  isEndless?: boolean;
}

/** Further attempts in a row, before the first message and after it: a control plane that is upgraded is back by then. */
const OPENINGS_MAX = 4;
const RESUMES_MAX = 30;
const BASE_MS = 250;
const CAP_MS = 4_000;
/** The API sends a heart-beat each 15 s; a connection that is silent for so long is dead. */
export const SILENCE_MAX_MS = 50_000;

/**
 * Messages as they come. Ends when `signal` is aborted; whoever has enough stops reading.
 * @throws {RemoteProblem} when the stream is refused
 * @throws {NoAnswer} when it cannot be opened, or not again for a minute and a half
 */
export async function* followStream(
  options: RemoteOptions,
  { path, query, signal, isEndless = false }: Following,
): AsyncGenerator<SseMessage> {
  let lastEventId = "";
  let failures = 0;
  let hasBegun = false;
  while (!signal.aborted) {
    let fault: unknown = endedStream(options.url);
    try {
      for await (const message of oneConnection(options, { path, query, signal }, lastEventId)) {
        if (message.id !== "") lastEventId = message.id;
        if (message.event !== "error") failures = 0;
        hasBegun = true;
        if (message.data !== "") yield message;
      }
    } catch (error) {
      fault = error;
    }
    if (signal.aborted) return;
    const failuresMax = isEndless ? Infinity : hasBegun ? RESUMES_MAX : OPENINGS_MAX;
    if (!mayPass(fault) || failures >= failuresMax) throw fault;
    if (failures === 0) options.onRetry?.(fault);
    failures++;
    const backoffMs = Math.min(CAP_MS, BASE_MS * 2 ** failures);
    const ownMs = backoffMs * (0.5 + options.randomness.fraction() / 2);
    await sleep(options.clock, Math.max(ownMs, askedMs(fault)), signal);
  }
}

/** What a proxy answers, with a page of its own, while the control plane behind it begins anew. */
const FROM_GATEWAYS = [502, 503, 504];

function mayPass(error: unknown): boolean {
  if (!(error instanceof RemoteProblem)) return error instanceof NoAnswer;
  if (askedMs(error) > RETRY_AFTER_MAX_MS) return false;
  return error.retryable ||
    (error.code === "unexpected_answer" && FROM_GATEWAYS.includes(error.status));
}

/** How long the control plane asks to be left alone. */
function askedMs(error: unknown): number {
  return error instanceof RemoteProblem ? error.retryAfterMs ?? 0 : 0;
}

/** The messages of one connection; its end is no error. */
async function* oneConnection(
  options: RemoteOptions,
  { path, query, signal }: Following,
  lastEventId: string,
): AsyncGenerator<SseMessage> {
  const leaving = new AbortController();
  const leave = () => leaving.abort();
  signal.addEventListener("abort", leave, { once: true });
  let cancel = () => {};
  const expect = () => {
    cancel();
    cancel = options.clock.after(SILENCE_MAX_MS, leave);
  };
  expect();
  try {
    const request = requestOf(options, { method: "GET", path, query }, {
      signal: leaving.signal,
      headers: {
        accept: "text/event-stream",
        ...(lastEventId === "" ? {} : { "last-event-id": lastEventId }),
      },
    });
    const response = await options.fetch(request);
    if (!response.ok || response.body === null) {
      throw problemOfAnswer(response, await response.text(), options.url);
    }
    yield* sseMessages(endedBy(response.body, leaving.signal), expect);
  } catch (error) {
    if (error instanceof RemoteProblem) throw error;
    throw leaving.signal.aborted
      ? lateAnswer(options.url, SILENCE_MAX_MS)
      : noAnswerOf(error, options.url);
  } finally {
    cancel();
    signal.removeEventListener("abort", leave);
    leaving.abort();
  }
}

/** A body that does not come from the network knows nothing of its request's signal. */
export function endedBy(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  return body.pipeThrough(new TransformStream(), { signal });
}
