/** What a node tells of itself, ready or not. */
import { z } from "zod";
import { count, logPosition, time } from "./values.ts";

export const readinessFields = {
  ready: z.boolean(),
  reasons: z.array(z.string()).meta({ description: "Why it is not ready." }),
  durability: z.enum(["memory", "process", "disk", "replicated"]).meta({
    description: "What an answer of this log survives.",
  }),
  position: logPosition,
  instances: count.meta({ description: "Without the deleted ones." }),
  commandsInFlight: count,
  incidents: z.array(z.object({
    code: z.enum(["HISTORY_ROLLBACK", "BASELINE_MISMATCH"]),
    at: time,
    lostEvents: count,
    instanceIds: z.array(z.string()),
  })).meta({ description: "What happened to the log, also when it is over." }),
  warnings: z.array(z.string()).optional().meta({
    description: "What is not in order, and hinders no request.",
  }),
  version: z.string().meta({ description: "Of this release." }),
};
