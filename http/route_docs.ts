/** What the API's document says of a route: the schemas that its requests are checked with, and what it may answer. Design §6. */
import type { z } from "zod";
import type { AnswerName } from "./openapi/answers.ts";
import type { RequestHeader } from "./openapi/headers.ts";
import type { ProblemCode } from "./problem.ts";

/** The chapters of the document, in its order. */
export const TAGS = [
  "Instances",
  "Lifecycle",
  "Configuration",
  "Fleets",
  "History",
  "Events",
  "Logs",
  "Workers",
  "Status",
  "Operations",
] as const;
export type Tag = typeof TAGS[number];

/** The headers that `readMutationHeaders` reads. */
export const MUTATION_HEADERS: readonly RequestHeader[] = ["Idempotency-Key", "If-Match"];

/** Of a configuration by one of the templates; its schema is registered by `openapi/document.ts` under that name. */
export const CONFIGURATION_SCHEMAS = {
  "drasi-server": "DrasiServerConfiguration",
  command: "CommandConfiguration",
  image: "ImageConfiguration",
} as const;

/** What the document says of a configuration, whatever its template is. */
export const CONFIGURATION_META = {
  description: "By the instance's template.",
  anyOf: Object.values(CONFIGURATION_SCHEMAS).map((name) => ({
    $ref: `#/components/schemas/${name}`,
  })),
};

/** A request's body. */
export interface DocumentedBody {
  /** The schema that it is checked with. */
  schema: z.ZodType;
  isRequired: boolean;
  /** Content types that are taken besides `application/json`. */
  otherTypes?: readonly string[];
  /** Bodies that are taken, by what they are for. */
  examples: Readonly<Record<string, unknown>>;
}

/**
 * One route in the document. What all routes of its kind have in common (the token, the instance's id, a body that is
 * too large) is added to it by `openapi/`.
 */
export interface RouteDocs {
  /** Its name in generated clients, in camel case. */
  id: string;
  /** A few words, as in a table of contents. */
  title: string;
  tag: Tag;
  /** Markdown. The route's summary as a sentence, when left out. */
  description?: string;
  /** What its query parameters are checked with. */
  query?: z.ZodRawShape;
  headers?: readonly RequestHeader[];
  body?: DocumentedBody;
  /** The answers that are no problems, by status; each name is an entry of `openapi/answers.ts`. */
  answers: Readonly<Record<number, AnswerName>>;
  /** Its own problems, besides those that it has in common with others. */
  problems?: readonly ProblemCode[];
}
