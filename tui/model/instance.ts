/** An instance as the screens know it: what the API answers, in numbers and words that are safe to print. Pure. */
import type { InstanceAnswer } from "../../http/client/answers.ts";
import { type InstanceStatus, type RequestType, STATUSES } from "../../machines/requests.ts";
import { printable } from "../terminal_text.ts";

/** Times are epoch milliseconds. Texts are printable. */
export interface Instance {
  id: string;
  name: string;
  status: InstanceStatus;
  /** What may be asked of it now. */
  allowed: readonly RequestType[];
  /** `healthy`, `unhealthy`, `starting`, `unknown`. */
  health: string;
  platform: string;
  template: string;
  labels: Readonly<Record<string, string>>;
  /** While it may run. */
  worker: string;
  port: number | null;
  /** Counts configurations. */
  revision: number;
  /** What its live run was started with; null: none runs, or nobody knows. */
  runningRevision: number | null;
  restarts: number;
  /** Since when it runs; else since when it is as it is. */
  since: number;
  /** Counts its events: of two answers the one with the higher version is the newer. */
  version: number;
  use: Use | null;
  /** Why it is not as it should be; empty where it is. */
  problem: string;
  nextStart: { at: number; attempt: number } | null;
  /** The command in hand: since when, and at which worker; none has taken it yet where that is empty. */
  pending: { kind: string; since: number; worker: string } | null;
  isStandIn: boolean;
  /** Everything that was answered, for the screens of one instance. Nothing in it is made printable yet. */
  answer: InstanceAnswer;
}

/** What its run uses of its host. */
export interface Use {
  /** Of one core: 1 is a whole core. */
  cpuShare: number;
  memoryBytes: number;
}

/** Takes an answer as it comes: what is missing or of another form is shown as nothing. */
export function instanceOf(answer: InstanceAnswer): Instance {
  const { runtimeInfo, metrics, configuration } = answer;
  const live = runtimeInfo?.status === "Running" ? runtimeInfo : undefined;
  const { revision, runningRevision } = fieldsOf(configuration);
  const status = STATUSES.find((one) => one === answer.status) ?? "Created";
  const nextStartAt = timeOf(answer.nextStartAt);
  const { cpuShare, memoryBytes } = fieldsOf(metrics);
  return {
    id: answer.id,
    name: printable(answer.name).trim() || answer.id,
    status,
    allowed: (answer.allowed ?? []) as readonly RequestType[],
    health: printable(answer.health ?? ""),
    platform: printable(answer.platform ?? ""),
    template: printable(answer.template ?? ""),
    labels: answer.labels ?? {},
    worker: printable(answer.worker ?? ""),
    port: live?.port ?? null,
    revision: numberOf(revision) ?? 0,
    runningRevision: live ? numberOf(runningRevision) : null,
    restarts: answer.restarts ?? 0,
    since: timeOf(live?.startedAt) ?? timeOf(answer.lastModifiedAt) ?? timeOf(answer.createdAt) ??
      0,
    version: numberOf(answer.version) ?? 0,
    use: typeof cpuShare === "number" && typeof memoryBytes === "number"
      ? { cpuShare, memoryBytes }
      : null,
    problem: printable(problemOf(answer, status)),
    nextStart: nextStartAt === null
      ? null
      : { at: nextStartAt, attempt: numberOf(answer.nextStartAttempt) ?? 1 },
    pending: pendingOf(answer),
    isStandIn: fieldsOf(live?.runtimeMetadata).standIn === "true",
    answer,
  };
}

/** What it runs and what it is configured to be are two revisions. */
export function hasDrift({ revision, runningRevision }: Instance): boolean {
  return runningRevision !== null && runningRevision !== revision;
}

/** Its last error while it counts as failed; why it is unhealthy; what its start waits for. */
function problemOf(answer: InstanceAnswer, status: InstanceStatus): string {
  const text = (value: unknown) => typeof value === "string" ? value : "";
  if (status === "Failed") return text(fieldsOf(answer.lastError).message);
  if (answer.health === "unhealthy") {
    const reason = text(fieldsOf(answer.healthDetail).reason);
    return reason === "" ? "unhealthy" : `unhealthy: ${reason}`;
  }
  return text(fieldsOf(answer.startProgress).problem);
}

function pendingOf(answer: InstanceAnswer): Instance["pending"] {
  const { kind, requestedAt, acceptedAt, worker } = fieldsOf(answer.pending);
  const since = timeOf(acceptedAt) ?? timeOf(requestedAt);
  return typeof kind === "string" && since !== null
    ? { kind: printable(kind), since, worker: typeof worker === "string" ? printable(worker) : "" }
    : null;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function timeOf(value: unknown): number | null {
  const at = typeof value === "string" ? Date.parse(value) : NaN;
  return Number.isFinite(at) ? at : null;
}
