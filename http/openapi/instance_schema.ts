/** An instance in answers: what `instance_view.ts` and its parts make. Design §6. */
import { z } from "zod";
import { templateSchema } from "../../events/configuration.ts";
import { componentProblemSchema, startStepSchema } from "../../events/health.ts";
import { limitsSchema } from "../../events/limits.ts";
import { capsuleSchema, runtimeInfoSchema } from "../../events/runtime_info.ts";
import { labelsSchema, platformSchema, restartPolicySchema } from "../../events/specification.ts";
import { externalStatusSchema } from "../../events/external_status.ts";
import { LEGACY_STATUSES } from "../../machines/legacy_status.ts";
import { STATUSES } from "../../machines/requests.ts";
import { anyObject, count, time } from "./values.ts";

const statusSchema = z.enum(STATUSES);
export const legacyStatusSchema = z.enum(LEGACY_STATUSES);

/** A run. Times are ISO 8601; of a command that nobody accepted there is little to tell. */
export const runtimeInfo = runtimeInfoSchema.omit({ capsule: true })
  .extend({ startedAt: time, stoppedAt: time.optional() })
  .partial().required({ instanceId: true, status: true })
  .meta({ id: "RuntimeInfo" });

/** What is configured and what runs. */
export const revisionsInUse = {
  revision: count.meta({
    description: "The number of the configuration that it has; the first is 1.",
  }),
  runningRevision: count.nullable().meta({
    description: "The one that it runs with; null where nothing runs, or with a body of its own.",
  }),
  runningConfiguration: anyObject.optional().meta({
    description: "What runs, where that was started with a body of its own.",
  }),
};

const requestType = z.enum(["create", "start", "stop", "restart", "configure", "delete", "move"]);

const pending = z.object({
  commandId: z.string(),
  kind: z.enum(["start", "stop", "restart", "delete", "move"]),
  cause: z.enum(["user", "restart-policy", "queue"]),
  requestedAt: time,
  acceptBy: time.optional().meta({
    description: "Until a worker has accepted it: when it expires.",
  }),
  acceptedAt: time.optional(),
  worker: z.string().optional(),
  attempt: count.optional(),
  site: z.string().optional(),
}).meta({ description: "The command that is under way." });

const metrics = z.object({
  cpuShare: z.number().meta({ description: "Of one core: 1 is a whole one." }),
  cpuSeconds: z.number(),
  memoryBytes: count,
  openFiles: count.optional(),
  processes: count.nullable(),
  restarts: count,
  uptimeMs: count.optional(),
  sampledAt: time,
}).meta({ description: "How its run does; a few seconds old." });

const { probes, resources, ...capsule } = capsuleSchema.shape;
const probe = probes.element.extend({ at: time });
const used = resources.unwrap().element.extend({ at: time });

const lastFailure = z.object({
  at: time,
  run: runtimeInfo,
  capsule: z.object({
    ...capsule,
    probes: z.array(probe),
    resources: z.array(used).optional(),
  }).optional(),
}).meta({ description: "How its last run that failed ended. Not in lists." });

const health = {
  health: z.enum(["unknown", "starting", "healthy", "unhealthy"]),
  healthDetail: z.object({
    since: time,
    cause: z.enum(["liveness", "components"]).optional(),
    reason: z.string().optional(),
    components: z.array(componentProblemSchema).optional(),
  }).optional(),
  workerSilent: z.literal(true).optional().meta({
    description: "Its worker was not heard lately.",
  }),
  startProgress: z.object({
    step: startStepSchema,
    since: time,
    problem: z.string().optional(),
  }).optional(),
};

/** What was last reported from outside. */
export const externalStatus = externalStatusSchema
  .extend({ reportedAt: time, reportedBy: z.string() })
  .meta({ description: "What somebody outside said last of its server; nothing follows from it." });

export const instance = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  platform: platformSchema,
  template: templateSchema,
  labels: labelsSchema,
  status: statusSchema,
  legacyStatus: legacyStatusSchema.meta({ description: "The predecessor's word for the status." }),
  desired: z.enum(["stopped", "running", "deleted"]),
  ...health,
  lastError: z.object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    at: time,
  }).optional().meta({ description: "The last thing that went wrong; kept after it was mended." }),
  version: count.meta({ description: "How many events it has been through." }),
  generation: count.meta({ description: "How often it was started, stopped and the like." }),
  specificationVersion: count.meta({ description: "As in the `ETag`." }),
  configuration: z.object({ ...revisionsInUse, serverConfiguration: anyObject }),
  restartPolicy: restartPolicySchema,
  onWorkerLost: z.enum(["wait", "reschedule"]),
  leaseMs: count.optional(),
  workerLabels: labelsSchema,
  limits: limitsSchema,
  worker: z.string().optional(),
  site: z.string().optional(),
  restarts: count.meta({ description: "Automatic ones." }),
  externalStatus: externalStatus.optional(),
  metrics: metrics.optional(),
  nextStartAt: time.optional().meta({ description: "When its restart policy starts it again." }),
  nextStartAttempt: count.optional(),
  createdAt: time,
  lastModifiedAt: time,
  runtimeInfo: runtimeInfo.optional(),
  allowed: z.array(requestType).meta({ description: "What may be asked of it now." }),
  pending: pending.optional(),
  queuedStart: z.object({ commandId: z.string(), requestedAt: time, expiresAt: time }).optional(),
  lastFailure: lastFailure.optional(),
  deletedAt: time.optional().meta({
    description: "Of one that was deleted, where it is still told of.",
  }),
  deletedBy: z.string().optional(),
}).meta({ id: "Instance" });

const AT = "2026-01-31T12:00:00.000Z";

/** In a list: with `?fields=` only those. */
export const listedInstance = instance.partial().meta({ id: "ListedInstance" });

/** An example of a run. */
export const RUN: z.input<typeof runtimeInfo> = {
  instanceId: "inst-1b2c3d",
  status: "Running",
  processId: "12345",
  startedAt: AT,
  runId: "run-4e5f6a",
  generation: 1,
  site: "site-1",
  host: "127.0.0.1",
  port: 8080,
  runtimeMetadata: {},
};

/** An example of an instance. */
export const INSTANCE: z.input<typeof instance> = {
  id: "inst-1b2c3d",
  name: "orders",
  description: "",
  platform: "process",
  template: "drasi-server",
  labels: { team: "sales" },
  status: "Running",
  legacyStatus: "Running",
  desired: "running",
  health: "healthy",
  healthDetail: { since: AT },
  version: 4,
  generation: 1,
  specificationVersion: 2,
  configuration: {
    revision: 1,
    runningRevision: 1,
    serverConfiguration: { host: "127.0.0.1", port: 8080, logLevel: "info" },
  },
  restartPolicy: {
    mode: "on-failure",
    baseMs: 200,
    factor: 2,
    capMs: 60_000,
    resetAfterMs: 60_000,
    maxStarts: 10,
    windowMs: 600_000,
  },
  onWorkerLost: "wait",
  workerLabels: {},
  limits: {},
  worker: "worker-1",
  site: "site-1",
  restarts: 0,
  createdAt: AT,
  lastModifiedAt: AT,
  runtimeInfo: RUN,
  allowed: ["stop", "restart", "configure", "delete"],
};
