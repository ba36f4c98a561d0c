/** Doing one command on the platform so that doing it twice has the effect of once. Design §4 rules 6, 7. */
import { type Clock, sleep } from "../events/clock.ts";
import type { Command } from "../events/commands.ts";
import { configurationFaults, describeFaults } from "../events/configuration.ts";
import type { Ids } from "../events/ids.ts";
import type { InstanceResponse } from "../events/responses.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import { lostRun } from "./lost_run.ts";
import type { Failure, Fence, Platform, StartSpec } from "./platform.ts";
import { failure, success } from "./responses.ts";

/** How long after the accept a spawn may still happen, by the host's boot clock. */
export const SPAWN_WITHIN_MS = 10_000;
/** From a spawn's deadline until whatever was begun just before it can be seen. */
const LATE_BY_MS = 1_000;

/** One accepted command, with what decides how it is done. */
export interface Execution {
  command: Command;
  /** From 1; more than 1 when it was taken over from an older incarnation. */
  attempt: number;
  /** Taken over with an old generation: look and report, spawn nothing. */
  settle: boolean;
  /** When it was (last) accepted, on the monotonic clock. */
  acceptedAt: number;
  /** Before it was first accepted, by the boot clock (`Leases.now`); null for a command without a lease. */
  leaseFromMs: number | null;
  /** Aborts a start that a stop has overtaken. */
  signal: AbortSignal;
  /** Accepts once more, so that a spawn long after the first accept is still ours to do; false: it is not. */
  reaccept(): Promise<boolean>;
}

export interface Executing {
  platform: Platform;
  clock: Clock;
  ids: Ids;
}

/** Does the command; the response says how it went. Never throws for what the world does wrong. */
export async function execute(given: Executing, execution: Execution): Promise<InstanceResponse> {
  const { command, attempt } = execution;
  const { platform } = given;
  const { instanceId } = command;
  switch (command.type) {
    case "StopInstanceCommand":
      return stopped(command, await platform.stop(instanceId, fenceOf(execution)));
    case "DeleteInstanceCommand":
      return await removed(given, execution);
    case "StartInstanceCommand":
    case "RestartInstanceCommand": {
      // An earlier attempt's spawn may still be on its way: after the fence it can only have happened, or never will.
      const found = attempt > 1
        ? await platform.fence(instanceId, fenceOf(execution))
        : await platform.inspect(instanceId);
      const isLive = found?.status === "Running";
      if (isLive && (execution.settle || found.generation === command.generation)) {
        return success(command, found);
      }
      if (execution.settle) return failure(command, OVERTAKEN, found);
      const fault = faultOf(command);
      if (fault) return failure(command, fault, found);
      return await replace(given, execution, found);
    }
  }
}

/**
 * What a move removes may be in use anew: a newer run is spared. And with what is removed its fence goes, too, so that
 * what an earlier attempt was about to spawn could come: that is over with its deadline.
 */
async function removed(
  { platform, clock }: Executing,
  execution: Execution,
): Promise<InstanceResponse> {
  const { command, acceptedAt } = execution;
  const { instanceId } = command;
  if (command.keepsNewer) {
    const found = await platform.inspect(instanceId);
    if (found?.status === "Running" && found.generation > command.generation) {
      return failure(command, NEWER_RUNS, found);
    }
  }
  const outcome = await platform.remove(instanceId, fenceOf(execution));
  if (!command.mayComeLate || outcome.kind === "failed") return stopped(command, outcome);
  await sleep(clock, acceptedAt + SPAWN_WITHIN_MS + LATE_BY_MS - clock.monotonic());
  const late = await platform.remove(instanceId, fenceOf(execution));
  return stopped(command, late.runtimeInfo || late.kind === "failed" ? late : outcome);
}

/** What a command's doing is fenced with: nothing of an older command, or of an earlier attempt, comes after it. */
export function fenceOf({ command, attempt }: { command: Command; attempt: number }): Fence {
  return { generation: command.generation, attempt };
}

const OVERTAKEN: Failure = {
  code: "superseded",
  message: "A newer request came before this start was done; nothing was started.",
  retryable: false,
};

const NEWER_RUNS: Failure = {
  code: "superseded",
  message:
    "A newer run of it was found, so nothing was removed. Look whether it is wanted, then ask again.",
  retryable: true,
};

const NOT_OURS: Failure = {
  code: "spawn_too_late",
  message: "The worker came too late: the command is no longer its own.",
  retryable: true,
};

function faultOf(command: Command): Failure | null {
  const faults = configurationFaults(
    command.template ?? "drasi-server",
    command.configuration ?? {},
  );
  if (faults.length === 0) return null;
  return {
    code: "configuration_invalid",
    message: `Configuration is invalid: ${describeFaults(faults)}`,
    retryable: false,
  };
}

/** Ends what runs, if anything does, then starts. A restart that fails reports what its earlier attempt had ended, too. */
async function replace(
  given: Executing,
  execution: Execution,
  found: RuntimeInfo | null,
): Promise<InstanceResponse> {
  const { command } = execution;
  const { platform, clock } = given;
  let ended = command.type === "RestartInstanceCommand" ? found : null;
  if (found?.status === "Running") {
    const outcome = await platform.stop(command.instanceId, fenceOf(execution));
    if (outcome.kind === "failed") return failure(command, outcome.failure, outcome.runtimeInfo);
    // It has ended, also where its records are lost with it: nobody else would say so.
    ended = outcome.runtimeInfo ?? lostRun(found, clock.now());
  }
  let acceptedAt = execution.acceptedAt;
  if (clock.monotonic() - acceptedAt > SPAWN_WITHIN_MS / 2) {
    acceptedAt = clock.monotonic();
    if (!await execution.reaccept()) return failure(command, NOT_OURS, ended);
  }
  const outcome = await platform.start(
    specOf(execution, given.ids.next("run"), SPAWN_WITHIN_MS - (clock.monotonic() - acceptedAt)),
    execution.signal,
  );
  const response = outcome.kind === "running"
    ? success(command, outcome.runtimeInfo)
    : failure(command, outcome.failure, outcome.runtimeInfo ?? ended);
  return ended && response.type === "RestartInstanceResponse"
    ? { ...response, stopped: ended }
    : response;
}

function specOf(execution: Execution, runId: string, spawnWithinMs: number): StartSpec {
  const { command } = execution;
  return {
    instanceId: command.instanceId,
    runId,
    fence: fenceOf(execution),
    template: command.template ?? "drasi-server",
    configuration: command.configuration ?? {},
    ...(command.configurationRevision === undefined
      ? {}
      : { configurationRevision: command.configurationRevision }),
    spawnWithinMs: Math.max(1, Math.floor(spawnWithinMs)),
    ...(command.leaseMs === undefined || execution.leaseFromMs === null
      ? {}
      : { lease: { leaseMs: command.leaseMs, fromMs: execution.leaseFromMs } }),
    renew: execution.reaccept,
    ...(command.limits === undefined ? {} : { limits: command.limits }),
  };
}

function stopped(
  command: Command,
  outcome: Awaited<ReturnType<Platform["stop"]>>,
): InstanceResponse {
  return outcome.kind === "stopped"
    ? success(command, outcome.runtimeInfo)
    : failure(command, outcome.failure, outcome.runtimeInfo);
}
