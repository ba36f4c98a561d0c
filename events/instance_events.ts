/**
 * Every fact that can be in the log, with the schema of its data. Past tense, immutable, numbered:
 * a changed shape gets a new schema number and an upcaster (`upcast.ts`), never a new meaning.
 */
import { z } from "zod";
import { commandTypeSchema } from "./commands.ts";
import { externalStatusSchema } from "./external_status.ts";
import { limitsSchema } from "./limits.ts";
import { healthReportSchema } from "./health.ts";
import { observationSchema } from "./observations.ts";
import { responseSchema } from "./responses.ts";
import { runtimeInfoSchema } from "./runtime_info.ts";
import {
  destinationSchema,
  jsonObjectSchema,
  specificationChangesSchema,
  specificationSchema,
} from "./specification.ts";

const commandId = z.string();
const generation = z.number().int().nonnegative();
const site = z.string().nullable();
const launch = {
  commandId,
  generation,
  configuration: jsonObjectSchema,
  /** Null when a start's body overrode the configuration. */
  configurationRevision: z.number().int().nullable(),
  limits: limitsSchema.optional(),
  acceptWithinMs: z.number().int().positive(),
};
/** See `Command.leaseMs`. */
const leaseMs = z.number().int().positive().optional();

/** Data schemas by event type, in their present form. */
export const eventSchemas = {
  InstanceCreated: z.object({ specification: specificationSchema }),
  InstanceConfigured: z.object({ changes: specificationChangesSchema }),
  /** `cause`: a user, the restart policy, a start that waited for a stop, or a found difference. */
  StartRequested: z.object({
    ...launch,
    site,
    leaseMs,
    cause: z.enum(["user", "restart-policy", "queue"]),
    /** Why it is to be started at `site`, and which worker was meant; absent where any may take it. */
    placement: z.object({
      site: z.string(),
      workerId: z.string().nullable(),
      reason: z.string().max(1_000),
    }).optional(),
    /** A user's start in the place of one that the policy had planned: the count of tries goes on. */
    isRetry: z.literal(true).optional(),
  }),
  /** A start asked for while stopping; its own deadline runs from here. */
  StartQueued: z.object(launch),
  /** `commandId` is null when nothing runs, so that no worker is needed. */
  StopRequested: z.object({
    commandId: commandId.nullable(),
    generation,
    site,
    acceptWithinMs: z.number().int().positive(),
  }),
  /** `cause`: absent for a user; the restart policy replaces a server that is unhealthy. */
  RestartRequested: z.object({
    ...launch,
    site,
    leaseMs,
    cause: z.literal("restart-policy").optional(),
  }),
  /** `mayStillRun` names what a forced delete may leave behind; its worker ends it on its return. */
  DeleteRequested: z.object({
    commandId: commandId.nullable(),
    generation,
    site,
    acceptWithinMs: z.number().int().positive(),
    force: z.boolean(),
    mayStillRun: runtimeInfoSchema.nullable(),
  }),
  /**
   * `commandId` removes what is left at `site`; the specification changes with its success. Null: nothing is removed,
   * since there was no site yet, or, with `force`, since its worker is not waited for; it changes at once.
   */
  MoveRequested: z.object({
    commandId: commandId.nullable(),
    generation,
    site,
    acceptWithinMs: z.number().int().positive(),
    to: destinationSchema,
    force: z.boolean(),
    /** A start that was taken over at `site`, or given up, may spawn until its deadline: what it left is removed after. */
    mayComeLate: z.literal(true).optional(),
  }),
  /**
   * The answer to a request that changed nothing, kept because it carried an idempotency key. `commandId` names the
   * command of an earlier request that it joined.
   */
  RequestAnswered: z.object({ request: z.string(), commandId: commandId.nullable() }),
  CommandAccepted: z.object({
    commandId,
    commandType: commandTypeSchema,
    attempt: z.number().int().positive(),
    workerId: z.string(),
    incarnation: z.string(),
    site: z.string(),
  }),
  CommandSucceeded: z.object({
    commandId,
    attempt: z.number().int(),
    workerId: z.string(),
    response: responseSchema,
  }),
  CommandFailed: z.object({
    commandId,
    attempt: z.number().int(),
    workerId: z.string(),
    response: responseSchema,
  }),
  CommandExpired: z.object({
    commandId,
    reason: z.enum(["NoWorker", "WorkersBusy", "WorkersUnreachable", "NotReleased"]),
    /** What is missing, where that can be said more exactly than by the reason. */
    detail: z.string().max(1_000).optional(),
  }),
  CommandCancelled: z.object({ commandId, reason: z.string() }),
  CommandRefused: z.object({ commandId, reason: z.enum(["StaleGeneration", "Poison"]) }),
  /** Its worker was given up by an admin or the leader; what it did is not known. */
  CommandForgotten: z.object({ commandId, workerId: z.string() }),
  /** The jitter is in `delayMs`: drawn once, by whoever appended. The next try is due at `at + delayMs`. */
  RestartScheduled: z.object({
    runId: z.string(),
    attempt: z.number().int().nonnegative(),
    delayMs: z.number().nonnegative(),
    /** Absent: the run has ended. */
    cause: z.literal("Unhealthy").optional(),
  }),
  RestartAbandoned: z.object({
    runId: z.string(),
    reason: z.literal("CrashLoop"),
    starts: z.number().int(),
  }),
  RuntimeObserved: observationSchema.extend({ workerId: z.string() }),
  /** Marked as ignorable in the log: to a release that does not know it, nobody says how servers are. */
  HealthObserved: healthReportSchema.extend({ workerId: z.string() }),
  /** Changes nothing of the run, and sends no command. */
  ExternalStatusReported: externalStatusSchema,
  /** The whole state of an instance, so that what lies before may be cut. Design §3. */
  Baseline: z.object({ state: jsonObjectSchema }),
} as const;

export type EventType = keyof typeof eventSchemas;
export type EventData<T extends EventType> = z.infer<(typeof eventSchemas)[T]>;

/** Types whose shape has changed since their first release. */
const LATER_SCHEMAS: Partial<Record<EventType, number>> = {
  InstanceCreated: 3,
  InstanceConfigured: 2,
  RestartScheduled: 2,
  RestartRequested: 2,
  Baseline: 2,
};

/** The schema number that is written today, by type. */
export const CURRENT_SCHEMA: Readonly<Record<EventType, number>> = Object.freeze({
  ...Object.fromEntries(Object.keys(eventSchemas).map((type) => [type, 1])) as Record<
    EventType,
    number
  >,
  ...LATER_SCHEMAS,
});

/** One fact before it is in the log. */
export type NewEvent = { [T in EventType]: { type: T; data: EventData<T> } }[EventType];

/** A new event with its type checked against its data. */
export function newEvent<T extends EventType>(type: T, data: EventData<T>): NewEvent {
  return { type, data } as NewEvent;
}

/** Whether `type` is one that this release knows. */
export function isKnownEventType(type: string): type is EventType {
  return Object.hasOwn(eventSchemas, type);
}
