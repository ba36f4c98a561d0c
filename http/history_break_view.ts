/** Why an event stream ends before its client leaves, as its last message. */
import type { HistoryBreak } from "../actors/system_port.ts";
import type { Position } from "../events/envelope.ts";
import type { JsonObject } from "../events/json.ts";

/** The last message of a stream, and the position from which its client can go on. */
export interface LastMessage {
  /** `gap`: what was told is not the log's any more. `error`: this node cannot tell the rest. */
  type: "gap" | "error";
  resumeAfter: Position;
  /** `code`, `detail`, `retryable` and `hint`, as in a problem. */
  data: JsonObject;
}

const READ_ANEW =
  "Read the fleet anew (GET /api/server/instances), then go on after this position.";

/** @param last what the client has come to */
export function historyBreakView(broken: HistoryBreak, last: Position): LastMessage {
  if (broken.kind === "unreadable") {
    const { code, message, retryable, hint } = broken.error;
    return {
      type: "error",
      resumeAfter: last,
      data: { position: last, code, detail: message, retryable, hint },
    };
  }
  if (broken.kind === "gap") {
    return {
      type: "gap",
      resumeAfter: broken.head,
      data: {
        position: broken.head,
        code: "log_truncated",
        detail:
          "The log was cut before this node had told all of it: some events were passed over.",
        retryable: true,
        hint: READ_ANEW,
      },
    };
  }
  const { lostEvents, instanceIds, head } = broken.rollback;
  return {
    type: "gap",
    resumeAfter: head,
    data: {
      position: head,
      code: "HISTORY_ROLLBACK",
      detail:
        `The log was put back to ${head}: what was told of later events is not true any more.`,
      retryable: true,
      hint: READ_ANEW,
      lostEvents,
      instanceIds,
    },
  };
}

/** @param given what the client says it has come to, which is none of this log; @param head where this node is */
export function strangePlaceView(given: string, head: Position): LastMessage {
  return {
    type: "gap",
    resumeAfter: head,
    data: {
      position: head,
      code: "HISTORY_ROLLBACK",
      detail: `${given} is no place in this log: it was put back, or is another one.`,
      retryable: true,
      hint: READ_ANEW,
    },
  };
}
