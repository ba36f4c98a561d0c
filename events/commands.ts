/** What a node asks of a worker. Each is written by the same append as the event that caused it. Design §5. */
import { z } from "zod";
import { templateSchema } from "./configuration.ts";
import { limitsSchema } from "./limits.ts";
import { jsonObjectSchema } from "./specification.ts";

export const commandTypeSchema = z.enum([
  "StartInstanceCommand",
  "StopInstanceCommand",
  "RestartInstanceCommand",
  "DeleteInstanceCommand",
]);
export type CommandType = z.infer<typeof commandTypeSchema>;

/** The site of a command that is for no worker that there is: nobody reads it, and the leader moves it on. */
export const UNPLACED_SITE = "unplaced";

export const commandSchema = z.object({
  /** Also the command's id in the log and in every report about it. */
  messageId: z.string(),
  type: commandTypeSchema,
  instanceId: z.string(),
  platform: z.string(),
  /** Where it must be done; null: any worker of the platform may take it. */
  site: z.string().nullable(),
  /** `{channel}.response.{guid}`; absent: fire-and-forget, the fact still lands in the log. */
  replyChannel: z.string().optional(),
  correlationId: z.string(),
  generation: z.number().int().nonnegative(),
  /** A duration: the log's clock makes a time of it, and refuses an accept after it. Design §4 rule 1. */
  acceptWithinMs: z.number().int().positive(),
  template: templateSchema.optional(),
  configuration: jsonObjectSchema.optional(),
  configurationRevision: z.number().int().nullable().optional(),
  /**
   * The server may live for so long after its worker was last heard, and no longer: its host ends it then. Counts from
   * the accept. Absent: it lives on without its worker. Design §4 rule 8.
   */
  leaseMs: z.number().int().positive().optional(),
  /** What the server may use of its host; absent: all that there is. */
  limits: limitsSchema.optional(),
  /** A delete that leaves a run of a newer generation alone, and fails: what is moved is not to be lost. */
  keepsNewer: z.literal(true).optional(),
  /** A delete that removes once more what comes until every spawn that was accepted before it is over. */
  mayComeLate: z.literal(true).optional(),
  traceparent: z.string().optional(),
});

/** A command as it travels. Start and restart carry template and configuration. */
export type Command = z.infer<typeof commandSchema>;

/** Stops and deletes wait neither behind starts nor for a free slot: they may be what frees one. */
export function isUrgent({ type }: Pick<Command, "type">): boolean {
  return type === "StopInstanceCommand" || type === "DeleteInstanceCommand";
}

/** A live command: on its stream or in work. It is gone once something has ended it. */
export interface CommandRecord {
  command: Command;
  /** Epoch milliseconds by the log's clock. */
  enqueuedAt: number;
  acceptBy: number;
  /** Deliveries without an accept so far; the fifth ends it as poison. Design §4 rule 12. */
  deliveries: number;
  accepted: { workerId: string; incarnation: string; site: string; attempt: number } | null;
}
