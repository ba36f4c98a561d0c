/** Answers about instances: themselves, and what became of what was asked of them. */
import { z } from "zod";
import { INSTANCE, instance, listedInstance, RUN, runtimeInfo } from "../instance_schema.ts";
import { plannedEvent } from "../event_schema.ts";
import type { AnswerHeader } from "../headers.ts";
import { json, logPosition } from "../values.ts";

export const READ_HEADERS: readonly AnswerHeader[] = ["ETag", "Draas-Position", "Draas-Stale"];
export const CHANGE_HEADERS: readonly AnswerHeader[] = ["ETag", "Draas-Position"];

/** What a mutation would do: the answer to `?dryRun=true`. */
export const plan = z.object({
  dryRun: z.literal(true),
  changed: z.boolean(),
  events: z.array(plannedEvent).meta({ description: "What would be written." }),
  instance: instance.optional(),
}).meta({ id: "Plan" });

const PLAN: z.input<typeof plan> = {
  dryRun: true,
  changed: true,
  events: [{ type: "InstanceConfigured", data: { changes: { labels: { team: "sales" } } } }],
  instance: INSTANCE,
};

const done = z.object({
  message: z.string(),
  runtimeInfo,
  changed: z.boolean().meta({ description: "False where it was so before." }),
  position: logPosition,
}).meta({ id: "LifecycleAnswer" });

const accepted = z.object({
  message: z.string(),
  commandId: z.string().nullable(),
  position: logPosition,
  hint: z.string(),
  instance: instance.optional(),
}).meta({ id: "Accepted" });

const list = z.object({
  items: z.array(listedInstance),
  nextCursor: z.string().optional().meta({ description: "For the next page; absent on the last." }),
  position: logPosition,
}).meta({ id: "InstanceList" });

const waited = z.object({
  outcome: z.enum(["reached", "failed", "superseded", "timeout"]),
  reason: z.string(),
  instance,
  position: logPosition,
}).meta({ id: "Waited" });

export const INSTANCE_ANSWERS = {
  Instance: {
    description: "The instance.",
    headers: READ_HEADERS,
    content: json(instance, INSTANCE),
  },
  InstanceList: {
    description: "A page of the fleet.",
    headers: ["Draas-Position", "Draas-Stale"],
    content: json(list, {
      items: [INSTANCE],
      nextCursor: "WyJpbnN0YW5jZXMiLHt9XQ",
      position: "12-0",
    }),
  },
  InstanceCreated: {
    description: "It is created.",
    headers: [...CHANGE_HEADERS, "Location"],
    content: json(instance, { ...INSTANCE, status: "Created" }),
  },
  InstanceChanged: {
    description: "The instance with its changes; with `?dryRun=true` what would be written.",
    headers: CHANGE_HEADERS,
    content: json(z.union([instance, plan]), INSTANCE),
  },
  Plan: {
    description: "With `?dryRun=true`: what would be written.",
    headers: [],
    content: json(plan, PLAN),
  },
  Gone: {
    description: "It is deleted.",
    headers: ["Draas-Position"],
    content: {},
  },
  LifecycleAnswer: {
    description: "The worker's answer; with `?dryRun=true` what would be written.",
    headers: CHANGE_HEADERS,
    content: json(z.union([done, plan]), {
      message: "Instance 'inst-1b2c3d' started successfully",
      runtimeInfo: RUN,
      changed: true,
      position: "12-0",
    }),
  },
  Accepted: {
    description: "With `?wait=false`: it is in the log.",
    headers: [...CHANGE_HEADERS, "Location"],
    content: json(accepted, {
      message: "The request for instance 'inst-1b2c3d' is in the log",
      commandId: "cmd-7a8b9c",
      position: "12-0",
      hint: "GET /api/server/instances/inst-1b2c3d/wait?status=Running waits for what it leads to.",
      instance: INSTANCE,
    }),
  },
  Waited: {
    description: "How the wait ended, and the instance as it was then.",
    headers: READ_HEADERS,
    content: json(waited, {
      outcome: "reached",
      reason: "It is Running.",
      instance: INSTANCE,
      position: "12-0",
    }),
  },
} as const;
