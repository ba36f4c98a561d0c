/** Plans as files: what was shrunk is kept, and run again by `deno task simulate --plan FILE`. */
import { z } from "zod";
import { FAULT_KINDS, type Plan } from "../plan.ts";

const count = z.number().int().nonnegative();
const whose = { atMs: z.number().nonnegative(), user: count, node: count, instance: count };
const planSchema = z.object({
  seed: count,
  shape: z.object({
    form: z.enum(["embedded", "redis"]),
    nodes: count.min(1),
    hosts: count.min(1),
    fsync: z.enum(["everysec", "always"]),
    busyMs: z.number().nonnegative(),
  }),
  faults: z.array(z.enum(FAULT_KINDS)),
  steps: z.array(z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("request"),
      ...whose,
      request: z.looseObject({
        type: z.enum(["create", "start", "stop", "restart", "configure", "delete", "move"]),
      }),
      timeoutMs: z.number().nonnegative(),
      wait: z.boolean(),
      key: count.nullable(),
    }),
    z.object({ kind: z.literal("read"), ...whose }),
    z.object({
      kind: z.enum(FAULT_KINDS),
      atMs: z.number().nonnegative(),
      target: count,
      durationMs: z.number().nonnegative(),
    }),
  ])),
});

/** The text of a file; a person may edit it. */
export function planText(plan: Plan): string {
  return `${JSON.stringify(plan, null, 2)}\n`;
}

/** A plan from a file's text, or what is wrong with it. */
export function planFrom(text: string): Plan | { wrong: readonly string[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { wrong: [`it is not JSON: ${error instanceof Error ? error.message : error}`] };
  }
  const { success, data, error } = planSchema.safeParse(value);
  if (success) return data as Plan;
  return { wrong: error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) };
}
