/** What is said of a run by its container. Pure. */
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import { type AskedEnd, describeExit } from "../exit_description.ts";
import type { ContainerState } from "./container_engine.ts";
import type { RunLabels } from "./container_labels.ts";

/** The exit code of a process that SIGKILL has ended. */
const KILLED_CODE = 137;

/** A container of ours with what its labels say. */
export interface Run {
  labels: RunLabels;
  state: ContainerState;
}

/** @param isAsked its end was asked for */
export function runInfoOf(site: string, { labels, state }: Run, isAsked: boolean): RuntimeInfo {
  const { instanceId, runId, fence, plan } = labels;
  const startedAt = state.startedAt ?? 0;
  const port = plan.port === null ? undefined : state.ports.get(plan.port);
  const common: RuntimeInfo = {
    instanceId,
    status: "Running",
    runId,
    generation: fence.generation,
    site,
    startedAt,
    containerId: state.id,
    ...(port === undefined ? {} : { host: plan.host, port }),
    ...(plan.limits === undefined ? {} : { limits: plan.limits }),
    runtimeMetadata: { image: state.image },
  };
  if (state.state === "running") return common;
  const stoppedAt = Math.max(state.endedAt ?? startedAt, startedAt);
  const facts = { code: state.exitCode, outOfMemory: state.isOutOfMemory };
  return {
    ...common,
    status: "Stopped",
    stoppedAt,
    exit: describeExit(
      facts,
      isAsked ? askedEnd(state, labels) : null,
      stoppedAt - startedAt,
      state.memoryBytes ?? undefined,
    ),
  };
}

/** What is said of a run whose container somebody has removed. `last` is what was known of it. */
export function removedInfo(last: RuntimeInfo, at: number, isAsked: boolean): RuntimeInfo {
  return {
    ...last,
    status: "Stopped",
    stoppedAt: at,
    exit: {
      code: null,
      signal: null,
      reason: isAsked ? "Stopped" : "Unknown",
      message: "ended, and somebody removed its container: nobody can say how it ended",
    },
  };
}

function askedEnd(
  { exitCode, isOutOfMemory }: ContainerState,
  { plan }: RunLabels,
): AskedEnd {
  const { stopSignal, stopGraceMs } = plan;
  // The kernel's SIGKILL is not ours.
  const isKilled = !isOutOfMemory && exitCode === KILLED_CODE && stopSignal !== "SIGKILL";
  return { reason: isKilled ? "Killed" : "Stopped", signal: stopSignal, graceMs: stopGraceMs };
}
