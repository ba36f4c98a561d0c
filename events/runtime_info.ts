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

/** The most that a capsule may be, in bytes of its JSON. */
export const CAPSULE_BYTES_MAX = 4_096;

/** What helps to understand a run that ended badly; kept with the event of its end, so that it outlives its host. */
export const capsuleSchema = z.object({
  /** Null: a start's body overrode the configuration; absent: not known. */
  configurationRevision: z.number().int().nullable().optional(),
  /** The program, with size and time of its file. */
  program: z.string().max(1_000).optional(),
  /** Names of all its variables; values only of those that cannot hold a secret, `***` for the others. */
  environment: z.record(z.string(), z.string()),
  /** The last probes, oldest first; `problem` is null for one that it passed. */
  probes: z.array(z.object({
    at: z.number(),
    kind: z.enum(["readiness", "liveness"]),
    problem: z.string().max(300).nullable(),
  })).max(5),
  /** What it used before its end, oldest first, where that was measured. */
  resources: z.array(z.object({
    at: z.number(),
    cpuPercent: z.number().optional(),
    memoryBytes: z.number().optional(),
  })).max(30).optional(),
  /** What differs from the last good run on this host, in words; absent where there was none. */
  changes: z.array(z.string().max(300)).max(20).optional(),
});
export type Capsule = z.infer<typeof capsuleSchema>;

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
  /** Only after a failure; at most `CAPSULE_BYTES_MAX`. */
  capsule: capsuleSchema.optional(),
  /** Other facts for display; a stand-in says `standIn: "true"`. */
  runtimeMetadata: z.record(z.string(), z.string()),
});

export type Exit = z.infer<typeof exitSchema>;
export type RuntimeInfo = z.infer<typeof runtimeInfoSchema>;

/**
 * Of two runs of an instance that are both told to live, `found` is the one to keep: it was asked for later, and begun
 * later. A log that lost its end may hold an older one for live, which had ended before; one that began later was begun
 * by those who no longer knew of a higher generation. Design §4 rule 7.
 */
export function isNewer(found: RuntimeInfo, known: RuntimeInfo): boolean {
  return found.generation > known.generation && found.startedAt >= known.startedAt;
}
