/** From what a platform says to what the log keeps: responses, built in one place. */
import type { Command } from "../events/commands.ts";
import type { InstanceResponse } from "../events/responses.ts";
import type { RuntimeInfo } from "../events/runtime_info.ts";
import type { Failure } from "./platform.ts";

const RESPONSE_TYPES = {
  StartInstanceCommand: "StartInstanceResponse",
  StopInstanceCommand: "StopInstanceResponse",
  RestartInstanceCommand: "RestartInstanceResponse",
  DeleteInstanceCommand: "DeleteInstanceResponse",
} as const;

/** The response to a command that was done. */
export function success(command: Command, runtimeInfo: RuntimeInfo | null): InstanceResponse {
  return {
    type: RESPONSE_TYPES[command.type],
    instanceId: command.instanceId,
    success: true,
    ...(runtimeInfo ? { runtimeInfo } : {}),
  };
}

/** The response to a command that was not; `runtimeInfo` says what runs or ran all the same. */
export function failure(
  command: Command,
  why: Failure,
  runtimeInfo: RuntimeInfo | null,
): InstanceResponse {
  return {
    type: RESPONSE_TYPES[command.type],
    instanceId: command.instanceId,
    success: false,
    errorMessage: why.message,
    errorCode: why.code,
    retryable: why.retryable,
    ...(runtimeInfo ? { runtimeInfo } : {}),
  };
}
