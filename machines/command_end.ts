/** Why a command ended otherwise than asked: one wording for the state, the asker and the screen. */
import type { RecordedEvent } from "../events/envelope.ts";

/** A failure for programs (`code`, `retryable`) and for people (`message`). */
export interface CommandFailure {
  /** The worker's code, or `no_worker`, `workers_busy`, `workers_unreachable`, `not_released`, `cancelled`,
   * `poison`, `forgotten`. */
  code: string;
  message: string;
  retryable: boolean;
}

/** What `event` says of the command that it ends; null where that succeeded, or none is ended. */
export function failureAtEnd(event: RecordedEvent): CommandFailure | null {
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
      return event.data.detail === undefined
        ? EXPIRED[event.data.reason]
        : { ...EXPIRED[event.data.reason], message: event.data.detail };
    case "CommandCancelled":
      return {
        code: "cancelled",
        message: CANCELLED[event.data.reason] ?? "Another request replaced it.",
        retryable: false,
      };
    case "CommandRefused":
      return REFUSED[event.data.reason];
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

const EXPIRED = {
  NoWorker: {
    code: "no_worker",
    message: "No worker for this platform and site is running.",
    retryable: true,
  },
  WorkersBusy: {
    code: "workers_busy",
    message: "There are workers, but none took the command within its time.",
    retryable: true,
  },
  WorkersUnreachable: {
    code: "workers_unreachable",
    message: "The workers that could do it have not been heard of.",
    retryable: true,
  },
  NotReleased: {
    code: "not_released",
    message: "The stop that this start waited for did not end in time.",
    retryable: true,
  },
} as const;

const REFUSED = {
  StaleGeneration: {
    code: "cancelled",
    message: "A newer request replaced it.",
    retryable: false,
  },
  Poison: {
    code: "poison",
    message: "The command was delivered five times and no worker could accept it.",
    retryable: false,
  },
} as const;

const CANCELLED: Record<string, string> = {
  StopRequested: "A stop replaced it before a worker had taken it.",
  DeleteRequested: "A delete replaced it.",
  StopFailed: "The stop that this start waited for failed, so the server still runs.",
};
