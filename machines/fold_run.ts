/** What is known of the run after an event: reports move it, and only forward (what a move forgets: `fold_facts.ts`). Design §4. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { Exit, RuntimeInfo } from "../events/runtime_info.ts";
import type { Facts, LastError, Run } from "./facts.ts";
import { errorOf } from "./fold_commands.ts";
import { beginsRun, commandOf, reportedRun, reportsEndedRun, reportsLiveRun } from "./reports.ts";

/** How many ended runs are remembered: more than can be reported late at once (start, restart, adoption). */
const ENDED_RUNS_MAX = 8;

/** What is known of the run after an event. */
export function foldRun(facts: Facts, event: RecordedEvent): Partial<Facts> {
  if (beginsRun(facts, event) && event.type === "CommandAccepted") {
    const run: Run = {
      runId: null,
      site: event.data.site,
      workerId: event.data.workerId,
      since: event.at,
      launch: commandOf(facts, event)?.launch ?? null,
      runtimeInfo: null,
    };
    // A taken-over restart of the same start must not hide a run that is known to live.
    return facts.run && isLive(facts.run) ? {} : { run, failure: null };
  }
  if (reportsLiveRun(facts, event)) return liveRun(facts, event, reportedRun(event)!);
  if (reportsEndedRun(facts, event)) return endedRun(facts, event);
  return {};
}

function isLive(run: Run): boolean {
  return run.runtimeInfo?.status === "Running";
}

function liveRun(facts: Facts, event: RecordedEvent, info: RuntimeInfo): Partial<Facts> {
  const launch = commandOf(facts, event)?.launch ?? facts.run?.launch ?? null;
  const replaced = facts.run?.runId && facts.run.runId !== info.runId ? [facts.run.runId] : [];
  return {
    run: {
      runId: info.runId,
      site: info.site,
      workerId: "workerId" in event.data ? event.data.workerId : facts.run?.workerId ?? "",
      since: event.at - ageIn(event),
      launch,
      runtimeInfo: info,
    },
    failure: null,
    unjudged: null,
    // A rollback may have taken its start: what was to come in its place would run beside it.
    nextStart: null,
    endedRuns: [...replaced, ...facts.endedRuns].slice(0, ENDED_RUNS_MAX),
  };
}

/** How long a run that was found had lived by then. */
function ageIn({ type, data }: RecordedEvent): number {
  return type === "RuntimeObserved" ? data.ageMs ?? 0 : 0;
}

function endedRun(facts: Facts, event: RecordedEvent): Partial<Facts> {
  const info = reportedRun(event) ?? facts.run?.runtimeInfo ?? null;
  const runId = info?.runId ?? facts.run?.runId ?? null;
  const run: Run | null = facts.run && {
    ...facts.run,
    runId,
    since: event.at,
    runtimeInfo: info && { ...info, status: "Stopped", stoppedAt: info.stoppedAt ?? event.at },
  };
  const endedRuns = runId === null || facts.endedRuns.includes(runId)
    ? facts.endedRuns
    : [runId, ...facts.endedRuns].slice(0, ENDED_RUNS_MAX);
  const error = failureOf(facts, event, info);
  return {
    run,
    endedRuns,
    // A start that says after its stop that it came to nothing has not failed: nobody wants it to run.
    failure: facts.desired === "running" ? error : null,
    lastError: error ?? facts.lastError,
    // What was planned for a server that was unhealthy: it has ended by itself, and is judged anew.
    ...(facts.run && isLive(facts.run) ? { nextStart: null } : {}),
    ...judgement(facts, event, info),
  };
}

/** Why an ended run counts as failed; null for one that ended as asked or with exit code 0. */
function failureOf(facts: Facts, event: RecordedEvent, info: RuntimeInfo | null): LastError | null {
  if (event.type === "CommandFailed" || event.type === "CommandForgotten") return errorOf(event);
  if (event.type !== "RuntimeObserved") return null;
  if (facts.desired !== "running") return null;
  const exit = info?.exit;
  if (event.data.observation === "Exited" && exit?.code === 0) return null;
  return {
    code: event.data.observation === "Lost" ? "lost" : EXIT_CODES[exit?.reason ?? "Exited"],
    message: exit?.message ?? "The server is gone, and nobody can say how it ended.",
    retryable: true,
    at: event.at,
  };
}

const EXIT_CODES: Record<Exit["reason"], string> = {
  Exited: "exited",
  Stopped: "stopped",
  Killed: "killed",
  HostRebooted: "host_rebooted",
  LeaseLapsed: "lease_lapsed",
  Unknown: "exit_unknown",
};

/** An end that nobody asked for waits for the restart policy's judgement. */
function judgement(facts: Facts, event: RecordedEvent, info: RuntimeInfo | null): Partial<Facts> {
  const isUnasked = event.type === "RuntimeObserved" && facts.desired === "running" &&
    facts.commands.length === 0;
  if (!isUnasked || !info) return {};
  return {
    unjudged: {
      runId: info.runId,
      exit: info.exit ?? null,
      ranForMs: Math.max(0, (info.stoppedAt ?? event.at) - info.startedAt),
      isLost: event.data.observation === "Lost" || info.exit?.reason === "LeaseLapsed",
    },
  };
}
