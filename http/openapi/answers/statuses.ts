/** Answers about statuses that were reported from outside, and how statuses have changed. */
import { z } from "zod";
import { json, logPosition, time } from "../values.ts";
import { plan } from "./instances.ts";

const recorded = z.object({
  instanceId: z.string(),
  changed: z.boolean().meta({ description: "False where the same was said before." }),
  position: logPosition,
}).meta({ id: "StatusRecorded" });

const change = z.object({
  instanceId: z.string(),
  oldStatus: z.string(),
  newStatus: z.string(),
  source: z.string().meta({ description: "Who was behind it, or who reports from outside." }),
  timestamp: time,
  metadata: z.record(z.string(), z.string()).meta({
    description: "Of the last report from outside; else empty.",
  }),
  reported: z.literal(true).optional().meta({ description: "It was only reported from outside." }),
  position: logPosition,
}).meta({ id: "StatusChange" });

const changes = z.object({
  items: z.array(change),
  nextCursor: z.string().optional().meta({ description: "For the next page; absent on the last." }),
  position: logPosition,
}).meta({ id: "StatusChanges" });

export const STATUS_ANSWERS = {
  StatusRecorded: {
    description: "It is recorded.",
    headers: ["Draas-Position"],
    content: json(recorded, { instanceId: "inst-1b2c3d", changed: true, position: "12-0" }),
  },
  StatusPlan: {
    description: "With `?dryRun=true`: what would be written of the report.",
    headers: [],
    content: json(plan, {
      dryRun: true,
      changed: true,
      events: [{
        type: "ExternalStatusReported",
        data: { status: "Running", source: "DockerDaemon", metadata: {} },
      }],
    }),
  },
  StatusChanges: {
    description: "Changes, oldest first, in the predecessor's words.",
    headers: ["Draas-Position", "Draas-Stale"],
    content: json(changes, {
      items: [{
        instanceId: "inst-1b2c3d",
        oldStatus: "Created",
        newStatus: "Running",
        source: "worker:worker-1",
        timestamp: "2026-01-31T12:00:00.000Z",
        metadata: {},
        position: "12-0",
      }],
      position: "12-0",
    }),
  },
} as const;
