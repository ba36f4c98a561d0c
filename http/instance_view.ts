/** An instance as the API shows it: its state as JSON. Design §6; the predecessor's words in `drasi-server.md` §16. */
import type { MetricsOfRuns } from "../actors/system_port.ts";
import type { JsonObject } from "../events/json.ts";
import type { Facts, LastError, PendingCommand, ReportedStatus } from "../machines/facts.ts";
import { legacyStatusOf } from "../machines/legacy_status.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { allowedRequests, mayRun, statusOf } from "../machines/status.ts";
import { configurationPart } from "./configuration_view.ts";
import { isoTime } from "./iso_time.ts";
import { healthView } from "./health_view.ts";
import { present, runtimeInfoView } from "./runtime_view.ts";

/** Every field that the JSON of an instance can have. */
export const INSTANCE_FIELDS = [
  "id",
  "name",
  "description",
  "platform",
  "template",
  "labels",
  "status",
  "legacyStatus",
  "desired",
  "health",
  "healthDetail",
  "workerSilent",
  "startProgress",
  "lastError",
  "version",
  "generation",
  "specificationVersion",
  "configuration",
  "restartPolicy",
  "onWorkerLost",
  "leaseMs",
  "workerLabels",
  "limits",
  "worker",
  "site",
  "restarts",
  "externalStatus",
  "metrics",
  "nextStartAt",
  "nextStartAttempt",
  "createdAt",
  "lastModifiedAt",
  "runtimeInfo",
  "allowed",
  "pending",
  "queuedStart",
] as const;

/**
 * The JSON of one instance that was created. Of a deleted one little is left.
 * @param isSilent whether nobody has heard of a worker lately; its servers' health is unknown then
 * @param metrics how runs do, this one's among them if its worker has told
 */
export function instanceView(
  state: InstanceState,
  isSilent: (workerId: string) => boolean = () => false,
  metrics: MetricsOfRuns = new Map(),
): JsonObject {
  const { context } = state;
  const { specification, run, lastError, nextStart } = context;
  if (specification === null) throw new Error(`instance ${context.instanceId} was never created`);
  const pending = context.commands.at(-1);
  return {
    id: context.instanceId,
    name: specification.name,
    description: specification.description,
    platform: specification.platform,
    template: specification.template,
    labels: specification.labels,
    status: statusOf(state),
    legacyStatus: legacyStatusOf(state),
    desired: context.desired,
    ...healthView(state, isSilent),
    ...(lastError ? { lastError: lastErrorView(lastError) } : {}),
    version: context.version,
    generation: context.generation,
    specificationVersion: context.specificationVersion,
    configuration: configurationPart(state),
    restartPolicy: present({ ...specification.restartPolicy }),
    onWorkerLost: specification.onWorkerLost,
    ...(specification.onWorkerLost === "reschedule" ? { leaseMs: specification.leaseMs } : {}),
    workerLabels: specification.workerLabels,
    limits: { ...specification.limits } as JsonObject,
    ...(run && mayRun(state) ? { worker: run.workerId } : {}),
    ...(run ? { site: run.site } : {}),
    restarts: context.restarts,
    ...(context.externalStatus ? externalStatusView(context.externalStatus) : {}),
    ...metricsView(state, metrics),
    ...(nextStart
      ? { nextStartAt: isoTime(nextStart.at), nextStartAttempt: nextStart.attempt + 1 }
      : {}),
    createdAt: isoTime(context.createdAt),
    lastModifiedAt: isoTime(context.lastModifiedAt),
    ...(run?.runtimeInfo ? { runtimeInfo: runtimeInfoView(run.runtimeInfo) } : {}),
    allowed: allowedRequests(state),
    ...(pending ? { pending: pendingView(pending) } : {}),
    ...queuedStartView(context),
  };
}

/** Of a deleted instance: when it went, and by whom. */
export function deletionView(state: InstanceState): JsonObject {
  const { deletedAt, deletedBy } = state.context;
  if (statusOf(state) !== "Deleted" || deletedAt === null) return {};
  return { deletedAt: isoTime(deletedAt), deletedBy };
}

/** The entity tag: the version of what the user decided, which `If-Match` is compared with. */
export function etagOf(state: InstanceState): string {
  return `"${state.context.specificationVersion}"`;
}

/** What was last reported from outside, and by whom. */
export function externalStatusView({ at, by, ...report }: ReportedStatus): JsonObject {
  return { externalStatus: { ...report, reportedAt: isoTime(at), reportedBy: by } };
}

/** The worker whose metrics tell of this instance, while it may run. */
export function workerOf(state: InstanceState): string | undefined {
  return mayRun(state) ? state.context.run?.workerId : undefined;
}

function metricsView(state: InstanceState, metrics: MetricsOfRuns): JsonObject {
  const { run, restarts } = state.context;
  const told = run?.runId && mayRun(state) ? metrics.get(run.runId) : undefined;
  if (!told) return {};
  const { runId: _, sampledAt, openFiles, ...sample } = told;
  const startedAt = run?.runtimeInfo?.startedAt;
  return {
    metrics: {
      ...sample,
      ...(openFiles === null ? {} : { openFiles }),
      restarts,
      ...(startedAt === undefined ? {} : { uptimeMs: Math.max(0, sampledAt - startedAt) }),
      sampledAt: isoTime(sampledAt),
    },
  };
}

function lastErrorView({ at, ...error }: LastError): JsonObject {
  return { ...error, at: isoTime(at) };
}

function pendingView(command: PendingCommand): JsonObject {
  const { commandId, kind, requestedAt, acceptBy, cause, site, accepted } = command;
  return {
    commandId,
    kind,
    cause,
    requestedAt: isoTime(requestedAt),
    ...(accepted
      ? { acceptedAt: isoTime(accepted.at), worker: accepted.workerId, attempt: accepted.attempt }
      : { acceptBy: isoTime(acceptBy) }),
    ...(site === null ? {} : { site }),
  };
}

function queuedStartView({ queuedStart }: Facts): JsonObject {
  return queuedStart === null ? {} : {
    queuedStart: {
      commandId: queuedStart.commandId,
      requestedAt: isoTime(queuedStart.requestedAt),
      expiresAt: isoTime(queuedStart.expiresAt),
    },
  };
}
