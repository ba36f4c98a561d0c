/** Every answer of the API that is no problem: its JSON, its headers, an example. Routes name them. */
import { z } from "zod";
import { CONFIGURATION_ANSWERS } from "./answers/configuration.ts";
import { FLEET_ANSWERS } from "./answers/fleets.ts";
import { HISTORY_ANSWERS } from "./answers/history.ts";
import { INSTANCE_ANSWERS } from "./answers/instances.ts";
import { OPERATION_ANSWERS } from "./answers/operations.ts";
import { STATUS_ANSWERS } from "./answers/statuses.ts";
import type { AnswerHeader } from "./headers.ts";

/** One answer, in each content type that it comes in. */
export interface DocumentedAnswer {
  description: string;
  /** Those that it has, or may have. */
  headers: readonly AnswerHeader[];
  content: Readonly<Record<string, { schema: z.ZodType; example: unknown }>>;
}

/** By name. A field that a schema does not know is one that the API does not answer with: tests hold them to it. */
export const ANSWERS = {
  ...INSTANCE_ANSWERS,
  ...CONFIGURATION_ANSWERS,
  ...FLEET_ANSWERS,
  ...HISTORY_ANSWERS,
  ...STATUS_ANSWERS,
  ...OPERATION_ANSWERS,
  Undocumented: {
    description: "What its route does not say.",
    headers: [],
    content: { "application/json": { schema: z.unknown(), example: {} } },
  },
} satisfies Record<string, DocumentedAnswer>;

export type AnswerName = keyof typeof ANSWERS;
