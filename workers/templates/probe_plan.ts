/** How a server is asked whether it is ready, and whether it is of use: plain data, kept on its host for later workers. */
import { z } from "zod";

/** One GET that has to answer with a 2xx. */
const httpCheckSchema = z.object({
  url: z.string(),
  /** The answer has to list this drasi-server instance: a stranger on the port answers `/health` too. */
  listsInstance: z.string().optional(),
});

/** One question. All checks of an HTTP probe have to pass. */
export const probePlanSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("http"), checks: z.array(httpCheckSchema) }),
  z.object({ kind: z.literal("tcp"), host: z.string(), port: z.number().int() }),
  /** A program, without a shell; 0 is the good exit code. */
  z.object({
    kind: z.literal("command"),
    argv: z.array(z.string()).min(1),
    /** What it is called where `argv` begins with a program that becomes it; absent: as `argv` begins. */
    name: z.string().optional(),
    /** The whole environment. None of the server's own variables, which may be secrets. */
    env: z.record(z.string(), z.string()),
    workingDirectory: z.string(),
  }),
]);

/** Asked from its start until its end. */
export const livenessPlanSchema = z.object({
  probe: probePlanSchema,
  /** Where drasi-server lists sources, queries and reactions; null: it has no parts that are known. */
  components: z.object({ url: z.string() }).nullable(),
  intervalMs: z.number().positive(),
  timeoutMs: z.number().positive(),
  /** So many failures in a row make it unhealthy, so many passes healthy. */
  failures: z.number().int().positive(),
  successes: z.number().int().positive(),
});

export type ProbePlan = z.infer<typeof probePlanSchema>;
export type LivenessPlan = z.infer<typeof livenessPlanSchema>;

/** A line of the server's output since its start. */
export interface LogLinePlan {
  kind: "log";
  contains: string | null;
  /** See `parseLinePattern`. */
  matches: string | null;
}

/** A server is ready when its probe has passed once, within `withinMs` of its start. */
export type ReadinessPlan = (ProbePlan | LogLinePlan) & { withinMs: number };
