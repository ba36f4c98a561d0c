/** What a worker says of one run of a server: in responses, observations and the fold. */
import { z } from "zod";
import { limitsSchema } from "./limits.ts";

/** How a run ended. `code` and `signal` are null where the host cannot know them any more. */
export const exitSchema = z.object({
  code: z.number().int().nullable(),
  /** `SIGTERM`, …; a shell cannot tell exit code 143 from SIGTERM: codes above 128 are read as signals. */
  signal: z.string().nullable(),
  /** `Exited` by itself, `Stopped` on request, `Killed` after its grace period, `HostRebooted`,
   * `LeaseLapsed`: its host ended it, as its worker had not reached the log for the time of its lease; `Unknown`. */
  reason: z.enum(["Exited", "Stopped", "Killed", "HostRebooted", "LeaseLapsed", "Unknown"]),
  message: z.string().max(2_000),
});

/** One run: from its spawn to its exit. Times are epoch milliseconds. Design §2 (`runId`), §6. */
export const runtimeInfoSchema = z.object({
  instanceId: z.string(),
  status: z.enum(["Running", "Stopped"]),
  runId: z.string(),
  generation: z.number().int().nonnegative(),
  site: z.string(),
  startedAt: z.number(),
  stoppedAt: z.number().optional(),
  processId: z.string().optional(),
  containerId: z.string().optional(),
  podName: z.string().optional(),
  namespace: z.string().optional(),
  host: z.string().optional(),
  port: z.number().int().optional(),
  /** It may live for so long after its worker was last heard; absent: it needs no worker to live. */
  leaseMs: z.number().int().positive().optional(),
  exit: exitSchema.optional(),
  /** The limits that hold it. */
  limits: limitsSchema.optional(),
  /** Of the limits that it was to be started with, those that its host could not set, by name, and why. */
  limitsNotSet: z.record(z.string(), z.string().max(500)).optional(),
  /** The last lines of its output, at most 8 KiB; only after a failure. */
  logTail: z.string().max(8_192).optional(),
  /** Other facts for display; a stand-in says `standIn: "true"`. */
  runtimeMetadata: z.record(z.string(), z.string()),
});

export type Exit = z.infer<typeof exitSchema>;
export type RuntimeInfo = z.infer<typeof runtimeInfoSchema>;
