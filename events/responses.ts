/** What a worker answers to a command: the fact that ends it. Design §2; `phase-2.5.md` §1. */
import { z } from "zod";
import { runtimeInfoSchema } from "./runtime_info.ts";

const base = z.object({
  instanceId: z.string(),
  success: z.boolean(),
  errorMessage: z.string().max(16_384).optional(),
  /** Stable code of the failure, for programs. */
  errorCode: z.string().max(64).optional(),
  /** False when the same try would fail again. */
  retryable: z.boolean().optional(),
  /** The run that this command started, ended or found; absent where there is none. */
  runtimeInfo: runtimeInfoSchema.optional(),
});

export const responseSchema = z.discriminatedUnion("type", [
  base.extend({ type: z.literal("StartInstanceResponse") }),
  base.extend({ type: z.literal("StopInstanceResponse") }),
  /** `stopped` is the half that ended the old run; `runtimeInfo` the new run. */
  base.extend({
    type: z.literal("RestartInstanceResponse"),
    stopped: runtimeInfoSchema.optional(),
  }),
  base.extend({ type: z.literal("DeleteInstanceResponse") }),
]);

/** A worker's answer to a command. */
export type InstanceResponse = z.infer<typeof responseSchema>;
