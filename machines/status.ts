/** What people see of a state: its status, derived from run and request, and what may be asked next. Design §4. */
import type { PendingCommand } from "./facts.ts";
import type { InstanceState } from "./lifecycle.ts";
import type { InstanceStatus, RequestType } from "./requests.ts";

/** The status; nothing is stored under this name anywhere. */
export function statusOf(state: InstanceState): InstanceStatus {
  switch (state.value.pending) {
    case "deleted":
      return "Deleted";
    case "deleting":
      return "Deleting";
    case "stopping":
    case "moving":
      return "Stopping";
    case "restarting":
      return "Restarting";
    case "starting":
      return "Starting";
    case "idle":
      return statusOfRun(state);
  }
}

function statusOfRun(state: InstanceState): InstanceStatus {
  const { failure, nextStart } = state.context;
  switch (state.value.run) {
    case "starting":
      return "Starting";
    case "running":
      return "Running";
    case "none":
      return failure || nextStart ? "Failed" : "Created";
    case "ended":
      return failure || nextStart ? "Failed" : "Stopped";
  }
}

/** The requests that a status accepts; one that is satisfied already is a success and not named here. */
export const ALLOWED: Readonly<Record<InstanceStatus, readonly RequestType[]>> = {
  Created: ["start", "configure", "move", "delete"],
  Starting: ["stop", "configure", "delete"],
  Running: ["stop", "restart", "configure", "delete"],
  Restarting: ["stop", "delete"],
  Stopping: ["start", "delete"],
  Stopped: ["start", "configure", "move", "delete"],
  Failed: ["start", "restart", "stop", "configure", "move", "delete"],
  Deleting: ["delete"],
  Deleted: [],
};

/** What may be asked of an instance now. */
export function allowedRequests(state: InstanceState): RequestType[] {
  if (state.context.specification === null) return ["create"];
  if (state.value.pending === "moving") {
    return moveInHand(state)?.accepted ? ["delete"] : ["stop", "delete"];
  }
  return [...ALLOWED[statusOf(state)]];
}

/** The move of it that has not ended; a stop takes it back while no worker has accepted it. */
export function moveInHand({ context }: InstanceState): PendingCommand | undefined {
  return context.commands.find((one) => one.kind === "move");
}

/** Whether something may be alive at a site: then a stop needs that site's worker. */
export function mayRun(state: InstanceState): boolean {
  return state.value.run === "starting" || state.value.run === "running";
}
