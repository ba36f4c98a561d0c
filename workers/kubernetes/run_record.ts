/**
 * What is known of an instance in its cluster: an annotation on its set, which is changed together with the number of
 * replicas, and only from what was read. So of two workers that act on the same instance one finds out that it is late:
 * this is what folder, lock and files are to the process worker. Pure. Design §4 rules 6 and 10.
 */
import { z } from "zod";
import { runtimeInfoSchema } from "../../events/runtime_info.ts";
import { compareFences, type Fence } from "../platform.ts";
import { type KeptPlan, keptPlanSchema } from "../templates/image.ts";
import type { SetObject } from "./cluster_objects.ts";
import { INSTANCE, PLAN, RECORD } from "./object_names.ts";

const fenceSchema = z.object({ generation: z.number(), attempt: z.number() });

const recordSchema = z.object({
  /** The highest that was raised. */
  fence: fenceSchema,
  /** The latest run that a pod was asked for; null before the first one, and after one that never began. */
  run: fenceSchema.extend({
    runId: z.string(),
    /** Epoch milliseconds, by the clock of the worker that asked. */
    askedAt: z.number(),
    /** Its pod; another one of the same name was put in its place behind our back. Null: not seen yet. */
    podUid: z.string().nullable(),
  }).nullable(),
  /** The end of the run was asked for, so that it is no failure. */
  isEndAsked: z.boolean(),
  /** How its server ended by itself, and its last words: kept before its pod is ended, which may have begun it anew. */
  over: z.object({
    end: z.object({
      code: z.number().nullable(),
      isOutOfMemory: z.boolean(),
      startedAt: z.number().nullable(),
      endedAt: z.number().nullable(),
      words: z.string().nullable(),
    }),
    logTail: z.string(),
  }).nullable(),
  /** A run that was given up before it was known whether its pod was asked for: written, so that it will not be. */
  refused: z.string().nullable().default(null),
  /** Once the run has ended and its pod is gone. */
  ended: runtimeInfoSchema.nullable(),
});
export type RunRecord = z.infer<typeof recordSchema>;
export type RecordedRun = NonNullable<RunRecord["run"]>;

export const NOTHING_RECORDED: Readonly<RunRecord> = {
  fence: { generation: 0, attempt: 0 },
  run: null,
  isEndAsked: false,
  over: null,
  refused: null,
  ended: null,
};

/** What a set of ours says of itself. */
export interface Recorded {
  instanceId: string;
  record: RunRecord;
  /** Null: it was begun to be made, and never finished. */
  plan: KeptPlan | null;
}

/** Null: it is no set of an instance. */
export function readSet({ metadata }: SetObject): Recorded | null {
  const { [INSTANCE]: instanceId, [RECORD]: record, [PLAN]: plan } = metadata.annotations ?? {};
  if (instanceId === undefined) return null;
  return {
    instanceId,
    record: parsed(recordSchema, record) ?? NOTHING_RECORDED,
    plan: parsed(keptPlanSchema, plan),
  };
}

/** The record with at least this fence; a lower one changes nothing. */
export function raised(record: RunRecord, fence: Fence): RunRecord {
  if (fence.generation === 0 || compareFences(fence, record.fence) <= 0) return record;
  return { ...record, fence: { generation: fence.generation, attempt: fence.attempt } };
}

function parsed<T>(schema: z.ZodType<T>, text: string | undefined): T | null {
  try {
    return schema.parse(JSON.parse(text ?? ""));
  } catch {
    return null;
  }
}
