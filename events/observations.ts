/** What a worker reports unasked. Only changes are reported. Design §4 rule 13. */
import { z } from "zod";
import { runtimeInfoSchema } from "./runtime_info.ts";

export const observationSchema = z.object({
  instanceId: z.string(),
  /** `Exited`: the run ended by itself. `Found`: it runs, and the log may not know. `Lost`: nobody can say. */
  observation: z.enum(["Exited", "Found", "Lost"]),
  runtimeInfo: runtimeInfoSchema,
  /**
   * Of a `Found` one: how long it has lived, by its host's clock. A duration, since that clock and the log's may differ.
   * Absent: an older release, or another kind of worker, does not say.
   */
  ageMs: z.number().nonnegative().optional(),
});

/** A worker's report about one run. */
export type Observation = z.infer<typeof observationSchema>;
