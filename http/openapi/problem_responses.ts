/** Problems in the document: the responses of a route that may answer with some. */
import type { z } from "zod";
import { KINDS, type ProblemCode } from "../problem.ts";
import { type AnswerHeader, answerHeaders, type Headers } from "./headers.ts";
import { problem } from "./problem_schema.ts";

/** Codes of workers and of the log come with these: which they are is not for the API to say. */
const OPEN: readonly ProblemCode[] = ["worker_failure", "operation_failed", "unavailable"];

const HEADERS: Partial<Record<ProblemCode, AnswerHeader>> = {
  method_not_allowed: "Allow",
  unauthorized: "WWW-Authenticate",
  forbidden: "WWW-Authenticate",
  stale_version: "ETag",
  // Not retryable as it is, but with the same key.
  log_indeterminate: "Retry-After",
};

/** The problem's schema, with the codes beside the reference to it, as JSON Schema 2020-12 allows. */
interface ProblemOfCodes {
  $ref: string;
  properties: { code: { enum: string[] } };
}

/** A response, in the form of OpenAPI. */
export interface ProblemResponse {
  description: string;
  headers: Headers;
  content: {
    "application/problem+json": {
      schema: z.ZodType | ProblemOfCodes;
      examples: Record<string, { $ref: string }>;
    };
  };
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
  const isRetried = codes.some((code) => KINDS[code].retryable);
  return {
    description: codes.map((code) => `\`${code}\`: ${KINDS[code].title}.`).join("\n\n"),
    headers: answerHeaders([
      ...codes.flatMap((code) => HEADERS[code] ?? []),
      ...(isRetried ? ["Retry-After" as const] : []),
    ]),
    content: {
      "application/problem+json": {
        schema: codes.some((code) => OPEN.includes(code)) ? problem : problemOf(codes),
        examples: Object.fromEntries(
          codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
        ),
      },
    },
  };
}

function problemOf(codes: readonly ProblemCode[]): ProblemOfCodes {
  return { $ref: "#/components/schemas/Problem", properties: { code: { enum: [...codes] } } };
}
