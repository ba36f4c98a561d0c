/** The headers of requests and answers, as the document has them. */
import { z } from "zod";

/** Headers of requests that change what a route does; those that all requests may carry are documented once. */
export type RequestHeader = "Accept" | "Idempotency-Key" | "If-Match" | "Last-Event-ID";

const REQUEST_HEADERS: Readonly<Record<RequestHeader, z.ZodType>> = {
  "Accept": z.string().meta({
    description: "Which of the answer's content types is wanted.",
    example: "application/json",
  }),
  "Idempotency-Key": z.string().max(255).meta({
    description:
      "Makes the request safe to repeat: the same key with the same body is done once, " +
      "and answered each time. 1 to 255 visible ASCII characters.",
    pattern: "^[\\x21-\\x7e]{1,255}$",
  }),
  "If-Match": z.string().meta({
    description:
      'The `ETag` of an answer, such as `"7"`: nothing is done if the instance has changed ' +
      "since. `*` is any.",
  }),
  "Last-Event-ID": z.string().meta({
    description: "The id of the last message that was read: the stream goes on after it.",
  }),
};

/** These headers of a request, none of which must be there. */
export function requestHeaders(names: readonly RequestHeader[]): z.ZodObject {
  return z.object(
    Object.fromEntries(names.map((name) => [name, REQUEST_HEADERS[name].optional()])),
  );
}

const ANSWER_HEADERS = {
  "Allow": "The methods that the route knows.",
  "Draas-Position": "The position in the log that the answer is true for: `?atLeast=` demands it.",
  "Draas-Stale": "`true` where the log cannot be asked, and the answer may tell of the past.",
  "ETag": "The version of the instance's specification, for `If-Match`.",
  "Location": "The instance's address.",
  "Retry-After": "Seconds to wait before the request is repeated.",
  "WWW-Authenticate": "How to give a token.",
  "X-Request-Id":
    "The request's name in the log (`correlationId`): the client's own, or a new one.",
};
export type AnswerHeader = keyof typeof ANSWER_HEADERS;

/** Headers as OpenAPI has them, with those of every answer. */
export type Headers = Record<string, { description: string; schema: { type: "string" } }>;

/** Headers that an answer has, or may have. */
export function answerHeaders(names: readonly AnswerHeader[]): Headers {
  const all: readonly AnswerHeader[] = [...names, "X-Request-Id"];
  return Object.fromEntries(
    all.map((name) => [
      name,
      { description: ANSWER_HEADERS[name], schema: { type: "string" } },
    ]),
  );
}
