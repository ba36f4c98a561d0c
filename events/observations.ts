/** What a worker reports unasked. Only changes are reported. Design §4 rule 13. */
import { z } from "zod";
import { runtimeInfoSchema } from "./runtime_info.ts";

export const observationSchema = z.object({
  instanceId: z.string(),
  /** `Exited`: the run ended by itself. `Found`: it runs, and the log may not know. `Lost`: nobody can say. */
  observation: z.enum(["Exited", "Found", "Lost"]),
  runtimeInfo: runtimeInfoSchema,
});

/** A worker's report about one run. */
export type Observation = z.infer<typeof observationSchema>;
