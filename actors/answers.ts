/** What an asker hears: the event that ended its command, told as an outcome. Pure. Design §3, §6. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { AskFailure, AskOutcome } from "./system_port.ts";

/** The outcome for a command that `event` has ended. */
export function answerFor(event: RecordedEvent, state: InstanceState): AskOutcome {
  const { position } = event;
  if (event.type === "CommandSucceeded") {
    return { kind: "done", changed: true, state, position, event };
  }
  const failure = failureOf(event);
  if (!failure) throw new Error(`${event.type} does not end a command`);
  return { kind: "failed", failure, state, position };
}

function failureOf(event: RecordedEvent): AskFailure | null {
  switch (event.type) {
    case "CommandFailed": {
      const { errorCode, errorMessage, retryable } = event.data.response;
      return {
        code: errorCode ?? "failed",
        message: errorMessage ?? "The worker gave no reason.",
        retryable: retryable ?? true,
      };
    }
    case "CommandExpired":
      return EXPIRED[event.data.reason];
    case "CommandCancelled":
      return {
        code: "cancelled",
        message: CANCELLED[event.data.reason] ?? "Another request replaced it.",
        retryable: false,
      };
    case "CommandRefused":
      return event.data.reason === "Poison"
        ? {
          code: "poison",
          message: "The command was delivered five times and no worker could accept it.",
          retryable: false,
        }
        : { code: "cancelled", message: "A newer request replaced it.", retryable: false };
    case "CommandForgotten":
      return {
        code: "forgotten",
        message: `Its worker ${event.data.workerId} was given up; what it did is not known.`,
        retryable: true,
      };
    default:
      return null;
  }
}

const EXPIRED: Record<string, AskFailure> = {
  NoWorker: {
    code: "no_worker",
    message: "No worker for this platform and site is running.",
    retryable: true,
  },
  WorkersBusy: {
    code: "workers_busy",
    message: "All workers were busy until the time was over.",
    retryable: true,
  },
  WorkersUnreachable: {
    code: "workers_unreachable",
    message: "The workers that could do it have not been heard of.",
    retryable: true,
  },
  NotReleased: {
    code: "workers_busy",
    message: "The stop that this start waited for did not end in time.",
    retryable: true,
  },
};

const CANCELLED: Record<string, string> = {
  StopRequested: "A stop replaced it before a worker had taken it.",
  DeleteRequested: "A delete replaced it before a worker had taken it.",
  StopFailed: "The stop that this start waited for failed, so the server still runs.",
};
