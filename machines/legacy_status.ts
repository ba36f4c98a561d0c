/** The predecessor's word for a state, and what runs beside what is configured, which is a part of it. `drasi-server.md` §16. */
import type { Launch } from "./facts.ts";
import type { InstanceState } from "./lifecycle.ts";
import { mayRun, statusOf } from "./status.ts";

/** The predecessor's statuses, in the order of their numbers: it had none for what is under way. */
export const LEGACY_STATUSES = [
  "Created",
  "Running",
  "Stopped",
  "Error",
  "ConfigurationChanged",
] as const;
export type LegacyStatus = (typeof LEGACY_STATUSES)[number];

/** The predecessor's word for a state: what the server was last, while something is under way. */
export function legacyStatusOf(state: InstanceState): LegacyStatus {
  const status = statusOf(state);
  switch (status) {
    case "Running":
      return hasDrift(state) ? "ConfigurationChanged" : "Running";
    case "Failed":
      return "Error";
    case "Created":
      return "Created";
    case "Stopped":
    case "Deleted":
      return "Stopped";
    case "Starting":
    case "Restarting":
    case "Stopping":
    case "Deleting":
      if (state.value.run === "running") return "Running";
      return state.context.endedRuns.length === 0 ? "Created" : "Stopped";
  }
}

/** It runs with an older configuration than the present one. A start with a body of its own is no drift. */
export function hasDrift(state: InstanceState): boolean {
  const running = runningLaunch(state)?.configurationRevision ?? null;
  return running !== null && running !== state.context.revision;
}

/** What the live run was started with; null when nothing may run, or nobody knows. */
export function runningLaunch(state: InstanceState): Launch | null {
  return mayRun(state) ? state.context.run?.launch ?? null : null;
}
