/** How the server is, after an event: what its worker says of the present run counts, of any other run nothing. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { HealthReport } from "../events/health.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Facts, Health, LastError } from "./facts.ts";
import { reportedRun, reportsEndedRun } from "./reports.ts";

/**
 * The facts with health, progress and the last failure. `facts` are those that run, request and commands have been
 * folded into: mostly nothing of the rest changes, and they are given back as they are.
 */
export function foldHealth(before: Facts, facts: Facts, event: RecordedEvent): Facts {
  const news = [withoutTheGone(facts), failureOf(before, event), told(facts, event)];
  return news.some((one) => one !== null) ? Object.assign({ ...facts }, ...news) : facts;
}

function told(facts: Facts, event: RecordedEvent): Partial<Facts> | null {
  if (event.type === "HealthObserved") return reported(facts, event);
  const isAbandoned = event.type === "RestartAbandoned" && facts.health !== null && isLive(facts);
  return isAbandoned ? { health: { ...facts.health!, isGivenUp: true } } : null;
}

/** Whether the policy has to say something of the present run, which lives and is of no use. */
export function isAiling({ run, health }: Facts): boolean {
  return health?.status === "unhealthy" && health.cause === "liveness" && !health.isGivenUp &&
    health.runId === run?.runId;
}

function isLive({ run }: Facts): boolean {
  return run?.runtimeInfo?.status === "Running";
}

/** What was said of a run that is not the present one any more, or of a start that has ended, is not true any more. */
function withoutTheGone(facts: Facts): Partial<Facts> | null {
  const { health, progress, run, commands } = facts;
  if (health === null && progress === null) return null;
  const gone: Partial<Facts> = {};
  if (health && (health.runId !== run?.runId || !isLive(facts))) gone.health = null;
  if (progress && !commands.some((one) => one.generation === progress.generation)) {
    gone.progress = null;
  }
  return gone;
}

function reported(
  facts: Facts,
  event: RecordedEvent & { type: "HealthObserved" },
): Partial<Facts> {
  const report: HealthReport = event.data;
  if (report.health === "starting") return progressed(facts, report);
  if (report.runId !== facts.run?.runId || !isLive(facts)) return {};
  const { health: status } = report;
  const before = facts.health?.runId === report.runId ? facts.health : null;
  const isNews = before?.status !== status;
  const health: Health = {
    runId: report.runId,
    status,
    cause: status === "healthy" ? null : report.cause ?? "liveness",
    reason: report.reason ?? null,
    components: report.components ?? [],
    since: isNews ? event.at : before.since,
    isGivenUp: !isNews && before.isGivenUp,
  };
  // A restart that was planned since it was unhealthy: it has mended itself.
  if (status === "healthy" || health.cause === "components") return { health, nextStart: null };
  return isNews || before.cause !== "liveness"
    ? { health, lastError: unhealthy(health, event.at) }
    : { health };
}

function progressed(
  facts: Facts,
  { runGeneration: generation, start, reason }: HealthReport,
): Partial<Facts> {
  const isInHand = facts.commands.some((one) =>
    one.generation === generation && one.accepted &&
    (one.kind === "start" || one.kind === "restart")
  );
  if (!isInHand || !start) return {};
  return { progress: { generation, ...start, problem: reason ?? null } };
}

function unhealthy({ reason }: Health, at: number): LastError {
  return {
    code: "unhealthy",
    message: `The server is unhealthy${reason === null ? "." : `: ${reason}`}`,
    retryable: true,
    at,
  };
}

/** A run that came with a capsule ended badly. */
function failureOf(before: Facts, event: RecordedEvent): Partial<Facts> | null {
  const ended = reportsEndedRun(before, event) ? reportedRun(event) : stoppedHalf(before, event);
  return ended?.capsule ? { lastFailure: { at: event.at, runtimeInfo: ended } } : null;
}

/** What a restart ended, which may have been unhealthy. */
function stoppedHalf({ run }: Facts, event: RecordedEvent): RuntimeInfo | null {
  if (event.type !== "CommandSucceeded" && event.type !== "CommandFailed") return null;
  const { response } = event.data;
  const stopped = response.type === "RestartInstanceResponse" ? response.stopped : undefined;
  return stopped && stopped.runId === run?.runId ? stopped : null;
}
