/** Every answer of the API that is no problem: its JSON, its headers, an example. Routes name them. */
import { z } from "zod";
import type { AnswerHeader } from "./headers.ts";

/** One answer, in each content type that it comes in. */
export interface DocumentedAnswer {
  description: string;
  headers: readonly AnswerHeader[];
  content: Readonly<Record<string, { schema: z.ZodType; example: unknown }>>;
}

const json = (schema: z.ZodType, example: unknown) => ({ "application/json": { schema, example } });

export const ANSWERS = {
  Undocumented: {
    description: "It is done.",
    headers: [],
    content: json(z.unknown(), {}),
  },
} satisfies Record<string, DocumentedAnswer>;

export type AnswerName = keyof typeof ANSWERS;
