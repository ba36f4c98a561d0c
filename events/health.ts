/** What a worker says of a server's health, and of a start that takes its time. Only changes are told. Design §4 rule 13. */
import { z } from "zod";

/** A part of a server that is not well, by the server's own word: for drasi-server a source, query or reaction. */
export const componentProblemSchema = z.object({
  kind: z.string().max(100),
  name: z.string().max(200),
  /** The server's own status word: `Error`. */
  status: z.string().max(100),
  reason: z.string().max(500).optional(),
});
export type ComponentProblem = z.infer<typeof componentProblemSchema>;

/** What a report says of why at most. */
export const REASON_CHARACTERS_MAX = 1_000;

/** The most parts that one report names. */
export const COMPONENTS_MAX = 20;

/** The steps of a start, in order. */
export const startStepSchema = z.enum(["spawning", "settling", "waiting-for-readiness"]);
export type StartStep = z.infer<typeof startStepSchema>;

export const healthReportSchema = z.object({
  instanceId: z.string(),
  runId: z.string(),
  /** Of the command that started the run. */
  runGeneration: z.number().int().nonnegative(),
  health: z.enum(["starting", "healthy", "unhealthy"]),
  /** Why it is unhealthy. `liveness`: its restart policy acts. `components`: parts of it failed, which is shown only. */
  cause: z.enum(["liveness", "components"]).optional(),
  /** What the last probe found wrong, in words; also of a start that waits for its readiness. */
  reason: z.string().max(REASON_CHARACTERS_MAX).optional(),
  /** Never empty. */
  components: z.array(componentProblemSchema).min(1).max(COMPONENTS_MAX).optional(),
  /** Where a start is, and since when (epoch milliseconds by the host's clock). */
  start: z.object({ step: startStepSchema, since: z.number() }).optional(),
});

/** A worker's word about how one run is. */
export type HealthReport = z.infer<typeof healthReportSchema>;
