/** Answers about fleet files: what `fleet_view.ts` makes. docs/fleet.md */
import { z } from "zod";
import { fleetFileSchema } from "../../../fleet/fleet_file.ts";
import { STATUSES } from "../../../machines/requests.ts";
import type { AnswerHeader } from "../headers.ts";
import { problem } from "../problem_schema.ts";
import { count, json, logPosition } from "../values.ts";

const HEADERS: readonly AnswerHeader[] = ["Draas-Position", "Draas-Stale"];
const ID = "9f2c41d07c0e4a8fb0a3d5f6e7c8b9a0";
const DIGEST = "5c1e".repeat(16);

const action = z.enum([
  "create",
  "move",
  "change",
  "restart",
  "start",
  "stop",
  "wait",
  "delete",
  "extra",
  "unchanged",
]).meta({
  description: "The gravest of what is done; `extra`: of this fleet, not in its file, and left.",
});
const step = z.enum([
  "wait",
  "create",
  "stop",
  "configure",
  "move",
  "restart",
  "start",
  "delete",
]);

const item = z.object({
  id: z.string(),
  name: z.string(),
  action,
  entry: z.string().optional().meta({ description: "The entry of the file that asks for it." }),
  desired: z.enum(["running", "stopped"]).optional(),
  platform: z.string().optional(),
  template: z.string().optional(),
  status: z.enum(STATUSES).optional().meta({ description: "Absent: there is none yet." }),
  steps: z.array(step).meta({ description: "In their order; none: it is as it is to be." }),
  grave: z.literal(true).optional().meta({ description: "What it has kept is lost." }),
  changes: z.array(z.object({
    path: z.string(),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
  })),
  reasons: z.array(z.string()),
});

const fleetPlan = z.object({
  fleet: z.string(),
  plan: z.string().meta({ description: "For `?plan=` of an apply." }),
  changed: z.boolean(),
  summary: z.record(action, count).meta({ description: "Of each action how many instances." }),
  items: z.array(item).meta({ description: "In the order in which they are done." }),
  position: logPosition,
}).meta({ id: "FleetPlan" });

const PLAN: z.input<typeof fleetPlan> = {
  fleet: "shop",
  plan: DIGEST,
  changed: true,
  summary: {
    create: 0,
    move: 0,
    change: 1,
    restart: 0,
    start: 0,
    stop: 0,
    wait: 0,
    delete: 0,
    extra: 0,
    unchanged: 0,
  },
  items: [{
    id: ID,
    name: "web-1",
    action: "change",
    entry: "web",
    desired: "running",
    platform: "process",
    template: "command",
    status: "Running",
    steps: ["configure", "restart"],
    changes: [{ path: "serverConfiguration.env.RELEASE", before: "1", after: "2" }],
    reasons: ["it runs with another serverConfiguration"],
  }],
  position: "12-0",
};

const about = { id: z.string(), name: z.string(), action };

/** One line of an apply. */
const line = z.union([
  z.object({ type: z.literal("plan"), fleet: z.string(), plan: z.string() }),
  z.object({ type: z.literal("begun"), ...about, step }),
  z.object({
    type: z.literal("ended"),
    ...about,
    steps: z.array(step),
    outcome: z.enum(["done", "failed", "skipped"]),
    tookMs: count,
    position: logPosition.optional(),
    problem: problem.optional().meta({ description: "As its own request would be answered." }),
  }),
  z.object({ type: z.literal("heartbeat") }),
  z.object({
    type: z.literal("end"),
    outcome: z.enum(["done", "failed", "stopped"]),
    summary: z.object({ done: count, failed: count, skipped: count }),
    position: logPosition.optional(),
  }),
]).meta({ id: "FleetApplyLine" });

const files = z.object({ items: z.array(fleetFileSchema), position: logPosition });

export const FLEET_ANSWERS = {
  FleetPlan: {
    description: "The plan.",
    headers: HEADERS,
    content: json(fleetPlan, PLAN),
  },
  FleetApplied: {
    description: "How it goes, one object a line, up to the one of the type `end`; with `dryRun` " +
      "the plan.",
    headers: HEADERS,
    content: {
      ...json(fleetPlan, PLAN),
      "application/x-ndjson": {
        schema: line,
        example: { type: "end", outcome: "done", summary: { done: 1, failed: 0, skipped: 0 } },
      },
    },
  },
  FleetFiles: {
    description: "The files.",
    headers: HEADERS,
    content: json(files, {
      items: [{
        fleet: "shop",
        instances: {
          web: {
            count: 20,
            template: "command",
            serverConfiguration: { command: ["node", "server.js"] },
          },
        },
      }],
      position: "12-0",
    }),
  },
} as const;
